"""Series that are moved as a whole: what is to come of them has moved, and is not told of as canceled."""

from datetime import datetime, timedelta

import pytest

from eventinvoke.models import Event, EventChange
from eventupdate.sync import sync
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.texts import AT, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("start", ["20261123T110000Z", "20261124T090000Z"])
def test_what_is_to_come_of_a_series_that_moved_as_a_whole_has_moved(
    calendar: Calendar, server: FeedServer, start: str
) -> None:
    server.serve(feed(entry("DTSTART:20261123T090000Z", "RRULE:FREQ=WEEKLY;COUNT=4")))
    sync(calendar, at=AT)
    rows = list(Event.objects.order_by("starts_at").values_list("pk", flat=True))
    server.serve(feed(entry(f"DTSTART:{start}", "RRULE:FREQ=WEEKLY;COUNT=4")))
    report = sync(calendar, at=AT)
    assert (report.added, report.changed, report.removed) == (0, 4, 0)
    events = Event.objects.order_by("starts_at")
    assert [event.pk for event in events] == rows
    first = datetime.strptime(f"{start}+0000", "%Y%m%dT%H%M%SZ%z")
    assert [event.starts_at for event in events] == [first + n * timedelta(days=7) for n in range(4)]
    assert set(EventChange.objects.values_list("kind", flat=True)) == {"moved"}


def test_new_uids_with_each_fetch_are_matched_by_title_and_start(
    calendar: Calendar, server: FeedServer
) -> None:
    def export(uids: str) -> str:
        return feed(
            *(single(uid=uid, title="PFS telecon" if uid.islower() else "Lunch telecon") for uid in uids)
        )

    server.serve(export("abC"))
    sync(calendar, at=AT)
    rows = set(Event.objects.values_list("pk", "title"))
    server.serve(export("yxZ"))
    report = sync(calendar, at=AT)
    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    assert set(Event.objects.values_list("pk", "title")) == rows
    assert not EventChange.objects.exists()
    server.serve(export("qZ"))
    report = sync(calendar, at=AT)
    assert (report.added, report.removed) == (0, 1)
