"""Reading a Google calendar in tests."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from eventupdate.providers.google.read import read_google
from eventupdate.reading import Reading
from registration.models import Calendar

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 10, tzinfo=BERLIN)
WEEKLY = ["RRULE:FREQ=WEEKLY;COUNT=10"]
WEEK = timedelta(weeks=1)


def read(calendar: Calendar, *, is_fresh: bool = True) -> Reading:
    """Read, and keep what the next reading goes on from, as a sync does."""
    reading = read_google(calendar, is_fresh=is_fresh)
    assert reading is not None
    calendar.sync_token = reading.state["sync_token"]
    return reading


def texts(reading: Reading) -> dict[str, str]:
    return {resource.key: resource.text for resource in reading.resources}


def titles(reading: Reading) -> list[str]:
    return sorted(
        line.removeprefix("SUMMARY:")
        for resource in reading.resources
        for line in resource.text.split("\n")
        if line.startswith("SUMMARY:")
    )
