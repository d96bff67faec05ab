"""Periods follow the events as deliveries do."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.clock import now
from eventinvoke.models import Delivery, Event, Period
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from eventinvoke.planning.replan import follow_changes
from eventinvoke.tests.muting import HOUR, observe, period, runner
from registration.models import Registration
from registration.tests.factories import (
    MemberFactory,
    StepFactory,
)

pytestmark = pytest.mark.django_db


def test_a_matching_event_makes_a_period_and_no_delivery() -> None:
    one = runner()
    StepFactory(registration=one)
    starts_at = now() + HOUR
    observe(one, starts_at, starts_at + 3 * HOUR)
    assert period() == (starts_at, starts_at + 3 * HOUR)
    assert not Delivery.objects.exists()


def test_an_event_without_an_end_runs_for_an_hour() -> None:
    one = runner()
    starts_at = now() + HOUR
    observe(one, starts_at)
    assert period() == (starts_at, starts_at + HOUR)


@time_machine.travel(datetime(2026, 10, 20, 12, tzinfo=UTC), tick=False)
def test_days_run_from_midnight_to_midnight_of_the_member_s_clocks() -> None:
    one = runner(member=MemberFactory(time_zone="Europe/Berlin"))
    # The clock is put back on 25 October.
    starts_at = datetime(2026, 10, 24, tzinfo=UTC)
    observe(one, starts_at, starts_at + 2 * 24 * HOUR, is_all_day=True, starts_on=starts_at.date())
    assert period() == (datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))


def test_a_period_moves_and_goes_with_its_event() -> None:
    one = runner()
    starts_at = now() + HOUR
    observe(one, starts_at)
    observe(one, starts_at + HOUR)
    assert period() == (starts_at + HOUR, starts_at + 2 * HOUR)
    withdraw(one.calendar.source, ["1"])
    assert not Period.objects.exists()


def test_publishing_again_writes_no_period(django_assert_max_num_queries: Any) -> None:
    one = runner()
    starts_at = now() + HOUR
    observe(one, starts_at)
    with django_assert_max_num_queries(4):
        observe(one, starts_at)


def test_a_new_registration_takes_effect_on_what_runs_already_and_ends_with_it() -> None:
    one = runner(is_active=False)
    starts_at = now() - HOUR
    observe(one, starts_at, starts_at + 3 * HOUR)
    assert not Period.objects.exists()
    Registration.objects.update(is_active=True, planned_version=0)
    follow_changes()
    assert period() == (starts_at, starts_at + 3 * HOUR)
    Registration.objects.update(is_active=False, planned_version=0)
    follow_changes()
    assert period()[1] <= now(), "it has begun, so it ends and is not forgotten"


def test_one_that_is_told_of_instead_has_no_period() -> None:
    one = runner()
    StepFactory(registration=one)
    observe(one, now() + HOUR)
    Registration.objects.update(action=Registration.Action.NOTIFY, planned_version=0)
    follow_changes()
    assert not Period.objects.exists()
    assert Delivery.objects.count() == 1


EDITS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["move", "cancel", "retitle"]),
        st.integers(-3, 6),
        st.integers(1, 4),
    ),
    max_size=6,
)


class FollowingEdits(TestCase):
    """After any series of edits, the periods are what a first reading of the last state gives."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(EDITS)
    def test_any_series_of_edits_gives_the_periods_of_the_last_state(self, edits: Any) -> None:
        instant = now().replace(microsecond=0)
        with time_machine.travel(instant, tick=False):
            one = runner()
            last: dict[str, EventDraft] = {}
            for name, what, start, length in edits:
                starts_at = instant + start * HOUR
                if what == "cancel":
                    withdraw(one.calendar.source, [name])
                    last.pop(name, None)
                    continue
                title = "Lunch" if what == "retitle" else "Observing"
                last[name] = EventDraft(
                    one.calendar.source, name, title, starts_at, starts_at + length * HOUR
                )
                publish([last[name]])
            running = set(
                Period.objects.filter(ends_at__gt=instant).values_list(
                    "event__external_id", "starts_at", "ends_at"
                )
            )
            Event.objects.all().delete()
            publish(last.values())
            first_read = set(
                Period.objects.filter(ends_at__gt=instant).values_list(
                    "event__external_id", "starts_at", "ends_at"
                )
            )
            assert running == first_read
