"""Planning: what should be pending, and only the difference written."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common.clock import now
from common.errors import InputError
from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.publish import EventDraft, Published, publish, withdraw
from eventinvoke.planning.replan import follow_changes
from eventinvoke.replies import answers
from eventinvoke.sending.deliver import fire
from eventinvoke.tests.stand_ins import PushLike
from registration.models import Registration, Step
from registration.tests.factories import (
    CalendarFactory,
    DateFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_way")]

MINUTE = timedelta(minutes=1)


def draft(source: str, external_id: str = "1", **changes: Any) -> EventDraft:
    changes.setdefault("title", "PFS telecon")
    changes.setdefault("starts_at", now() + timedelta(hours=2))
    return EventDraft(source=source, external_id=external_id, **changes)


def standing(*offsets: int, **changes: Any) -> Any:
    """A registration on a calendar of its own with a step at each offset (minutes to the start)."""
    member = changes.pop("member", None) or MemberFactory()
    calendar = changes.pop("calendar", None) or CalendarFactory(owner=member)
    registration = RegistrationFactory(member=member, calendar=calendar, **changes)
    for offset in offsets:
        StepFactory(registration=registration, offset=offset * MINUTE)
    return registration


def pending() -> list[Delivery]:
    return list(Delivery.objects.pending().order_by("due_at"))


def test_each_step_of_a_matching_registration_becomes_a_delivery() -> None:
    registration = standing(-10, -2)
    starts_at = now() + timedelta(hours=2)
    assert publish([draft(registration.calendar.source, starts_at=starts_at)]) == Published(created=1)
    assert [row.due_at for row in pending()] == [starts_at - 10 * MINUTE, starts_at - 2 * MINUTE]
    assert {row.member_id for row in pending()} == {registration.member_id}


def test_an_event_whose_title_does_not_match_brings_nothing() -> None:
    registration = standing(-10)
    publish([draft(registration.calendar.source, title="Lunch")])
    assert pending() == []


def test_publishing_the_same_again_writes_nothing(django_assert_max_num_queries: Any) -> None:
    registration = standing(-10)
    one = draft(registration.calendar.source)
    publish([one])
    before = list(Delivery.objects.values())
    with django_assert_max_num_queries(4):
        assert publish([one]) == Published(unchanged=1)
    assert list(Delivery.objects.values()) == before


def test_publishing_many_events_takes_few_queries(django_assert_max_num_queries: Any) -> None:
    registration = standing(-10, -2)
    # SQLite takes some fifty rows an INSERT; the others take all at once.
    with django_assert_max_num_queries(45):
        publish(draft(registration.calendar.source, str(number)) for number in range(500))
    assert len(pending()) == 1000


def test_a_step_over_a_change_of_the_clocks_is_due_after_the_time_that_really_passes() -> None:
    registration = standing(-240)
    starts_at = datetime(2030, 3, 31, 4, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    publish([draft(registration.calendar.source, starts_at=starts_at)])
    assert [row.due_at for row in pending()] == [datetime(2030, 3, 30, 22, 0, tzinfo=UTC)]


def test_a_moved_event_moves_its_pending_deliveries_and_makes_no_others() -> None:
    registration = standing(-10)
    source = registration.calendar.source
    publish([draft(source)])
    (before,) = pending()
    later = now() + timedelta(hours=5)
    publish([draft(source, starts_at=later)])
    (after,) = pending()
    assert (after.pk, after.due_at, after.next_attempt_at) == (
        before.pk,
        later - 10 * MINUTE,
        later - 10 * MINUTE,
    )


def test_what_was_sent_stays_and_the_new_time_is_told_again() -> None:
    registration = standing(-10)
    source = registration.calendar.source
    publish([draft(source, starts_at=now() + 5 * MINUTE)])
    Delivery.objects.update(state=State.SENT)
    publish([draft(source, starts_at=now() + timedelta(hours=3))])
    assert Delivery.objects.filter(state=State.SENT).count() == 1
    assert len(pending()) == 1


def test_a_withdrawn_event_cancels_what_is_pending_and_only_that() -> None:
    registration = standing(-10, -2)
    source = registration.calendar.source
    publish([draft(source, starts_at=now() + timedelta(hours=1))])
    fired = pending()[0]
    Delivery.objects.filter(pk=fired.pk).update(state=State.SENT)
    assert withdraw(source, ["1"]) == 1
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states.pop(fired.pk) == State.SENT
    assert set(states.values()) == {State.CANCELED}


def test_a_reinstated_event_is_planned_again() -> None:
    registration = standing(-10)
    one = draft(registration.calendar.source)
    publish([one])
    withdraw(one.source, ["1"])
    assert publish([one]) == Published(updated=1)
    assert len(pending()) == 1


def test_two_registrations_for_the_same_target_and_time_tell_it_once() -> None:
    first = standing(-10)
    second = standing(member=first.member, calendar=first.calendar, pattern="PFS")
    StepFactory(registration=second, target=first.steps.get().target, offset=-10 * MINUTE)
    publish([draft(first.calendar.source)])
    assert len(pending()) == 1


def test_what_one_registration_gives_up_another_still_gets() -> None:
    first = standing(-10)
    second = standing(member=first.member, calendar=first.calendar, pattern="PFS")
    StepFactory(registration=second, target=first.steps.get().target, offset=-10 * MINUTE)
    publish([draft(first.calendar.source)])
    Registration.objects.filter(pk=first.pk).update(is_active=False, planned_version=0)
    follow_changes()
    (row,) = pending()
    assert row.registration_id == second.pk


def test_a_private_calendar_is_not_told_to_another_member() -> None:
    private = CalendarFactory()
    stranger = RegistrationFactory(pattern=".")
    StepFactory(registration=stranger)
    named = RegistrationFactory(pattern=".", calendar=private)
    StepFactory(registration=named)
    publish([draft(private.source)])
    assert pending() == []


def test_a_calendar_for_everybody_is_matched_by_registrations_that_name_no_calendar() -> None:
    shared = CalendarFactory(owner=None)
    StepFactory(registration=RegistrationFactory(pattern="TELECON"))
    publish([draft(shared.source)])
    assert len(pending()) == 1


def test_labels_of_a_registration_must_all_be_the_event_s() -> None:
    registration = standing(-10, labels={"room": "A"})
    source = registration.calendar.source
    publish([draft(source, "1", labels={"room": "A", "x": 1}), draft(source, "2", labels={"room": "B"})])
    assert [row.event.external_id for row in pending()] == ["1"]


def test_a_target_that_is_not_verified_is_not_planned() -> None:
    registration = standing()
    StepFactory(registration=registration, target=TargetFactory(member=registration.member, verified_at=None))
    publish([draft(registration.calendar.source)])
    assert pending() == []


def test_a_member_who_registers_late_is_told_once() -> None:
    registration = standing()
    target = TargetFactory(member=registration.member)
    for offset in (-60, -30, -10):
        StepFactory(registration=registration, target=target, offset=offset * MINUTE)
    starts_at = now() + 5 * MINUTE
    publish([draft(registration.calendar.source, starts_at=starts_at)])
    assert [row.due_at for row in pending()] == [starts_at - 10 * MINUTE]


def test_a_missed_step_is_left_out_when_a_later_one_tells_the_same_target() -> None:
    registration = standing()
    target = TargetFactory(member=registration.member)
    for offset in (-60, -10):
        StepFactory(registration=registration, target=target, offset=offset * MINUTE)
    starts_at = now() + 30 * MINUTE
    publish([draft(registration.calendar.source, starts_at=starts_at)])
    assert [row.due_at for row in pending()] == [starts_at - 10 * MINUTE]


def test_an_event_that_has_long_begun_brings_nothing_new() -> None:
    registration = standing(-10)
    publish([draft(registration.calendar.source, starts_at=now() - 30 * MINUTE)])
    assert pending() == []


def test_a_changed_plan_is_followed_without_publishing_again() -> None:
    registration = standing(-10)
    starts_at = now() + timedelta(hours=2)
    publish([draft(registration.calendar.source, starts_at=starts_at)])
    Step.objects.update(offset=-20 * MINUTE)
    Registration.objects.filter(pk=registration.pk).changed()
    assert follow_changes() == 1
    assert [row.due_at for row in pending()] == [starts_at - 20 * MINUTE]
    assert follow_changes() == 0


def test_a_confirmed_event_is_not_planned_again_until_it_moves() -> None:
    registration = standing(-10)
    source = registration.calendar.source
    starts_at = now() + timedelta(hours=2)
    publish([draft(source, starts_at=starts_at)])
    row = Delivery.objects.get()
    Delivery.objects.update(state=State.SENT)
    answers.acknowledge(row, "inbox")
    StepFactory(registration=registration, offset=-5 * MINUTE)
    Registration.objects.changed()
    follow_changes()
    assert pending() == []
    publish([draft(source, starts_at=starts_at + timedelta(hours=1))])
    assert [row.origin for row in pending()] == ["change", "plan", "plan"]


def test_one_date_becomes_an_event_and_its_deliveries() -> None:
    registration = DateFactory()
    StepFactory(registration=registration)
    follow_changes()
    event = Event.objects.get()
    assert (event.title, event.starts_at) == (registration.title, registration.starts_at)
    assert [row.registration_id for row in pending()] == [registration.pk]


def test_a_declined_date_is_canceled() -> None:
    registration = DateFactory()
    StepFactory(registration=registration)
    follow_changes()
    Registration.objects.update(declined_at=now(), planned_version=0)
    follow_changes()
    assert pending() == []
    assert Event.objects.get().canceled_at is not None


def test_a_date_of_one_member_matches_no_pattern_of_another() -> None:
    StepFactory(registration=RegistrationFactory(pattern="."))
    registration = DateFactory()
    StepFactory(registration=registration)
    follow_changes()
    assert {row.registration_id for row in pending()} == {registration.pk}


def test_a_retry_that_waits_is_not_touched_by_a_retitled_event() -> None:
    registration = standing(-10)
    source = registration.calendar.source
    starts_at = now() + timedelta(hours=2)
    publish([draft(source, starts_at=starts_at)])
    waits_until: datetime = now() + 7 * MINUTE
    Delivery.objects.update(attempts=1, next_attempt_at=waits_until)
    publish([draft(source, starts_at=starts_at, title="PFS telecon, room changed")])
    assert [row.next_attempt_at for row in pending()] == [waits_until]


def test_a_pattern_that_can_t_be_used_holds_up_no_other() -> None:
    good = standing(-10)
    standing(-10, member=good.member, calendar=good.calendar, pattern="a(")
    publish([draft(good.calendar.source)])
    assert [row.registration_id for row in pending()] == [good.pk]


def test_a_step_after_the_end_of_its_event_outlives_a_change_of_the_plan() -> None:
    registration = standing(120)
    publish([draft(registration.calendar.source, starts_at=now() - 90 * MINUTE, deadline_at=now() - MINUTE)])
    (row,) = pending()
    Registration.objects.filter(pk=registration.pk).changed()
    follow_changes()
    assert [one.pk for one in pending()] == [row.pk]


def test_what_a_deleted_registration_shared_another_still_gets(push: PushLike) -> None:
    calendar = CalendarFactory(owner=None)
    target = TargetFactory(kind="pushlike")
    for _ in range(2):
        StepFactory(
            registration=RegistrationFactory(member=target.member, calendar=calendar),
            target=target,
            offset=-10 * MINUTE,
        )
    publish([draft(calendar.source, starts_at=now() + 10 * MINUTE)])
    (row,) = pending()
    assert row.registration is not None
    row.registration.delete()
    fire("pushlike")
    fire("pushlike")
    assert len(push.sent) == 1


def test_what_was_put_off_ends_with_its_registration() -> None:
    registration = standing(-10)
    publish([draft(registration.calendar.source)])
    (row,) = pending()
    assert answers.snooze(row, "panel") is not None
    Registration.objects.filter(pk=registration.pk).update(is_active=False, planned_version=0)
    follow_changes()
    assert pending() == []


def test_a_severity_that_no_channel_would_send_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        draft("system", severity=15)
    assert caught.value.field == "severity"


def test_a_confirmation_of_the_old_time_leaves_the_plan_for_the_new_one() -> None:
    registration = standing(-10)
    source = registration.calendar.source
    starts_at = now() + timedelta(hours=2)
    publish([draft(source, starts_at=starts_at)])
    Delivery.objects.update(state=State.SENT, sent_at=now())
    told = Delivery.objects.select_related("event", "member").get()
    publish([draft(source, starts_at=starts_at + timedelta(days=1))])
    answers.acknowledge(told, "key")
    assert [row.origin for row in pending()] == ["change", "plan"]


def test_what_a_person_canceled_no_plan_brings_back() -> None:
    registration = standing(-10)
    source = registration.calendar.source
    starts_at = now() + timedelta(hours=2)
    publish([draft(source, starts_at=starts_at)])
    Delivery.objects.all().cancel("Canceled by an administrator.", for_good=True)
    publish([draft(source, starts_at=starts_at, title="PFS telecon, room changed")])
    Registration.objects.changed()
    follow_changes()
    assert [row.state for row in Delivery.objects.all()] == [State.CANCELED]
