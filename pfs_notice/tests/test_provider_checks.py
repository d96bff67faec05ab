"""Settings of providers that can't work: which are said, and that none of the senders keeps the server from starting."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pfs_notice.provider_checks import why_refused
from pfs_notice.tests.test_checks import ids
from pfs_notice.tests.test_settings import run

SERVICE = "MG" + "5" * 32


@pytest.mark.parametrize(
    ("from_number", "text_from", "expected"),
    [
        ("+15005550006", "", set()),
        ("+15005550006", f"{SERVICE},DE=PFS Notice", set()),
        ("12", "", {"W008", "W009"}),
        ("PFS Notice", "", {"W009", "W007"}),
        (SERVICE, "", {"W009", "W007"}),
        ("12345", "", {"W009", "W007"}),
        ("", "", {"W009"}),
        ("", "+15005550006", {"W009"}),
        ("+1 no number", "", {"W008", "W009"}),
        ("+15005550006", "A name that is too long", {"W008"}),
        ("+15005550006", "ZZ=12345", {"W008"}),
    ],
)
def test_a_sender_that_can_not_be_used_is_a_warning(
    settings: Any, from_number: str, text_from: str, expected: set[str]
) -> None:
    settings.IS_SIMULATED = False
    settings.TWILIO_FROM_NUMBER, settings.TWILIO_TEXT_FROM = from_number, text_from
    assert ids() == {f"pfs_notice.{one}" for one in expected}


def test_an_account_without_a_token_is_an_error(settings: Any) -> None:
    settings.IS_SIMULATED, settings.TWILIO_AUTH_TOKENS = False, []
    assert ids() == {"pfs_notice.E007"}


def test_no_sender_keeps_the_server_from_starting(tmp_path: Path) -> None:
    given = {
        "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
        "TWILIO_AUTH_TOKENS": "token",
        "TWILIO_FROM_NUMBER": "PFS Notice",
        "TWILIO_TEXT_FROM": "nonsense that is no sender",
    }
    code = "import django; django.setup(); from django.core.management import call_command; call_command('check')"
    done = run(tmp_path, code=code, **given)
    assert done.returncode == 0, done.stderr
    assert "W008" in done.stderr
    assert "W009" in done.stderr


@pytest.mark.parametrize(
    "subject",
    [
        "mailto:you@example.org",
        "mailto:pump.watch+notice@mail.example.co.uk",
        "https://notice.example.org/contact",
        "https://notice.example.org:8443",
        "mailto:you@bücher.example.org",
        "mailto:you@xn--bcher-kva.org",
    ],
)
def test_a_vapid_subject_of_the_internet_is_taken(subject: str) -> None:
    assert why_refused(subject) == ""


@pytest.mark.parametrize(
    "subject",
    [
        "mailto:notice@localhost",
        "mailto:notice@127.0.0.1",
        "mailto:notice@[192.168.1.4]",
        "mailto:notice@10.1.2.3",
        "mailto:notice@server",
        "mailto:notice@server.local",
        "mailto:notice@box.lan",
        "mailto:notice@notice.internal",
        "mailto:notice@notice.test",
        "mailto: you@example.org",
        "mailto:<you@example.org>",
        "mailto:You <you@example.org>",
        "mailto:a@example.org,b@example.org",
        "mailto:",
        "mailto:you",
        "https://localhost:8000",
        "https://192.168.1.4/",
        "https://[fd00::1]/",
        "https://[",
        "https://server",
        "https://notice.example.org/a b",
        "http://notice.example.org",
        "you@example.org",
    ],
)
def test_a_vapid_subject_that_push_services_refuse_fails_the_deployment_check(
    settings: Any, subject: str
) -> None:
    settings.VAPID_SUBJECT = subject
    assert "pfs_notice.E016" in ids(deploy=True)
    assert "pfs_notice.E016" not in ids()


def test_the_usual_subject_of_an_installation_on_a_desk_fails_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=Path(__file__).parents[2],
        env={"PFS_NOTICE_VAR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "mailto:notice@localhost" in done.stderr
