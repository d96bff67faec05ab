"""Local times become instants, and those that can't are explained."""

# ruff: noqa: DTZ001 - what is tested is times without a zone

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import TimeError
from common.times import GapError, OverlapError, local_to_utc

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Tokyo",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "UTC",
]


def test_an_ordinary_time_is_the_instant_that_clocks_there_show() -> None:
    assert local_to_utc(datetime(2026, 7, 1, 14, 30), BERLIN) == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def test_a_time_in_the_gap_says_what_was_meant() -> None:
    with pytest.raises(GapError) as caught:
        local_to_utc(datetime(2026, 3, 29, 2, 30), BERLIN)
    assert caught.value.message == (
        "02:30 does not exist on 29 March 2026 in Europe/Berlin: "
        "the clock jumps from 02:00 to 03:00. Did you mean 03:30?"
    )
    assert caught.value.meant == datetime(2026, 3, 29, 3, 30)


def test_a_gap_of_half_an_hour_is_told_as_it_is() -> None:
    with pytest.raises(GapError, match=r"from 02:00 to 02:30\. Did you mean 02:40"):
        local_to_utc(datetime(2026, 10, 4, 2, 10), ZoneInfo("Australia/Lord_Howe"))


def test_a_day_that_was_left_out_is_told_with_its_dates() -> None:
    with pytest.raises(
        GapError, match=r"to 00:00 on 31 December 2011\. Did you mean 12:00 on 31 December 2011"
    ):
        local_to_utc(datetime(2011, 12, 30, 12, 0), ZoneInfo("Pacific/Apia"))


def test_a_time_that_comes_twice_has_to_be_chosen() -> None:
    with pytest.raises(OverlapError, match="02:30 comes twice on 25 October 2026 in Europe/Berlin") as caught:
        local_to_utc(datetime(2026, 10, 25, 2, 30), BERLIN)
    assert caught.value.choices == (
        (0, "the first 02:30, CEST (UTC+02:00)"),
        (1, "the second 02:30, CET (UTC+01:00)"),
    )


@pytest.mark.parametrize(("fold", "hour"), [(0, 0), (1, 1)])
def test_a_choice_decides_which_of_the_two_it_is(fold: int, hour: int) -> None:
    chosen = local_to_utc(datetime(2026, 10, 25, 2, 30), BERLIN, fold)
    assert chosen == datetime(2026, 10, 25, hour, 30, tzinfo=UTC)


def test_a_choice_means_nothing_for_a_time_that_comes_once() -> None:
    naive = datetime(2026, 7, 1, 14, 30)
    assert local_to_utc(naive, BERLIN, 1) == local_to_utc(naive, BERLIN)


@pytest.mark.parametrize("naive", [datetime(9999, 12, 31, 23, 0), datetime(1, 1, 1, 0, 0)])
def test_a_year_at_the_end_of_the_calendar_is_refused(naive: datetime) -> None:
    zone = ZoneInfo("America/New_York" if naive.year > 1 else "Asia/Tokyo")
    with pytest.raises(TimeError, match=f"The year {naive.year} is out of reach"):
        local_to_utc(naive, zone)


@given(
    instant=st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_what_a_clock_shows_leads_back_to_the_instant(instant: datetime, zone: ZoneInfo) -> None:
    local = instant.astimezone(zone)
    assert local_to_utc(local.replace(tzinfo=None, fold=0), zone, local.fold) == instant


@given(
    naive=st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_every_time_is_taken_or_explained_with_one_that_would_be(naive: datetime, zone: ZoneInfo) -> None:
    naive = naive.replace(microsecond=0)
    try:
        instant = local_to_utc(naive, zone)
    except GapError as error:
        naive, instant = error.meant, local_to_utc(error.meant, zone)
    except OverlapError:
        first, second = local_to_utc(naive, zone, 0), local_to_utc(naive, zone, 1)
        assert timedelta(0) < second - first <= timedelta(days=1)
        instant = second
    assert instant.astimezone(zone).replace(tzinfo=None, fold=0) == naive
