"""Environment variables that are empty, and addresses of servers that leave something out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from pfs_notice.settings import environment
from pfs_notice.settings.environment import BASE_DIR
from pfs_notice.tests.test_operations_page import named_on_the_page
from pfs_notice.tests.test_settings import read, run
from simulator.provider.settings import from_environment

ALL = """
import json
from django.conf import settings
from pfs_notice.settings import environment
found = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
print(json.dumps(found | {"VAR_DIR": environment.VAR_DIR}, default=str))
"""


def _all(var: Path, **environment: str) -> dict[str, Any]:
    done = run(var, code=ALL, **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_empty_variables_count_as_not_set(tmp_path: Path) -> None:
    names = named_on_the_page() - {"PFS_NOTICE_VAR"}
    assert {"EMAIL_URL", "DATABASE_URL", "NOTICE_CHANNELS", "SECRET_KEY"} < names
    unset = _all(tmp_path)
    assert _all(tmp_path, **dict.fromkeys(names, "")) == unset


def test_an_empty_folder_of_run_time_state_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PFS_NOTICE_VAR", "")
    assert environment.text("PFS_NOTICE_VAR", str(BASE_DIR / "var")) == str(BASE_DIR / "var")


def test_the_simulator_reads_empty_variables_as_not_set() -> None:
    names = {name for name in named_on_the_page() if name.startswith("SIMULATOR_")}
    settings, default = from_environment(dict.fromkeys(names, "")), from_environment({})
    assert (settings.host, settings.port) == (default.host, default.port)
    assert settings.account_sid
    assert settings.auth_token


@pytest.mark.parametrize(
    ("url", "port", "is_tls", "is_ssl"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp+tls://mail.example.org", 587, True, False),
        ("smtp+ssl://mail.example.org", 465, False, True),
        ("smtps://mail.example.org", 465, False, True),
        ("smtps://mail.example.org:465", 465, False, True),
        ("smtps://mail.example.org:587", 587, True, False),
        ("smtp://mail.example.org:2525", 2525, False, False),
        ("smtp+tls://mail.example.org:2525", 2525, True, False),
        ("smtp+ssl://mail.example.org:2525", 2525, False, True),
        ("SMTP+TLS://ann:p%40ss@mail.example.org", 587, True, False),
    ],
)
def test_a_mail_server_without_a_port_has_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, url: str, port: int, *, is_tls: bool, is_ssl: bool
) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    found = environment.email_url("EMAIL_URL", "consolemail://")
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, is_tls, is_ssl)
    assert found["EMAIL_HOST"] == "mail.example.org"


def test_the_settings_take_the_port_of_the_scheme(tmp_path: Path) -> None:
    given = {"EMAIL_URL": "smtp+tls://ann:secret@mail.example.org"}
    found = read(tmp_path, "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_HOST_PASSWORD", **given)
    assert found == {
        "EMAIL_HOST": "mail.example.org",
        "EMAIL_PORT": 587,
        "EMAIL_USE_TLS": True,
        "EMAIL_HOST_PASSWORD": "secret",
    }


@pytest.mark.parametrize("url", ["smtp://mail:port", "mail.example.org", "pigeon://coop", "smtp://[::1"])
def test_a_mail_server_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("EMAIL_URL", url)
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        environment.email_url("EMAIL_URL", "consolemail://")


@pytest.mark.parametrize("url", ["postgresql://host:port/name", "notice", "pigeon://coop/x"])
def test_a_database_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        environment.database_url("DATABASE_URL")


def test_the_pages_example_of_a_mail_server_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (BASE_DIR / "docs" / "operations.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| `EMAIL_URL`"))
    for url in re.findall(r"`(smtp[+a-z]*://[^`]*)`", row):
        monkeypatch.setenv("EMAIL_URL", url)
        assert environment.email_url("EMAIL_URL", "")["EMAIL_PORT"] in {25, 465, 587}
