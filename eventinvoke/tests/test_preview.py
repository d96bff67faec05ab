"""What a registration would do, and what an edit would change."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine

from common.clock import now
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.planning.preview import difference, preview
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.planning.replan import follow_changes
from eventinvoke.tests.factories import EventFactory
from registration.models import Registration, Step
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def typed(**values: Any) -> Registration:
    """A registration that is not stored."""
    return Registration(kind=Registration.Kind.STANDING, name="typed", **values)


def step(registration: Registration, minutes: int, **values: Any) -> Step:
    target = values.pop("target", None) or TargetFactory(member=registration.member)
    return Step(target=target, offset=minutes * MINUTE, **values)


def coming(calendar: Any, *titles: str, **values: Any) -> list[Event]:
    return [
        EventFactory(
            source=calendar.source, title=title, starts_at=now() + timedelta(hours=hour + 1), **values
        )
        for hour, title in enumerate(titles)
    ]


def test_what_is_typed_shows_what_it_finds_where_and_when_it_is_told() -> None:
    calendar = CalendarFactory()
    telecon, _lunch = coming(calendar, "PFS telecon", "Lunch")
    one = typed(member=calendar.owner, pattern="tele.on")
    shown = preview(one, [step(one, -10), step(one, -2)])
    (found,) = shown.found
    assert (found.event, found.marks) == (telecon, (("title", 4, 11),))
    assert [telling.at for telling in found.told] == [
        telecon.starts_at - 10 * MINUTE,
        telecon.starts_at - 2 * MINUTE,
    ]
    assert (shown.count, shown.looked_at, shown.is_cut) == (1, 2, False)
    assert not Delivery.objects.exists()


def test_what_is_excluded_is_not_found() -> None:
    calendar = CalendarFactory()
    coming(calendar, "Telecon", "Telecon (canceled)")
    one = typed(member=calendar.owner, pattern="telecon", exclude="cancel", syntax="words")
    assert [found.event.title for found in preview(one, []).found] == ["Telecon"]


def test_other_people_s_calendars_are_not_looked_at() -> None:
    coming(CalendarFactory(), "PFS telecon")
    assert preview(typed(member=MemberFactory(), pattern="telecon"), []).looked_at == 0


def test_a_pattern_that_is_not_finished_finds_nothing() -> None:
    calendar = CalendarFactory()
    coming(calendar, "PFS telecon")
    assert preview(typed(member=calendar.owner, pattern="(tele"), []).found == ()


def test_fields_and_labels_are_read_when_they_are_looked_at() -> None:
    calendar = CalendarFactory()
    coming(calendar, "A", "B", location="Hilo", labels={"organiser": "Ann <ann@example.org>", "status": "ok"})
    one = typed(
        member=calendar.owner, pattern="hilo ", syntax="words", fields=["location"], labels={"status": "ok"}
    )
    assert [found.marks for found in preview(one, []).found] == [(("location", 0, 4),)] * 2
    two = typed(member=calendar.owner, pattern="ann@", fields=["organiser", "location"])
    assert [found.marks for found in preview(two, []).found] == [(("organiser", 5, 9),)] * 2


def test_the_list_is_bounded_and_the_count_is_not() -> None:
    calendar = CalendarFactory()
    coming(calendar, *["telecon"] * 5)
    shown = preview(typed(member=calendar.owner, pattern="telecon"), [], limit=2)
    assert (len(shown.found), shown.count) == (2, 5)


@time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False)
def test_a_day_is_told_of_at_the_chosen_hour_of_the_member_s_zone() -> None:
    calendar = CalendarFactory(owner=MemberFactory(time_zone="Pacific/Honolulu"))
    starts_at = datetime(2026, 11, 22, tzinfo=UTC)
    EventFactory(
        source=calendar.source, title="Holiday", starts_at=starts_at, is_all_day=True, starts_on=starts_at.date(),
        deadline_at=starts_at + timedelta(days=1), ends_at=starts_at + timedelta(days=1),
    )  # fmt: skip
    one = typed(member=calendar.owner, pattern="holiday", all_day_at=time(8, 30))
    (found,) = preview(one, [step(one, -60)]).found
    assert [telling.at for telling in found.told] == [datetime(2026, 11, 22, 17, 30, tzinfo=UTC)]
    one.action = Registration.Action.AWAY
    (found,) = preview(one, []).found
    assert found.runs == (datetime(2026, 11, 22, 10, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC))
    assert not Period.objects.exists()


def test_a_preview_takes_few_queries_for_any_number_of_finds(django_assert_max_num_queries: Any) -> None:
    calendar = CalendarFactory()
    coming(calendar, *["telecon"] * 30)
    one = typed(member=calendar.owner, pattern="telecon")
    plan = [step(one, -10)]
    with django_assert_max_num_queries(6):
        preview(one, plan)
    with django_assert_max_num_queries(7):
        difference(None, one, plan)


def test_a_new_registration_adds_what_the_planner_then_plans() -> None:
    calendar = CalendarFactory()
    publish(
        EventDraft(
            source=calendar.source,
            external_id=str(n),
            title=f"telecon {n}",
            starts_at=now() + n * 60 * MINUTE,
        )
        for n in range(1, 4)
    )
    one = RegistrationFactory.build(member=calendar.owner, pattern="telecon [12]", planned_version=0)
    plan = [step(one, -10)]
    change = difference(None, one, plan)
    one.save()
    plan[0].registration = one
    plan[0].save()
    follow_changes()
    assert [(c.event.pk, c.target.pk, c.at) for c in change.added] == list(
        Delivery.objects.pending().order_by("due_at").values_list("event_id", "target_id", "due_at")
    )
    assert (change.count_added, change.count_removed, change.count_kept) == (2, 0, 0)


def test_an_edit_says_what_it_adds_removes_and_keeps() -> None:
    calendar = CalendarFactory()
    stored = RegistrationFactory(member=calendar.owner, calendar=calendar, pattern="telecon")
    plan = [StepFactory(registration=stored)]
    publish(
        EventDraft(source=calendar.source, external_id=title, title=title, starts_at=now() + 60 * MINUTE)
        for title in ("telecon a", "telecon b", "review")
    )
    edited = Registration.objects.get(pk=stored.pk)
    edited.pattern = "b|review"
    change = difference(stored, edited, plan)
    assert [one.event.title for one in change.added] == ["review"]
    assert [one.event.title for one in change.removed] == ["telecon a"]
    assert (change.count_added, change.count_removed, change.count_kept) == (1, 1, 1)


def test_what_another_registration_tells_anyway_is_not_added() -> None:
    calendar = CalendarFactory()
    stored = RegistrationFactory(member=calendar.owner, calendar=calendar, pattern="telecon")
    plan = [StepFactory(registration=stored)]
    publish(
        [EventDraft(source=calendar.source, external_id="1", title="telecon", starts_at=now() + 60 * MINUTE)]
    )
    assert difference(None, typed(member=calendar.owner, pattern="telecon"), plan).count_added == 0


def test_switching_off_removes_everything() -> None:
    calendar = CalendarFactory()
    stored = RegistrationFactory(member=calendar.owner, calendar=calendar, pattern="telecon")
    plan = [StepFactory(registration=stored)]
    publish(
        [EventDraft(source=calendar.source, external_id="1", title="telecon", starts_at=now() + 60 * MINUTE)]
    )
    edited = Registration.objects.get(pk=stored.pk)
    edited.is_active = False
    assert difference(stored, edited, plan).count_removed == 1


def test_a_step_after_an_event_that_is_over_is_not_called_removed() -> None:
    calendar = CalendarFactory()
    stored = RegistrationFactory(member=calendar.owner, calendar=calendar, pattern="telecon")
    plan = [StepFactory(registration=stored, offset=timedelta(days=1))]
    hour = 60 * MINUTE
    publish([EventDraft(calendar.source, "1", "telecon", now() - 2 * hour, now() - hour)])
    assert Delivery.objects.pending().count() == 1
    assert difference(stored, Registration.objects.get(pk=stored.pk), plan).count_removed == 0
