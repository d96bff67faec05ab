"""A database of the version before the engine's new promises is upgraded with its rows, on each database."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connection

from common.fields import lookup_hash
from registration.models.targets import fingerprint
from tests.fixtures.processes import database_url

_FOLDER: Final = Path(__file__).resolve().parent.parent.parent
_NAME: Final = "upgraded"
_TOLD: Final = {"sent", "delivered", "acknowledged", "undelivered"}


@pytest.fixture(scope="module")
def url(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The DATABASE_URL of an empty database, beside the one of the other tests."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('upgrade') / 'db.sqlite3'}"
        return
    create = f"CREATE DATABASE {_NAME}"
    if connection.vendor == "mysql":
        create += " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {_NAME}")
        cursor.execute(create)
    yield f"{database_url().rpartition('/')[0]}/{_NAME}"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {_NAME}")


@pytest.fixture(scope="module")
def found(url: str) -> dict[str, Any]:
    """What the upgraded database holds, before and after it was planned."""
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "pfs_notice.settings"}
    command = [sys.executable, "-m", "tests.upgrade.upgrade"]
    done = subprocess.run(command, cwd=_FOLDER, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return read


def test_no_row_is_lost(found: dict[str, Any]) -> None:
    assert len(found["before"]["eventinvoke.Delivery"]) > 50
    for label, keys in found["before"].items():
        assert found["after"][label] == sorted(keys, key=keys.index), label


def test_each_delivery_says_of_which_start_it_is_who_asked_and_whom_it_tells(found: dict[str, Any]) -> None:
    starts = {row["pk"]: row["starts_at"] for row in found["events"]}
    names = {row["pk"]: row["name"] for row in found["members"]}
    for row in found["upgraded"]:
        if row["sent_at"] is None:
            assert row["starts_at"] == starts[row["event_id"]]
        assert row["recipient"] == names[row["member_id"]]
        assert row["shown"]
    origins = Counter(row["origin"] for row in found["upgraded"])
    assert origins["snooze"] >= 2
    assert origins["direct"] == 2
    assert origins["digest"] == 1
    assert (
        sum(origins.values()) == origins["plan"] + origins["snooze"] + origins["direct"] + origins["digest"]
    )


def test_addresses_of_targets_are_carried_over_encrypted_and_are_found(found: dict[str, Any]) -> None:
    given = json.loads((_FOLDER / "tests" / "upgrade" / "before.json").read_text())
    table = given["tables"]["registration.Target"]
    before = {
        row["id"]: row for row in (dict(zip(table["columns"], one, strict=True)) for one in table["rows"])
    }
    assert {row["pk"]: (row["address"], row["config"]) for row in found["addresses"]} == {
        pk: (row["address"], row["config"]) for pk, row in before.items()
    }
    assert {row["pk"]: row["fingerprint"] for row in found["addresses"]} == {
        pk: lookup_hash(row["fingerprint"]) for pk, row in before.items()
    }
    assert len([row for row in found["addresses"] if row["fingerprint"] == fingerprint(row["address"])]) > 5
    assert any(row["config"] for row in found["addresses"])
    for pk, address, config in found["stored"]:
        assert address.startswith("1:")
        assert config.startswith("1:") if before[pk]["config"] else config == ""


def test_numbers_are_masked_in_the_record(found: dict[str, Any]) -> None:
    shown = {row["shown"] for row in found["upgraded"]}
    assert "Simulated phone" in shown
    assert any(text.startswith("+1 ") and "…" in text for text in shown)
    assert not any("202" in text for text in shown)


def test_what_was_told_is_about_the_start_of_that_time(found: dict[str, Any]) -> None:
    moved = next(row for row in found["events"] if row["external_id"] == "m1")
    (move,) = (row for row in found["moves"] if row["event_id"] == moved["pk"])
    rows = [row for row in found["upgraded"] if row["event_id"] == moved["pk"] and row["sent_at"]]
    assert rows
    for row in rows:
        assert row["starts_at"] == move["before__starts_at"].replace("T", " ") != moved["starts_at"]


def test_each_attempt_says_which_start_it_told(found: dict[str, Any]) -> None:
    assert found["attempts"]
    for row in found["attempts"]:
        if row["delivery__sent_at"]:
            assert row["starts_at"] == row["delivery__starts_at"]
        assert row["starts_at"]


def test_each_answer_says_by_which_channel_and_by_whom_it_was_given(found: dict[str, Any]) -> None:
    assert found["answers"]
    for row in found["answers"]:
        assert row["channel"] == row["delivery__kind"]
        assert row["member_name"] == row["member__name"]
        assert row["starts_at"] == row["delivery__starts_at"]


def test_the_mark_of_an_event_is_kept(found: dict[str, Any]) -> None:
    assert found["marks"] == [{"pk": found["marked"], "version": 1}]


def test_events_count_as_planned_and_each_registration_is_planned_once(found: dict[str, Any]) -> None:
    assert all(row["version"] == 1 for row in found["events"])
    assert found["registrations"] == len(found["before"]["registration.Registration"])
    assert found["marked_again"] == 0


def test_the_first_planning_finds_a_shared_delivery(found: dict[str, Any]) -> None:
    """Two plans wanted the same push; the version before knew of the first alone."""
    events = {row["pk"]: row["external_id"] for row in found["events"]}
    deliveries = {row["pk"]: row for row in found["planned"]}
    shares = [
        (
            events[deliveries[row["delivery_id"]]["event_id"]],
            row["delivery__registration__name"],
            row["registration__name"],
        )
        for row in found["shares"]
        if deliveries[row["delivery_id"]]["state"] == "pending"
    ]
    assert sorted(shares) == [("m1", "Team", "All"), ("t3", "Team", "All"), ("t4", "Team", "All")]


def test_the_first_planning_tells_of_no_change_and_changes_no_delivery(found: dict[str, Any]) -> None:
    assert Counter(row["origin"] for row in found["planned"]) == Counter(
        row["origin"] for row in found["upgraded"]
    )
    assert found["planned"] == found["upgraded"]


def test_no_target_is_told_again_of_what_it_was_told(found: dict[str, Any]) -> None:
    told = {
        (row["event_id"], row["target_id"], row["starts_at"])
        for row in found["planned"]
        if row["state"] in _TOLD
    }
    pending = [row for row in found["planned"] if row["state"] == "pending" and row["origin"] == "plan"]
    assert pending
    assert not [row for row in pending if (row["event_id"], row["target_id"], row["starts_at"]) in told]


def test_what_a_deleted_registration_had_asked_for_is_not_sent(found: dict[str, Any]) -> None:
    assert len(found["orphans"]) == 4
    assert set(found["orphans"].values()) == {"The registration was deleted."}


def test_the_pages_show_the_old_rows(found: dict[str, Any]) -> None:
    assert len(found["pages"]) > len(found["before"]["eventinvoke.Delivery"])
    assert {path: status for path, status in found["pages"].items() if status != 200} == {}
