"""The settings are read once a process, so each of these tests reads them in a process of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as present
from django.db import connection

from pfs_notice import keys

READ = """
import json, sys
from django.conf import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""
PRODUCTION = {
    "PFS_NOTICE_ENV": "production",
    "SECRET_KEY": "s" * 60,
    "DATABASE_URL": "postgresql://notice@127.0.0.1/notice",
    "NOTICE_PUBLIC_URL": "https://notice.example.org",
}


def run(var: Path, *names: str, code: str = READ, **environment: str) -> subprocess.CompletedProcess[str]:
    base = {
        "PATH": os.environ["PATH"],
        "PFS_NOTICE_VAR": str(var),
        "DJANGO_SETTINGS_MODULE": "pfs_notice.settings",
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *names],
        env=base | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def read(var: Path, *names: str, **environment: str) -> dict[str, Any]:
    done = run(var, *names, **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_nothing_need_be_configured(tmp_path: Path) -> None:
    found = read(tmp_path / "var", "SECRET_KEY", "DATABASES", "IS_SIMULATED")
    assert found["SECRET_KEY"] == keys.read(tmp_path / "var", "secret_key")
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "db.sqlite3")
    assert found["IS_SIMULATED"]


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "SECRET_KEY", SECRET_KEY="given")["SECRET_KEY"] == "given"


@pytest.mark.parametrize("variable", ["SECRET_KEY", "NOTICE_ENCRYPTION_KEYS", "VAPID_PRIVATE_KEY"])
def test_a_missing_secret_is_an_error_with_a_hint_in_production(tmp_path: Path, variable: str) -> None:
    keys.make_all(tmp_path)
    names = {
        "SECRET_KEY": "secret_key",
        "NOTICE_ENCRYPTION_KEYS": "encryption_key",
        "VAPID_PRIVATE_KEY": "vapid_private.pem",
    }
    (tmp_path / names[variable]).unlink()
    done = run(tmp_path, "SECRET_KEY", **{key: value for key, value in PRODUCTION.items() if key != variable})
    assert done.returncode == 1
    assert f"{variable} is not set" in done.stderr
    assert "python -m pfs_notice.keys" in done.stderr


def test_no_key_is_made_in_production(tmp_path: Path) -> None:
    run(tmp_path, "SECRET_KEY", **PRODUCTION)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_environment_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "DEBUG", PFS_NOTICE_ENV="staging")
    assert "may be embedded or production" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "perhaps"),
        ("NOTICE_BATCH_SIZE", "many"),
        ("NOTICE_BATCH_SIZE", "1.5"),
        ("NOTICE_LEASE_SECONDS", "a minute"),
        ("TWILIO_CALLS_PER_SECOND", "inf"),
        ("NOTICE_RATES", "voice"),
        ("NOTICE_RATES", "voice=fast"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(tmp_path: Path, variable: str, value: str) -> None:
    done = run(tmp_path, "DEBUG", **{variable: value})
    assert re.search(rf"ImproperlyConfigured: {variable} (is|has) '", done.stderr)


@pytest.mark.parametrize("days", ["0", "-1", "1000000"])
def test_a_retention_that_would_delete_all_or_has_no_date_is_refused(tmp_path: Path, days: str) -> None:
    done = run(tmp_path, "DEBUG", NOTICE_KEEP_EVENTS_DAYS=days)
    assert f"NOTICE_KEEP_EVENTS_DAYS is {days}; it has to be from 1 to" in done.stderr


def test_rates_are_numbers_by_kind(tmp_path: Path) -> None:
    given = "voice=1, sms = 2.5"
    assert read(tmp_path, "NOTICE_RATES", NOTICE_RATES=given)["NOTICE_RATES"] == {"voice": 1.0, "sms": 2.5}


def test_production_sends_everybody_to_https(tmp_path: Path) -> None:
    keys.make_all(tmp_path)
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert all(read(tmp_path, *names, **PRODUCTION).values())


def test_the_public_address_is_an_allowed_host(tmp_path: Path) -> None:
    hosts = read(tmp_path, "ALLOWED_HOSTS", NOTICE_PUBLIC_URL="https://notice.example.org/")["ALLOWED_HOSTS"]
    assert "notice.example.org" in hosts


def test_the_vapid_key_may_be_the_path_of_a_file(tmp_path: Path) -> None:
    pem = keys.read_or_make(tmp_path / "elsewhere", "vapid_private.pem")
    path = str(tmp_path / "elsewhere" / "vapid_private.pem")
    assert read(tmp_path, "VAPID_PRIVATE_KEY", VAPID_PRIVATE_KEY=path)["VAPID_PRIVATE_KEY"].strip() == pem


def test_a_vapid_key_that_is_neither_text_nor_file_is_an_error_with_a_reason(tmp_path: Path) -> None:
    done = run(tmp_path, "VAPID_PRIVATE_KEY", VAPID_PRIVATE_KEY="/no/such/file")
    assert "neither PEM text nor the path of a file" in done.stderr


def test_without_an_account_twilio_is_the_simulator(tmp_path: Path) -> None:
    found = read(tmp_path, "TWILIO_API_URL", "TWILIO_ACCOUNT_SID", SIMULATOR_URL="http://127.0.0.1:9999")
    assert found["TWILIO_API_URL"] == "http://127.0.0.1:9999"
    assert found["TWILIO_ACCOUNT_SID"] == keys.read(tmp_path, "simulator_account_sid")


def test_a_command_in_another_terminal_finds_the_simulator(tmp_path: Path) -> None:
    (tmp_path / "simulator_url").write_text("http://127.0.0.1:1234\n")
    assert read(tmp_path, "TWILIO_API_URL")["TWILIO_API_URL"] == "http://127.0.0.1:1234"


def test_with_an_account_nothing_is_simulated(tmp_path: Path) -> None:
    given = {
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKENS": "new, old",
        "TWILIO_FROM_NUMBER": "+15005550006",
    }
    found = read(tmp_path, "TWILIO_API_URL", "TWILIO_AUTH_TOKENS", "IS_SIMULATED", **given)
    assert found == {
        "TWILIO_API_URL": "https://api.twilio.com",
        "TWILIO_AUTH_TOKENS": ["new", "old"],
        "IS_SIMULATED": False,
    }


def test_the_broker_of_a_long_path_has_a_short_socket(tmp_path: Path) -> None:
    url = read(tmp_path / ("long" * 30), "CELERY_BROKER_URL")["CELERY_BROKER_URL"]
    assert len(url.removeprefix("redis+socket://")) <= 104


def test_mariadb_is_strict_and_speaks_all_of_unicode(tmp_path: Path) -> None:
    options = read(tmp_path, "DATABASES", DATABASE_URL="mysql://root@127.0.0.1/x")["DATABASES"]["default"][
        "OPTIONS"
    ]
    assert options["charset"] == "utf8mb4"
    assert "STRICT_ALL_TABLES" in options["sql_mode"]


@pytest.mark.django_db
def test_sqlite_writes_ahead_and_waits_for_a_lock() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("this run is on another database")
    with connection.cursor() as cursor:
        values = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "busy_timeout")]
    assert values == ["wal", 20_000]


@pytest.mark.django_db
def test_the_database_is_the_one_that_was_asked_for() -> None:
    wanted = os.environ.get("TEST_DATABASE", "sqlite")
    assert connection.vendor == {"mariadb": "mysql"}.get(wanted, wanted)


def test_no_inline_script_is_allowed() -> None:
    policy = present.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
