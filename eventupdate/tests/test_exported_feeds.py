"""What real producers wrote; ``feeds/exported/README.md`` says where it comes from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eventupdate.expand import Window
from eventupdate.lines import read_feed
from eventupdate.tests.texts import Expansion, expand

FOLDER = Path(__file__).parent / "feeds" / "exported"


def read(name: str, day: str, days: int) -> Expansion:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    content = (FOLDER / name).read_bytes().replace(b"\n", b"\r\n")
    feed = read_feed(content)
    return expand(feed, Window(start, start + timedelta(days=days)))


@pytest.mark.parametrize(
    ("name", "day", "days", "shown"),
    [
        # Weekdays at 14:00 in Zurich, over the end of summer time.
        ("google.ics", "2016-10-28", 5, ["10-28 12:00 Daily Sync", "10-31 13:00 Daily Sync", "11-01 13:00 Daily Sync"]),
        ("exchange_series.ics", "2015-07-20", 7, ["07-20 08:00 Sprint 25 Daily Standup", "07-21 08:00 Sprint 25 Daily Standup", "07-22 08:00 Sprint 25 Daily Standup"]),
        ("exchange_unquoted_zone.ics", "2024-10-28", 1, ["10-28 21:00 Anonymous Test Event for TZID"]),
        ("exchange_single.ics", "2017-02-24", 1, ["02-24 20:00 Test 4"]),
        # 13:00 in Kolkata, of a zone whose rules go back to the war.
        ("apple.ics", "2015-03-01", 14, ["03-07 07:30 Tst"]),
        # 14:00, 12:00 and 20:00 by Pacific time, to which the first autumn's change belongs; tasks, a
        # journal and alarms stand between them.
        ("apple_2002.ics", "2002-10-01", 90, ["10-28 22:00 Coffee with Jason", "11-27 20:00 Code Review", "12-17 04:00 Dinner with T"]),
        # A day each year, with accents.
        ("owncloud.ics", "2012-01-01", 900, ["07-14 00:00 Fête Nationale - Férié", "07-14 00:00 Fête Nationale - Férié"]),
        # A conference that begins at a time and ends on a date, and others that last whole days.
        ("lanyrd.ics", "2011-03-01", 31, ["03-12 20:00 Dyncon 2011", "03-24 00:00 [Async]: Everything Express"]),
        ("thunderbird.ics", "2024-10-23", 1, ["10-23 14:00 event with alarms"]),
    ],
)  # fmt: skip
def test_an_exported_feed_is_read_at_its_right_times(
    name: str, day: str, days: int, shown: list[str]
) -> None:
    expansion = read(name, day, days)
    assert [f"{o.starts_at:%m-%d %H:%M} {o.details.title}" for o in expansion.occurrences] == shown


def test_every_exported_feed_has_its_origin_noted() -> None:
    text = (FOLDER / "README.md").read_text()
    assert all(f"`{path.name}`" in text for path in FOLDER.glob("*.ics"))


def test_whole_days_of_an_exported_feed_stay_whole_days() -> None:
    days = [o for o in read("lanyrd.ics", "2011-01-01", 365).occurrences if o.is_all_day]
    assert [o.details.title for o in days][:2] == ["[Async]: Everything Express", "JSConf US 2011"]
    assert len(days) == 7
    assert days[1].ends_at == datetime(2011, 5, 4, tzinfo=UTC)
    assert days[1].details.url == "http://lanyrd.com/2011/jsconf/"


def test_the_one_entry_of_an_exported_feed_that_can_not_be_read_spoils_no_other() -> None:
    expansion = read("lanyrd.ics", "2011-01-01", 365)
    assert list(expansion.broken) == ["sdfkf09fsd0"]  # its day is "Next Year"
    assert len(expansion.occurrences) == 8
