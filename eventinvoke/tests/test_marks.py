"""Marks say which events are to be planned, and are lost neither by a crash nor by a change in between."""

from datetime import timedelta

import pytest
from django.db import transaction

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Delivery, Event, Unplanned
from eventinvoke.planning import marks
from eventinvoke.planning.event_row import EventRow
from eventinvoke.planning.planner import Planner
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from eventinvoke.planning.replan import follow_changes, has_changes
from eventinvoke.tests.factories import EventFactory
from registration.models import Step
from registration.tests.factories import CalendarFactory, RegistrationFactory, TargetFactory

pytestmark = pytest.mark.django_db


def marked() -> dict[int, int]:
    return dict(Unplanned.objects.values_list("event_id", "version"))


def test_each_change_raises_the_version_and_its_mark() -> None:
    event, other = EventFactory(), EventFactory()
    for version in (2, 3):
        with transaction.atomic():
            assert marks.change([event.pk], title=f"Version {version}") == 1
        assert marked() == {event.pk: version}
    event.refresh_from_db()
    other.refresh_from_db()
    assert (event.title, event.version, other.version) == ("Version 3", 3, 1)


def test_the_mark_of_a_change_during_the_planning_stays() -> None:
    event, other = EventFactory(), EventFactory()
    marks.put_on([(event.pk, 1), (other.pk, 1)])
    marks.change([event.pk])
    marks.take_off({event.pk: 1, other.pk: 1})
    assert marked() == {event.pk: 2}
    assert marks.unplanned_events(10) == [event.pk]


def test_the_mark_of_an_event_that_is_gone_is_taken_off() -> None:
    event = EventFactory()
    marks.change([event.pk])
    Event.objects.filter(pk=event.pk)._raw_delete("default")
    assert has_changes()
    assert follow_changes(60) == 1
    assert not has_changes()


def test_a_mark_goes_with_its_event() -> None:
    event = EventFactory()
    marks.change([event.pk])
    event.delete()
    assert marked() == {}


def test_publishing_and_withdrawing_leave_no_mark_once_they_have_planned() -> None:
    at = now() + timedelta(hours=1)
    publish([EventDraft("system", "1", "Telecon", at)])
    publish([EventDraft("system", "1", "Telecon", at + timedelta(hours=1))])
    assert withdraw("system", ["1"]) == 1
    assert marked() == {}
    assert Event.objects.get().version == 3


def test_a_new_event_that_changes_before_it_is_planned_is_planned_as_it_is() -> None:
    calendar, target = CalendarFactory(owner=None), TargetFactory()
    plan = RegistrationFactory(member=target.member, calendar=calendar)
    Step.objects.create(registration=plan, target=target)
    new, other = (EventFactory(source=calendar.source) for _ in range(2))
    marks.put_on([(new.pk, 1), (other.pk, 1)])
    later = now() + timedelta(hours=2)
    marks.change([new.pk], starts_at=later, deadline_at=later)
    rows = [EventRow(*(getattr(event, name) for name in EventRow._fields)) for event in (new, other)]
    Planner().plan_new(rows)
    found = dict(Delivery.objects.values_list("event_id", "starts_at"))
    assert found == {new.pk: later, other.pk: other.starts_at}
    assert marked() == {}


def test_an_answer_in_another_calendar_counts_for_each_of_many_new_events() -> None:
    """A large sync looks first whether another calendar has events at all."""
    first, second = CalendarFactory(owner=None), CalendarFactory(owner=None)
    target = TargetFactory()
    plan = RegistrationFactory(member=target.member, calendar=None)
    Step.objects.create(registration=plan, target=target)
    starts = [now() + timedelta(hours=number) for number in range(1, 121)]
    publish(EventDraft(first.source, f"{number}", "PFS telecon", at) for number, at in enumerate(starts))
    Delivery.objects.update(state=State.ACKNOWLEDGED)
    Answer.objects.bulk_create(
        Answer(
            delivery=one, event_id=one.event_id, member=target.member, kind=Answer.Kind.CONFIRMED,
            starts_at=one.starts_at, channel=one.kind,
        )
        for one in Delivery.objects.all()
    )  # fmt: skip
    publish(EventDraft(second.source, f"{number}", "PFS telecon", at) for number, at in enumerate(starts))
    assert Event.objects.filter(source=second.source).count() == len(starts)
    assert not Delivery.objects.filter(event__source=second.source).exists()
