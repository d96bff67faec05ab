"""Days, times and distances in words."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eventinvoke.sending.when import local, say_day, say_distance, say_time

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("language", "fourth", "first"),
    [
        ("en", "4 May 2026", "1 April 2026"),
        ("en-gb", "4 May 2026", "1 April 2026"),
        ("en-us", "4 May 2026", "1 April 2026"),
        ("de", "4. Mai 2026", "1. April 2026"),
        ("fr", "4 mai 2026", "1er avril 2026"),
        ("ja", "2026年5月4日", "2026年4月1日"),
    ],
)
def test_a_day_names_its_month(language: str, fourth: str, first: str) -> None:
    with override(language):
        assert (say_day(date(2026, 5, 4)), say_day(date(2026, 4, 1))) == (fourth, first)


def test_the_year_is_left_out_where_it_is_this_one() -> None:
    with override("en"):
        assert say_day(date(2026, 5, 4), today=date(2026, 12, 1)) == "4 May"
        assert say_day(date(2027, 5, 4), today=date(2026, 12, 1)) == "4 May 2027"


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(seconds=89), "in 1 minute"),
        (59 * MINUTE, "in 59 minutes"),
        (timedelta(minutes=59, seconds=40), "in 1 hour"),
        (90 * MINUTE, "in 1 hour 30 minutes"),
        (-90 * MINUTE, "1 hour 30 minutes ago"),
        (119 * MINUTE, "in 1 hour 59 minutes"),
        (2 * HOUR, "in 2 hours"),
        (23 * HOUR + 59 * MINUTE, "in 23 hours 59 minutes"),
        (timedelta(hours=23, minutes=59, seconds=50), "in 1 day"),
        (36 * HOUR, "in 1 day 12 hours"),
        (47 * HOUR + 40 * MINUTE, "in 2 days"),
        (6 * DAY + 23 * HOUR + 40 * MINUTE, "in 7 days"),
        (9 * DAY + 14 * HOUR, "in 10 days"),
        (-3 * DAY, "3 days ago"),
    ],
)
def test_a_distance_is_said_in_two_units_at_most(ahead: timedelta, said: str) -> None:
    with override("en"):
        assert say_distance(ahead) == said


@pytest.mark.parametrize(
    ("language", "later", "before"),
    [
        ("de", "in 1 Stunde 30 Minuten", "vor 1 Stunde 30 Minuten"),
        ("fr", "dans 1 heure 30 minutes", "il y a 1 heure 30 minutes"),
        ("ja", "1時間30分後", "1時間30分前"),
    ],
)
def test_a_distance_is_said_in_each_language(language: str, later: str, before: str) -> None:
    with override(language):
        assert (say_distance(90 * MINUTE), say_distance(-90 * MINUTE)) == (later, before)


@settings(deadline=None)
@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
@example(timedelta(days=7, hours=11, minutes=59, seconds=40))
@example(timedelta(days=1, minutes=29, seconds=40))
def test_a_distance_never_lies(ahead: timedelta) -> None:
    with override("en"):
        said = say_distance(ahead)
    sizes = {"minute": MINUTE, "hour": HOUR, "day": DAY}
    told = sum(
        (int(n) * sizes[unit] for n, unit in re.findall(r"(\d+) (minute|hour|day)", said)), timedelta(0)
    )
    allowed = MINUTE if told < DAY else HOUR if told < 7 * DAY else DAY
    assert abs(told - ahead) <= allowed / 2


def test_a_zone_whose_calendar_ends_is_said_in_utc() -> None:
    last: Any = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)
    assert say_time(last, ZoneInfo("Asia/Tokyo")) == "23:30"
    assert local(last, ZoneInfo("Asia/Tokyo")).date() == date(9999, 12, 31)
