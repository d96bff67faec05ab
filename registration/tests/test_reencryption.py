"""A key is replaced: what is stored is encrypted with the new one, and the old one can go."""

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from common.fields import decrypt
from registration.models import Calendar, Job, Member, Target
from registration.models.targets import fingerprint
from registration.reencryption import encrypted_fields, reencrypt

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def target(member: Member, settings: Any) -> Target:
    """A target whose address was stored with the old key; the new one is the first now."""
    rest = settings.NOTICE_ENCRYPTION_KEYS
    settings.NOTICE_ENCRYPTION_KEYS = [OLD, *rest]
    made = Target.objects.create(
        member=member, kind="email", address="ann@example.org", shown="ann@example.org",
        fingerprint=fingerprint("ann@example.org"), config={"a": 1},
    )  # fmt: skip
    settings.NOTICE_ENCRYPTION_KEYS = [NEW, OLD, *rest]
    return made


def run() -> str:
    out = StringIO()
    call_command("reencrypt", stdout=out)
    return out.getvalue()


def test_afterwards_the_old_key_is_not_needed(target: Target, settings: Any) -> None:
    assert "3 of the contact methods" in run(), "address and keys of one, the address of the inbox"
    settings.NOTICE_ENCRYPTION_KEYS = [NEW]
    read = Target.objects.get(pk=target.pk)
    assert (read.address, read.config) == ("ann@example.org", {"a": 1})
    assert read.fingerprint == fingerprint("ann@example.org")


def test_a_second_run_changes_nothing(target: Target) -> None:
    run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM registration_target WHERE id = %s", [target.pk])
        (token,) = cursor.fetchone()
    assert " 0 of the contact methods" in run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM registration_target WHERE id = %s", [target.pk])
        assert cursor.fetchone() == (token,)


def test_every_model_with_secrets_is_found(member: Member, settings: Any) -> None:
    models = {model for model, _columns in encrypted_fields()}
    assert {Target, Calendar, Job} <= models
    rest = settings.NOTICE_ENCRYPTION_KEYS
    settings.NOTICE_ENCRYPTION_KEYS = [OLD, *rest]
    calendar = Calendar.objects.create(
        name="Telecons", owner=member, url="https://example.org/a", password="x"
    )
    settings.NOTICE_ENCRYPTION_KEYS = [NEW, OLD, *rest]
    run()
    settings.NOTICE_ENCRYPTION_KEYS = [NEW]
    read = Calendar.objects.get(pk=calendar.pk)
    assert (read.url, read.password, read.user_name) == ("https://example.org/a", "x", "")


def test_what_no_key_decrypts_is_told_of(target: Target, settings: Any) -> None:
    settings.NOTICE_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="contact methods, at least one"):
        run()


def test_a_value_that_changes_meanwhile_keeps_its_change(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = dict(encrypted_fields())[Target]

    def changes_then_decrypts(token: str) -> str:
        Target.objects.filter(pk=target.pk).update(address="eve@example.org")
        return decrypt(token)

    monkeypatch.setattr("registration.reencryption.decrypt", changes_then_decrypts)
    reencrypt(Target, names)
    assert Target.objects.get(pk=target.pk).address == "eve@example.org"
