"""Fixtures for all tests; tests/fixtures/ has them by kind."""

import os

import pytest

pytest_plugins = [
    "tests.fixtures.sockets",
    "tests.fixtures.servers",
    "tests.fixtures.caldav",
    "tests.fixtures.databases",
    "tests.fixtures.processes",
    "tests.fixtures.machine_clock",
    "tests.fixtures.browser",
    "tests.fixtures.passwords",
    "tests.fixtures.people",
    "tests.google.fixtures",
    "tests.simulated_twilio",
    "tests.webhook_site",
]

_DATABASE_FIXTURES = frozenset({"db", "transactional_db", "live_server", "django_db_setup"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL and MariaDB leave out what touches no database: it has run on SQLite already."""
    if os.environ.get("TEST_DATABASE", "sqlite") == "sqlite":
        return
    left_out = [item for item in items if not _touches_database(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _touches_database(item)]


def _touches_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not _DATABASE_FIXTURES.isdisjoint(fixtures)
