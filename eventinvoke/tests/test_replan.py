"""Registrations that changed."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from common.clock import now
from eventinvoke.models import Delivery
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.planning.replan import STEP, follow_changes
from eventinvoke.tests.factories import DeliveryFactory
from registration.models import Registration
from registration.tests.factories import CalendarFactory, DateFactory, RegistrationFactory, StepFactory

pytestmark = pytest.mark.django_db


def test_a_registration_that_can_t_be_planned_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The last hour that a date can hold: no end of it can be reckoned.
    spoilt = DateFactory(starts_at=datetime(9999, 12, 31, 23, 30, tzinfo=UTC))
    sound = StepFactory(registration=DateFactory()).registration
    assert follow_changes() == 1
    assert [row.registration_id for row in Delivery.objects.all()] == [sound.pk]
    assert [one.pk for one in Registration.objects.unplanned()] == [spoilt.pk]
    assert f"registration {spoilt.pk} can't be planned" in caplog.text


class Large:
    """A registration of more events than are planned in one step."""

    def __init__(self) -> None:
        calendar = CalendarFactory(owner=None)
        self.registration = RegistrationFactory(calendar=calendar)
        starts_at = now() + timedelta(days=1)
        self.draft = partial(EventDraft, calendar.source, title="PFS telecon", starts_at=starts_at)
        publish(self.draft(str(number)) for number in range(2 * STEP + 1))
        StepFactory(registration=self.registration)
        Registration.objects.changed()

    @property
    def is_planned(self) -> bool:
        """Whether the last step is done."""
        return not Registration.objects.unplanned().filter(pk=self.registration.pk).exists()


def test_a_large_registration_is_planned_step_by_step() -> None:
    large = Large()
    counts = []
    while not large.is_planned:
        assert follow_changes(seconds=0) == 1
        counts.append(Delivery.objects.count())
    assert counts == [STEP, 2 * STEP, 2 * STEP + 1]
    assert follow_changes(seconds=0) == 0


def test_a_registration_that_changes_between_two_steps_is_begun_again() -> None:
    large = Large()
    follow_changes(seconds=0)
    Registration.objects.changed(pattern="SpS")
    while not large.is_planned:
        assert follow_changes(seconds=0) == 1
    assert not Delivery.objects.pending().exists()


def test_what_is_published_between_two_steps_is_told_too() -> None:
    large = Large()
    follow_changes(seconds=0)
    publish([large.draft("new")])
    while not large.is_planned:
        assert follow_changes(seconds=0) == 1
    assert Delivery.objects.pending().count() == 2 * STEP + 2


def test_others_do_not_wait_for_a_large_registration() -> None:
    large = Large()
    follow_changes(seconds=0)
    small = StepFactory(registration=DateFactory()).registration
    follow_changes(seconds=0)
    assert Delivery.objects.filter(registration=small).exists()
    assert not large.is_planned


def test_many_small_registrations_are_planned_together(django_assert_max_num_queries: Any) -> None:
    calendar = CalendarFactory(owner=None)
    starts_at = now() + timedelta(days=1)
    publish(EventDraft(calendar.source, str(n), f"Telecon {n}", starts_at) for n in range(50))
    for number in range(50):
        registration = RegistrationFactory(calendar=calendar, pattern=f" {number}$", planned_version=0)
        StepFactory(registration=registration)
    with django_assert_max_num_queries(50 * 24):
        assert follow_changes(seconds=60) == 50
    assert not Registration.objects.unplanned().exists()
    assert Delivery.objects.values("registration", "event").distinct().count() == 50


def test_one_that_can_t_be_planned_spoils_none_that_is_planned_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    spoilt, sound = (RegistrationFactory(calendar=CalendarFactory(owner=None)) for _ in range(2))
    # A week after it no instant can be held.
    publish([EventDraft(spoilt.calendar.source, "1", "PFS telecon", datetime(9999, 12, 30, tzinfo=UTC))])
    publish([EventDraft(sound.calendar.source, "1", "PFS telecon", now() + timedelta(days=1))])
    StepFactory(registration=spoilt, offset=timedelta(days=7))
    StepFactory(registration=sound)
    Registration.objects.changed()
    follow_changes()
    assert [row.registration_id for row in Delivery.objects.all()] == [sound.pk]
    assert [one.pk for one in Registration.objects.unplanned()] == [spoilt.pk]
    assert f"registration {spoilt.pk} can't be planned" in caplog.text


def test_a_step_after_an_event_that_is_over_comes_back_with_its_registration(clock: Any) -> None:
    calendar = CalendarFactory()
    one = RegistrationFactory(member=calendar.owner, calendar=calendar)
    StepFactory(registration=one, offset=timedelta(days=1))
    publish([EventDraft(calendar.source, "1", "telecon", now(), now() + timedelta(hours=1))])
    clock.shift(timedelta(hours=2))
    for is_active in (False, True):
        Registration.objects.changed(is_active=is_active)
        follow_changes()
    assert Delivery.objects.get(state="pending").due_at == now() + timedelta(hours=22)


def test_what_was_put_off_ends_though_another_can_t_be_planned() -> None:
    spoilt = RegistrationFactory(calendar=CalendarFactory(owner=None))
    publish([EventDraft(spoilt.calendar.source, "1", "PFS telecon", datetime(9999, 12, 30, tzinfo=UTC))])
    StepFactory(registration=spoilt, offset=timedelta(days=7))
    put_off = DeliveryFactory(origin="snooze")
    Registration.objects.filter(pk=put_off.registration_id).changed(is_active=False)
    Registration.objects.changed()
    follow_changes()
    put_off.refresh_from_db()
    assert put_off.state == "canceled"
