"""Feeds that producers wrote wrongly or ambiguously, each rebuilt from a public bug report."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from eventupdate.lines import read_feed
from eventupdate.tests.texts import Expansion, expand, window

FOLDER = Path(__file__).parent / "feeds" / "cases"
YEAR = window("2026-11-01", "2027-11-01")


def read(name: str) -> Expansion:
    """Return what a feed of the folder says about a year."""
    return expand(read_feed((FOLDER / f"{name}.ics").read_bytes()), YEAR)


def shown(expansion: Expansion) -> list[str]:
    """Return the occurrences as "12-24" for a day and "12-25 10:00" for an instant in UTC."""
    return [
        f"{o.starts_on:%m-%d}" if o.starts_on else f"{o.starts_at:%m-%d %H:%M}"
        for o in expansion.occurrences
        if not o.is_canceled
    ]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("empty_rule", ["12-24", "12-25 10:00"]),
        ("exchange_excluded_day", ["12-14", "12-15", "12-17", "12-18", "12-19"]),
        ("exchange_moved_day", ["12-03", "12-11", "12-17"]),
        ("exchange_last_day", ["12-03", "12-10", "12-17"]),
        ("utc_series", ["03-05 18:00", "03-19 18:00", "04-02 18:00", "04-16 18:00"]),
        ("excluded_by_rule", [f"12-{day:02} 09:00" for day in range(2, 15) if day != 8]),
        ("method_cancel", []),
        ("unknown_rule_part", ["12-01 10:00", "12-08 10:00", "12-15 10:00"]),
        ("newer_stamp", ["12-03 15:00"]),
    ],
)
def test_a_feed_is_read_at_its_right_times(name: str, right: Sequence[str]) -> None:
    expansion = read(name)
    assert shown(expansion) == right
    assert not expansion.problem


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("one_uid_three_starts", ["12-16 19:30", "12-17 19:30", "12-18 19:30"]),
        ("unreadable_end", ["12-17", "12-17 09:00", "12-17 09:00"]),
        ("misspelt_end", ["12-01 12:00"]),
    ],
)
def test_a_feed_is_read_and_its_mistake_is_told(name: str, right: Sequence[str]) -> None:
    expansion = read(name)
    assert sorted(shown(expansion)) == right
    assert expansion.problem


def test_each_name_of_a_zone_says_what_it_means() -> None:
    expansion = read("zone_names")
    starts = {o.uid: f"{o.starts_at:%d %H:%M}" for o in expansion.occurrences}
    assert starts == {
        "a": "08 18:00", "b": "08 16:00", "c": "08 17:00", "d": "08 17:00", "e": "08 17:00", "f": "08 21:00",
        "g": "08 23:00", "h": "08 17:00", "i": "08 18:00", "j": "08 23:00", "k": "08 23:00", "l": "09 02:00",
        "m": "08 23:00", "n": "08 17:00",
    }  # fmt: skip
    assert not expansion.problem


def test_one_unreadable_exclusion_never_costs_the_series() -> None:
    expansion = read("unreadable_exclusion")
    found: dict[str, list[str]] = {}
    for o in expansion.occurrences:
        found.setdefault(o.uid, []).append(f"{o.starts_at:%d %H:%M}")
    assert found["a"] == found["b"] == ["01 09:00", "08 09:00", "15 09:00"]
    assert found["c"] == ["01 10:00", "03 10:00"]
    assert {"01 10:00", "03 10:00"} <= set(found["d"])
    assert found["e"] == found["f"] == ["01 10:00", "02 10:00", "03 10:00"]
    assert len(found["g"]) == 3
    assert len(found["h"]) == 1
    assert not expansion.broken
    assert "“d”" in expansion.problem
