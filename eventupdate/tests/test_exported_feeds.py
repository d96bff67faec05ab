"""What real producers wrote; ``feeds/exported/README.md`` says where it comes from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eventupdate.expand import Expansion, Window, expand
from eventupdate.lines import read_feed

FOLDER = Path(__file__).parent / "feeds" / "exported"


def read(name: str, day: str, days: int) -> Expansion:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    content = (FOLDER / name).read_bytes().replace(b"\n", b"\r\n")
    return expand(read_feed(content), Window(start, start + timedelta(days=days)))


@pytest.mark.parametrize(
    ("name", "day", "days", "shown"),
    [
        # Weekdays at 14:00 in Zurich, over the end of summer time.
        ("google.ics", "2016-10-28", 5, ["10-28 12:00 Daily Sync", "10-31 13:00 Daily Sync", "11-01 13:00 Daily Sync"]),
        ("exchange_series.ics", "2015-07-20", 7, ["07-20 08:00 Sprint 25 Daily Standup", "07-21 08:00 Sprint 25 Daily Standup", "07-22 08:00 Sprint 25 Daily Standup"]),
        ("exchange_unquoted_zone.ics", "2024-10-28", 1, ["10-28 21:00 Anonymous Test Event for TZID"]),
        ("exchange_single.ics", "2017-02-24", 1, ["02-24 20:00 Test 4"]),
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
