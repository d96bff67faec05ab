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


@pytest.mark.parametrize(
    ("given", "url", "host"),
    [
        ("https://Notice.Example.org/", "https://notice.example.org", "notice.example.org"),
        ("https://notice.example.org:443", "https://notice.example.org", "notice.example.org"),
        ("http://notice.example.org:80/a/", "http://notice.example.org/a", "notice.example.org"),
        ("https://notice.example.org:8443", "https://notice.example.org:8443", "notice.example.org"),
        ("https://straße.example:8443", "https://xn--strae-oqa.example:8443", "xn--strae-oqa.example"),
        ("https://日本語.example/notice", "https://xn--wgv71a119e.example/notice", "xn--wgv71a119e.example"),
        ("http://[::1]:8000", "http://[::1]:8000", "::1"),
    ],
)
def test_the_public_address_is_as_browsers_write_it(tmp_path: Path, given: str, url: str, host: str) -> None:
    names = ("NOTICE_PUBLIC_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "NOTICE_PATH")
    found = read(tmp_path, *names, NOTICE_PUBLIC_URL=given)
    path = found["NOTICE_PATH"]
    assert found["NOTICE_PUBLIC_URL"] == url
    assert found["CSRF_TRUSTED_ORIGINS"] == [url.removesuffix(path)]
    assert host in found["ALLOWED_HOSTS"] or f"[{host}]" in found["ALLOWED_HOSTS"]


@pytest.mark.parametrize("given", ["https://notice.example.org:port", "https://[::1", "https://a..b.ü"])
def test_a_public_address_that_makes_no_sense_is_named(tmp_path: Path, given: str) -> None:
    done = run(tmp_path, "DEBUG", NOTICE_PUBLIC_URL=given)
    assert "NOTICE_PUBLIC_URL is 'https://" in done.stderr.splitlines()[-1]


def test_where_it_listens_is_the_public_address_where_none_is_given(tmp_path: Path) -> None:
    def public(**given: str) -> str:
        return str(read(tmp_path, "NOTICE_PUBLIC_URL", **given)["NOTICE_PUBLIC_URL"])

    assert public(PORT="8080") == public(PORT="8080", HOST="0.0.0.0") == "http://localhost:8080"  # noqa: S104
    assert public(HOST="192.0.2.7") == "http://192.0.2.7:8000"
    (tmp_path / "public_url").write_text("http://localhost:9000\n")
    assert public() == "http://localhost:9000"
    assert public(PORT="8080") == "http://localhost:8080"


@pytest.mark.parametrize("value", ["a#b?c%41d%", "$HOME", "a,b", " spaces "])
def test_a_value_is_taken_as_it_is(tmp_path: Path, value: str) -> None:
    var = tmp_path / value
    found = read(var, "PFS_NOTICE_VAR", "DATABASES", "SECRET_KEY", SECRET_KEY=value)
    assert found["SECRET_KEY"] == value
    assert found["DATABASES"]["default"]["NAME"] == str(var / "db.sqlite3")
    assert (var / "encryption_key").exists()
