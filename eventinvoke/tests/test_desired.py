"""Events that last all day: when their steps are due, and until when anybody is told."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from common.clock import now
from common.times import zone_of
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.desired import due_at, over_at, runs_of
from eventinvoke.planning.obsolete import unwanted
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.planning.replan import follow_changes
from registration.models import Member, Registration, Step
from registration.tests.factories import CalendarFactory, MemberFactory, RegistrationFactory, StepFactory

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def day(of: date, days: int = 1) -> Event:
    starts_at = datetime.combine(of, time(0), UTC)
    return Event(
        starts_at=starts_at, ends_at=starts_at + days * DAY, deadline_at=starts_at + days * DAY,
        is_all_day=True, starts_on=of,
    )  # fmt: skip


def plan(zone: str, at: time = time(9)) -> Registration:
    return Registration(member=Member(time_zone=zone), all_day_at=at)


@pytest.mark.parametrize(
    ("zone", "of", "at", "due"),
    [
        ("UTC", date(2026, 11, 22), time(9), "2026-11-22T09:00"),
        ("Asia/Tokyo", date(2026, 11, 22), time(9), "2026-11-22T00:00"),
        ("Pacific/Honolulu", date(2026, 11, 22), time(18), "2026-11-23T04:00"),
        # The clock jumps from 2:00 to 3:00: half past two is half an hour after the jump.
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30"),
        # Half past two comes twice: the first.
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),
    ],
)
def test_a_day_begins_at_the_chosen_hour_of_the_member_s_clocks(
    zone: str, of: date, at: time, due: str
) -> None:
    step = Step(offset=timedelta(0))
    assert due_at(day(of), plan(zone, at), step) == datetime.fromisoformat(due + "+00:00")


def test_a_step_lies_before_or_after_the_chosen_hour() -> None:
    assert due_at(day(date(2026, 11, 22)), plan("UTC"), Step(offset=-DAY)) == datetime(
        2026, 11, 21, 9, tzinfo=UTC
    )


def test_an_event_whose_day_is_not_known_begins_at_its_start() -> None:
    event = day(date(2026, 11, 22))
    event.starts_on = None
    assert due_at(event, plan("Asia/Tokyo"), Step(offset=timedelta(0))) == MIDNIGHT


@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"]),
    of=st.dates(date(2011, 1, 1), date(2040, 1, 1)),
    days=st.integers(1, 20),
    at=st.times(),
)
def test_a_day_is_the_member_s_day(zone: str, of: date, days: int, at: time) -> None:
    event, one = day(of, days), plan(zone, at)
    starts_at, ends_at = runs_of(event, one)
    due = due_at(event, one, Step(offset=timedelta(0)))
    if zone != "Pacific/Apia" or of.year != 2011:  # where 30 December 2011 never was
        assert starts_at.astimezone(zone_of(zone)).date() == of
        assert due.astimezone(zone_of(zone)).date() == of
    assert (ends_at - starts_at) // DAY in {days - 1, days}
    assert starts_at <= due <= over_at(event, one) + timedelta(hours=1)


@pytest.mark.django_db
class TestPlanning:
    def registration(self, zone: str, **values: Any) -> Any:
        calendar = CalendarFactory(owner=MemberFactory(time_zone=zone))
        one = RegistrationFactory(member=calendar.owner, calendar=calendar, pattern="holiday", **values)
        StepFactory(registration=one, offset=timedelta(0))
        return one

    def publish(self, one: Any, **values: Any) -> None:
        publish(
            [
                EventDraft(
                    source=one.calendar.source, external_id="1", title="Holiday", starts_at=MIDNIGHT,
                    ends_at=MIDNIGHT + DAY, is_all_day=True, starts_on=MIDNIGHT.date(), **values,
                )
            ]
        )  # fmt: skip

    @time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False)
    def test_a_day_is_told_of_at_the_chosen_hour_until_it_is_over(self) -> None:
        one = self.registration("Pacific/Honolulu", all_day_at=time(18))
        self.publish(one)
        row = Delivery.objects.get()
        assert row.due_at == datetime(2026, 11, 23, 4, tzinfo=UTC)
        assert row.deadline_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
        assert unwanted([row.pk]) == {}

    def test_another_hour_moves_what_is_pending(self) -> None:
        one = self.registration("UTC")
        with time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False):
            self.publish(one)
            (before,) = Delivery.objects.all()
            Registration.objects.update(all_day_at=time(7), planned_version=0)
            assert unwanted([before.pk]) == {before.pk: "The event or the plan has moved."}
            follow_changes()
            (after,) = Delivery.objects.pending()
        assert (after.pk, after.due_at) == (before.pk, MIDNIGHT + timedelta(hours=7))

    @time_machine.travel(datetime(2026, 11, 23, 2, tzinfo=UTC), tick=False)
    def test_a_day_that_is_over_where_it_was_entered_still_lasts_further_west(self) -> None:
        one = self.registration("Pacific/Honolulu", all_day_at=time(18), is_active=False)
        self.publish(one)
        assert Event.objects.get().deadline_at < now()
        Registration.objects.update(is_active=True, planned_version=0)
        follow_changes()
        assert Delivery.objects.pending().count() == 1

    @time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False)
    def test_who_registers_after_the_hour_is_not_told_of_what_has_begun(self) -> None:
        self.publish(self.registration("UTC"))
        assert not Delivery.objects.exists()

    @time_machine.travel(datetime(2026, 11, 22, 1, tzinfo=UTC), tick=False)
    def test_who_registers_after_the_step_and_before_the_hour_is_told_at_once(self) -> None:
        one = self.registration("UTC")
        one.steps.update(offset=-DAY)
        self.publish(one)
        assert Delivery.objects.get().due_at == datetime(2026, 11, 21, 9, tzinfo=UTC)
