from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core import checks
from django.db import connection

OTHER_CURVE = (
    ec.generate_private_key(ec.SECP384R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def ids(*, deploy: bool = False) -> set[str]:
    found = checks.run_checks(include_deployment_checks=deploy)
    return {str(message.id) for message in found if str(message.id).startswith("pfs_notice.")}


def hints() -> list[str]:
    found = checks.run_checks(include_deployment_checks=True)
    return [message.hint or "" for message in found if str(message.id).startswith("pfs_notice.")]


def test_the_settings_of_a_first_run_have_no_fault() -> None:
    assert ids() == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("NOTICE_ENCRYPTION_KEYS", [], "pfs_notice.E001"),
        ("NOTICE_ENCRYPTION_KEYS", ["short"], "pfs_notice.E001"),
        ("VAPID_PRIVATE_KEY", "", "pfs_notice.E002"),
        ("VAPID_PRIVATE_KEY", "no PEM", "pfs_notice.E002"),
        ("VAPID_PRIVATE_KEY", OTHER_CURVE, "pfs_notice.E002"),
        ("VAPID_SUBJECT", "ann", "pfs_notice.E003"),
        ("NOTICE_PUBLIC_URL", "notice.example.org", "pfs_notice.E004"),
        ("NOTICE_PUBLIC_URL", "https://example.org/a b", "pfs_notice.E004"),
        ("NOTICE_CHANNELS", ["no.such.Channel"], "pfs_notice.E005"),
        ("NOTICE_CHANNELS", ["word"], "pfs_notice.E005"),
        ("CELERY_BROKER_URL", "memory://", "pfs_notice.E006"),
        ("CELERY_BROKER_URL", "", "pfs_notice.E006"),
        ("NOTICE_ALLOWED_PRIVATE_NETWORKS", ["10.0.0.1/8"], "pfs_notice.E009"),
        ("NOTICE_ALLOWED_PRIVATE_NETWORKS", ["home"], "pfs_notice.E009"),
        ("NOTICE_BATCH_SIZE", 0, "pfs_notice.E010"),
        ("GOOGLE_CLIENT_ID", "123.apps.googleusercontent.com", "pfs_notice.E011"),
        ("GOOGLE_CLIENT_SECRET", "GOCSPX-1", "pfs_notice.E011"),
        ("GOOGLE_TOKEN_URL", "http://oauth2.googleapis.com/token", "pfs_notice.E012"),
        ("GOOGLE_API_URL", "https://", "pfs_notice.E012"),
        ("NOTICE_COUNTRIES", ["DE", "Germany"], "pfs_notice.E015"),
    ],
)
def test_a_bad_setting_is_named(settings: Any, name: str, value: object, expected: str) -> None:
    setattr(settings, name, value)
    assert ids() == {expected}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://notice.example.org", set()),
        ("http://localhost:8000", set()),
        ("http://notice.example.org", {"pfs_notice.W005"}),
    ],
)
def test_google_sends_people_back_to_https_only(settings: Any, url: str, expected: set[str]) -> None:
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "id", "secret"
    settings.NOTICE_PUBLIC_URL = url
    assert ids() == expected


def test_a_number_of_no_country_is_named_unless_countries_are_chosen(settings: Any) -> None:
    settings.IS_SIMULATED, settings.TWILIO_FROM_NUMBER = False, "+80012345678"
    assert ids() == {"pfs_notice.W007"}
    settings.NOTICE_COUNTRIES = ["DE"]
    assert ids() == set()


def test_a_whole_twilio_account_has_no_fault(settings: Any) -> None:
    settings.IS_SIMULATED = False
    assert ids() == set()


def test_the_deployment_check_names_what_works_on_a_desk_only(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    settings.NOTICE_PUBLIC_URL = "http://localhost:8000"
    settings.VAPID_SUBJECT = "mailto:notice@localhost"
    numbers = (1, 2, 3, 4) if connection.vendor == "sqlite" else (1, 3, 4)
    assert ids(deploy=True) == {"pfs_notice.E016", *(f"pfs_notice.W00{number}" for number in numbers)}


def test_every_warning_says_what_to_do() -> None:
    assert all(hints())


def collation_faults() -> list[str]:
    found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    return [str(one.id) for one in found if str(one.id).startswith("pfs_notice.")]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_names_that_differ_for_the_same_is_named() -> None:
    assert collation_faults() == []
    if connection.vendor != "mysql":
        return  # no other does by default
    with connection.cursor() as cursor:
        cursor.execute("ALTER DATABASE COLLATE utf8mb4_general_ci")
        try:
            assert collation_faults() == ["pfs_notice.E013"]
        finally:
            cursor.execute("ALTER DATABASE COLLATE utf8mb4_bin")
