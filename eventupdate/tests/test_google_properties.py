"""Random changes in a Google calendar, read at random times, give the same events as one reading at the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from eventinvoke.models import Event
from eventupdate.sync import Outcome, sync
from eventupdate.tests.google_readings import MONDAY
from eventupdate.tests.texts import AT
from registration.models import Calendar
from registration.tests.factories import CalendarFactory
from tests.google import GoogleCalendar, StandIn
from tests.google.refusals import api_refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Step = Callable[["History"], None]
IDS = ["one11", "two22"]
RULES = [["RRULE:FREQ=DAILY;COUNT=4"], ["RRULE:FREQ=WEEKLY;COUNT=3"], None]


class History:
    """What happens to one Google calendar, and the calendar of ours that follows it."""

    def __init__(self, google: StandIn, remote: GoogleCalendar, followed: Calendar) -> None:
        self.google = google
        self.remote = remote
        self.followed = followed

    def has(self, event_id: str) -> bool:
        return self.remote.status_of(event_id) == "confirmed"

    def put(self, event_id: str, hours: int, rule: list[str] | None) -> None:
        start = MONDAY + timedelta(hours=hours)
        if not self.has(event_id):
            self.remote.add(f"Telecon {event_id}", start, id=event_id)
        self.remote.change(event_id, start=start, recurrence=rule)

    def delete(self, event_id: str) -> None:
        if self.has(event_id):
            self.remote.delete(event_id)

    def retitle(self, event_id: str) -> None:
        if self.has(event_id):
            self.remote.change(event_id, summary=f"Renamed {event_id}")

    def change_one(self, event_id: str, number: int, hours: int | None) -> None:
        originals = self.remote.originals_of(event_id)
        if number < len(originals):
            if hours is None:
                self.remote.cancel_instance(event_id, originals[number])
            else:
                start = originals[number] + timedelta(hours=hours)
                self.remote.change_instance(event_id, originals[number], start=start)

    def read(self, sizes: list[int], troubled_page: int | None) -> None:
        self.remote.page_sizes = list(sizes)
        if troubled_page is not None:
            refusal = api_refusal(503, "backendError", "Backend Error")
            self.google.trouble("calendar.events.list", refusal, skip=troubled_page)
        sync(self.followed, at=AT)
        self.google.mend()
        self.remote.page_sizes = []


hours = st.integers(0, 60)
ids = st.sampled_from(IDS)
edits = st.one_of(
    st.builds(lambda i, h, r: lambda it: it.put(i, h, r), ids, hours, st.sampled_from(RULES)),
    st.builds(lambda i: lambda it: it.delete(i), ids),
    st.builds(lambda i: lambda it: it.retitle(i), ids),
    st.builds(
        lambda i, n, h: lambda it: it.change_one(i, n, h), ids, st.integers(0, 2), st.one_of(st.none(), hours)
    ),
    st.just(lambda it: it.remote.forget_sync_tokens()),
)
readings = st.one_of(
    st.just(lambda it: it.read([], None)),
    st.builds(
        lambda s, t: lambda it: it.read(s, t),
        st.lists(st.integers(0, 2), max_size=4),
        st.one_of(st.none(), st.integers(0, 2)),
    ),
    st.just(lambda _: None),
)
histories = st.lists(st.tuples(edits, readings), min_size=3, max_size=10)


def coming(calendar: Calendar) -> list[Any]:
    rows = Event.objects.filter(source=calendar.source, canceled_at=None)
    return sorted(rows.values_list("external_id", "title", "starts_at", "ends_at"))


@examples(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(histories)
def test_any_history_of_edits_and_readings_ends_as_one_reading_does(
    google: StandIn, google_calendar: Calendar, ada_s: GoogleCalendar, happens: list[tuple[Step, Step]]
) -> None:
    remote = GoogleCalendar("history@group")
    google.people[0].calendars[1:] = [remote]
    followed, once = (
        CalendarFactory.create(
            owner=google_calendar.owner,
            account=google_calendar.account,
            kind=Calendar.Kind.GOOGLE,
            remote_id=remote.id,
        )
        for _ in range(2)
    )
    history = History(google, remote, followed)
    history.put("one11", 0, RULES[0])
    for edit, reading in happens:
        edit(history)
        reading(history)
    history.read([], None)
    assert sync(once, at=AT).outcome is Outcome.SYNCED
    assert coming(followed) == coming(once)
