"""Zones made of the rules of a VTIMEZONE, held against those of IANA."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from eventupdate.lines import read_blocks
from eventupdate.tests.texts import NEW_YORK_ZONE, entry, expanded
from eventupdate.vtimezone import zone_of_rules
from eventupdate.work import CALENDAR_STEPS, Work

PART = """\
BEGIN:STANDARD
DTSTART:16010101T000000
RRULE:{}
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:STANDARD"""


def zone(*parts: str) -> str:
    """Return a VTIMEZONE of these parts."""
    return "\n".join(["BEGIN:VTIMEZONE", "TZID:Busy", *parts, "END:VTIMEZONE"])


def test_a_zone_of_rules_is_that_of_iana_also_in_gaps_and_overlaps() -> None:
    (defined,) = read_blocks(NEW_YORK_ZONE).zones
    made, known = zone_of_rules(defined, Work().share()), ZoneInfo("America/New_York")
    for number in range(0, 3 * 366 * 24, 1):
        local = datetime(2026, 1, 1, 0, 30) + timedelta(hours=number)  # noqa: DTZ001 - a local time
        for fold in (0, 1):
            at = local.replace(fold=fold)
            assert at.replace(tzinfo=made).utcoffset() == at.replace(tzinfo=known).utcoffset()
        instant = local.replace(tzinfo=UTC)
        assert instant.astimezone(made).replace(tzinfo=None) == instant.astimezone(known).replace(tzinfo=None)


@pytest.mark.parametrize(
    "parts",
    [
        [PART.format("FREQ=SECONDLY")],
        [PART.format("FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7,8,9,10,11,12")],
        [PART.format("FREQ=YEARLY")] * 1000,
        ["BEGIN:STANDARD\nDTSTART:20200101T000000\nTZOFFSETTO:+0100\nEND:STANDARD"],
        [PART.format("FREQ=YEARLY").replace("+0100", "+9900")],
    ],
)
def test_a_zone_of_too_many_or_missing_rules_is_told(parts: list[str]) -> None:
    expansion = expanded(zone(*parts), entry("DTSTART;TZID=Busy:20261124T090000"))
    assert expansion.broken == {"one@test": "the rules of the time zone “Busy” can't be read"}


def test_rules_of_a_zone_that_never_come_true_take_few_steps() -> None:
    rule = PART.format("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    (defined,) = read_blocks(zone(rule, rule.replace("STANDARD", "DAYLIGHT"))).zones
    work = Work()
    assert datetime(2026, 7, 1, tzinfo=zone_of_rules(defined, work.share())).utcoffset() == timedelta(hours=1)
    assert CALENDAR_STEPS - work.left < 2000
