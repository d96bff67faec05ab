"""Random edits of a calendar: after each sync the deliveries are those of a first sync.

Through a real server: each series of edits is served step by step, with a sync after each, and the
last state is then read by a calendar that never saw the others.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from common.states import State
from eventinvoke.models import Delivery, Event
from eventupdate.models import Entry
from eventupdate.sync import Outcome, sync
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.texts import AT, entry
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar
from registration.tests.factories import CalendarFactory, RegistrationFactory, StepFactory

pytestmark = pytest.mark.django_db

UIDS = ("one", "two", "three")
TITLES = ("PFS telecon", "Budget telecon", "Lunch")
ZONES = ("", ";TZID=Europe/Berlin", ";TZID=Asia/Tokyo", ";VALUE=DATE")
RULES = ("", "FREQ=WEEKLY", "FREQ=DAILY;COUNT=5", "FREQ=MONTHLY;BYDAY=2TU", "FREQ=WEEKLY;UNTIL=20270101", "FREQ=SOMETIMES")  # fmt: skip

moments = st.builds(
    lambda days, hours: AT + timedelta(days=days, hours=hours), st.integers(-3, 80), st.integers(-12, 11)
)


def written(zone: str, at: datetime) -> str:
    return f"{zone}:{at:%Y%m%d}" if "DATE" in zone else f"{zone}:{at:%Y%m%dT%H0000}"


@st.composite
def vevents(draw: st.DrawFn) -> str:
    """One entry: its VEVENT, and perhaps one that replaces an occurrence."""
    zone, at, rule = draw(st.sampled_from(ZONES)), draw(moments), draw(st.sampled_from(RULES))
    lines = [f"DTSTART{written(zone, at)}"]
    if draw(st.booleans()):
        lines.append("DURATION:PT1H")
    if draw(st.integers(0, 4)) == 0:
        lines.append("STATUS:CANCELLED")
    title = draw(st.sampled_from(TITLES))
    if not rule:
        return entry(*lines, uid="{uid}", title=title)
    lines.append(f"RRULE:{rule}")
    other = at + timedelta(days=7 * draw(st.integers(0, 4)))
    how = draw(st.sampled_from(["", "left out", "moved", "canceled"]))
    if how == "left out":
        lines.append(f"EXDATE{written(zone, other)}")
    whole = entry(*lines, uid="{uid}", title=title)
    if how not in {"moved", "canceled"}:
        return whole
    part = [f"RECURRENCE-ID{written(zone, other)}"]
    if how == "moved":
        part.append(f"DTSTART{written(zone, draw(moments))}")
    else:
        part += [f"DTSTART{written(zone, other)}", "STATUS:CANCELLED"]
    return whole + "\n" + entry(*part, uid="{uid}", title=draw(st.sampled_from(TITLES)))


states = st.dictionaries(st.sampled_from(UIDS), vevents(), max_size=3)
calendars = st.tuples(states, st.sampled_from(["Europe/Berlin", "Asia/Tokyo"]))


def text_of(state: dict[str, str], zone: str, stamp: int) -> str:
    parts = [part.replace("{uid}", uid) for uid, part in state.items()]
    stamped = (part.replace("BEGIN:VEVENT", f"BEGIN:VEVENT\nDTSTAMP:20261120T{stamp:06}Z") for part in parts)
    return feed(f"X-WR-TIMEZONE:{zone}", *stamped)


def make_calendar(server: FeedServer) -> Calendar:
    made: Calendar = CalendarFactory(url=server.url)
    registration = RegistrationFactory(member=made.owner, calendar=made, pattern="telecon")
    StepFactory(registration=registration, offset=timedelta(minutes=-10))
    return made


def told(calendar: Calendar) -> list[tuple[Any, ...]]:
    """Return what is to be told, in no other words than a member could tell apart."""
    rows = Delivery.objects.filter(state=State.PENDING, event__source=calendar.source)
    return sorted(
        rows.values_list("event__external_id", "event__title", "event__starts_at", "event__ends_at", "due_at")
    )


def kept_broken(state: dict[str, str]) -> set[str]:
    """Return the UIDs that can't be read: what is stored of them stays, so no first sync is like it."""
    return {uid for uid, part in state.items() if "SOMETIMES" in part}


def but(rows: Iterable[tuple[Any, ...]], uids: set[str]) -> list[tuple[Any, ...]]:
    return [row for row in rows if row[0].partition("#")[0] not in uids]


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(calendars, min_size=2, max_size=5))
def test_any_edits_end_in_what_a_first_sync_of_the_result_says(
    server: FeedServer, clock: object, steps: list[tuple[dict[str, str], str]]
) -> None:
    followed = make_calendar(server)
    for number, (state, zone) in enumerate(steps):
        server.serve(text_of(state, zone, number))
        assert sync(followed, at=AT).outcome is not Outcome.FAILED
    first = make_calendar(server)
    assert sync(first, at=AT).outcome is Outcome.SYNCED
    broken = kept_broken(steps[-1][0])
    assert but(told(followed), broken) == but(told(first), broken)
    stored = (
        Entry.objects.filter(calendar=followed).order_by("key").values_list("key", "version", "starts_at")
    )
    assert list(stored) == list(
        Entry.objects.filter(calendar=first).order_by("key").values_list("key", "version", "starts_at")
    )
    before = list(Event.objects.order_by("pk").values())
    server.serve(text_of(*steps[-1], 99))  # nothing but its stamps is new
    report = sync(followed, at=AT)
    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    assert list(Event.objects.order_by("pk").values()) == before


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(calendars, st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_days_that_pass_end_in_what_a_first_sync_on_the_last_day_says(
    server: FeedServer, clock: Any, state: tuple[dict[str, str], str], passing: list[int]
) -> None:
    clock.move_to(AT)
    server.serve(text_of(*state, 0))
    followed = make_calendar(server)
    sync(followed, at=AT)
    at = AT
    for days in passing:
        at += timedelta(days=days)
        clock.move_to(at)
        assert sync(followed, at=at).outcome is not Outcome.FAILED
    first = make_calendar(server)
    sync(first, at=at)
    to_come = {row for row in told(first) if row[2] > at}
    assert {row for row in told(followed) if row[2] > at} == to_come
