"""The database's clock, carried on by one that is never set."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection, transaction

from common import clock
from common.clock import Reading, now, skew, synchronise
from common.spacing import Spacing

SECOND = 1_000_000_000
DAY = timedelta(days=1)


@pytest.fixture
def database_clock(settings: Any) -> Iterator[None]:
    """Go by the database's clock, where it has one."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no clock of its own")
    settings.NOTICE_CLOCK = "database"
    clock.forget()
    yield
    clock.forget()


def apart(instant: datetime) -> float:
    return abs((now() - instant).total_seconds())


def test_without_a_reading_it_is_the_machine_s_time() -> None:
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC), tick=False):
        assert now() == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_by_the_setting_machine_and_with_sqlite_nothing_is_read(
    settings: Any, django_assert_num_queries: Any
) -> None:
    settings.NOTICE_CLOCK = "database" if connection.vendor == "sqlite" else "machine"
    with django_assert_num_queries(0):
        assert not synchronise()
    assert skew() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("database_clock")
def test_a_step_of_the_machine_s_clock_changes_nothing(django_assert_num_queries: Any) -> None:
    real = datetime.now(UTC)
    with time_machine.travel(real + 2 * DAY) as traveller, django_assert_num_queries(1):
        assert synchronise()
        assert not synchronise(), "it was read just now"
        assert apart(real) < 5
        ahead = skew()
        assert ahead is not None
        assert 2 * DAY - timedelta(seconds=5) < ahead < 2 * DAY + timedelta(seconds=5)
        traveller.shift(-4 * DAY)
        assert apart(real) < 5
    with connection.cursor() as cursor:
        cursor.execute(clock._STATEMENTS[connection.vendor])
        (at,) = cursor.fetchone()
    assert abs(now() - at.replace(tzinfo=UTC)) < timedelta(seconds=0.2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("database_clock")
def test_nothing_is_asked_inside_of_a_transaction(django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(0):
        assert not synchronise()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("database_clock")
def test_while_the_database_is_away_the_last_reading_serves_and_without_one_there_is_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(clock, "EVERY", 0)
    with connection.execute_wrapper(fails), pytest.raises(OperationalError):
        synchronise()
    assert synchronise()
    with connection.execute_wrapper(fails), time_machine.travel(datetime.now(UTC) + DAY):
        assert not synchronise()
        assert apart(datetime.now(UTC) - DAY) < 1


def test_of_two_readings_the_more_exact_one_counts_until_it_is_old() -> None:
    exact = Reading(taken_at=0, offset=1000 * SECOND, error=SECOND // 1000)
    slow = Reading(taken_at=5 * SECOND, offset=1000 * SECOND + SECOND // 20, error=SECOND // 10)
    assert exact.or_better(slow) is exact
    assert slow.or_better(exact) is exact
    late = Reading(taken_at=2000 * SECOND, offset=1000 * SECOND + SECOND // 20, error=SECOND // 10)
    assert exact.or_better(late) is late


def test_a_clock_of_the_database_that_was_set_is_followed_even_by_a_slow_round_trip() -> None:
    exact = Reading(taken_at=0, offset=1000 * SECOND, error=SECOND // 1000)
    set_ = Reading(taken_at=5 * SECOND, offset=1003 * SECOND, error=SECOND // 10)
    assert exact.or_better(set_) is set_


def test_a_spacing_lets_work_begin_once_within_its_time() -> None:
    spacing = Spacing(60)
    assert [spacing.may_begin() for _ in range(3)] == [True, False, False]
    spacing.reset()
    assert spacing.may_begin()
    assert [Spacing(0).may_begin() for _ in range(2)] == [True, True]
