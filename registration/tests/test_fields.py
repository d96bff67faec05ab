"""What is encrypted in the database, and keys that are rotated."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.db import connection
from django.utils import timezone

from common.fields import decrypt, encrypt
from registration.models import Calendar
from registration.templatetags.panel import when
from registration.tests.factories import CalendarFactory

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


def test_an_instant_that_no_zone_can_hold_is_shown_in_utc() -> None:
    with timezone.override("Europe/Berlin"):
        assert "9999" in when(datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
