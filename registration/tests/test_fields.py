"""What is encrypted in the database, and keys that are rotated."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.exceptions import FieldError
from django.db import connection
from django.utils import timezone

from common import channels
from common.fields import decrypt, encrypt
from registration.forms.targets import store_target
from registration.membership import add_built_in
from registration.models import Calendar, Member, Target
from registration.models.targets import fingerprint
from registration.templatetags.panel import when
from registration.tests.factories import CalendarFactory, TargetFactory

SECRET = "https://example.org/feed.ics?key=secret"


@pytest.mark.django_db
def test_a_secret_is_plain_in_python_and_unreadable_in_the_database() -> None:
    calendar = CalendarFactory(url=SECRET)
    assert Calendar.objects.get().url == SECRET
    with connection.cursor() as cursor:
        cursor.execute("SELECT url FROM registration_calendar WHERE id = %s", [calendar.pk])
        (stored,) = cursor.fetchone()
    assert "secret" not in stored


@pytest.mark.django_db
def test_nothing_stays_nothing() -> None:
    CalendarFactory(url="")
    assert Calendar.objects.get().url == ""


def test_a_new_key_encrypts_and_the_old_one_still_reads(settings: Any) -> None:
    token = encrypt("text")
    settings.NOTICE_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.NOTICE_ENCRYPTION_KEYS]
    assert decrypt(token) == "text"
    settings.NOTICE_ENCRYPTION_KEYS = settings.NOTICE_ENCRYPTION_KEYS[:1]
    with pytest.raises(InvalidToken):
        decrypt(token)


def test_what_an_earlier_version_encrypted_is_read(settings: Any) -> None:
    old = Fernet(settings.NOTICE_ENCRYPTION_KEYS[0]).encrypt(b"text").decode()
    settings.NOTICE_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.NOTICE_ENCRYPTION_KEYS]
    assert decrypt(old) == "text"


@pytest.mark.parametrize("spoil", [lambda t: t[:-5] + "AAAA=", lambda t: t[:9], str.upper])
def test_what_was_changed_in_the_database_is_refused(spoil: Callable[[str], str]) -> None:
    with pytest.raises(InvalidToken):
        decrypt(spoil(encrypt("text")))


@pytest.mark.django_db
def test_a_search_for_an_encrypted_value_is_refused() -> None:
    with pytest.raises(FieldError):
        Calendar.objects.filter(url=SECRET)


@pytest.mark.django_db
def test_an_address_and_the_keys_of_a_browser_are_unreadable_in_the_database() -> None:
    config = {"keys": {"p256dh": "POINT", "auth": "SECRET"}}
    target = TargetFactory(
        kind="webpush", address="https://push.example.org/capability", config=config, shown="Firefox"
    )
    found = Target.objects.get(pk=target.pk)
    assert (found.address, found.config) == (target.address, config)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registration_target WHERE id = %s", [target.pk])
        stored = str(cursor.fetchone())
    assert not [word for word in ("capability", "POINT", "SECRET") if word in stored]


def test_the_hash_of_an_address_can_not_be_made_without_the_key(settings: Any) -> None:
    number = "+493012345678"
    first = fingerprint(number)
    assert first != sha256(number.encode()).hexdigest()
    settings.NOTICE_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert fingerprint(number) != first


@pytest.mark.django_db
def test_an_address_from_before_a_rotation_is_found(settings: Any, member: Member) -> None:
    channel = channels.get("email")
    checked = channel.check_address("ann@example.org", {})
    first = store_target(member, channel, checked)
    settings.NOTICE_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.NOTICE_ENCRYPTION_KEYS]
    assert first is not None
    assert store_target(member, channel, checked) is None
    assert len(add_built_in(member)) == member.targets.filter(kind="inbox").count()


def test_an_instant_that_no_zone_can_hold_is_shown_in_utc() -> None:
    with timezone.override("Europe/Berlin"):
        assert "9999" in when(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
