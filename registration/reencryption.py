"""Encrypting what is stored with the first of ``NOTICE_ENCRYPTION_KEYS``, so that the others can be taken away."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.db import models, transaction
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast

from common.fields import EncryptedObjectField, EncryptedTextField, decrypt, encrypt, is_current
from registration.models import Target
from registration.models.targets import fingerprint

_AT_ONCE: Final = 500
Model = type[models.Model]


def encrypted_fields() -> Iterator[tuple[Model, list[str]]]:
    """Yield the models that have encrypted fields, with the names of these."""
    for model in apps.get_models():
        fields = model._meta.concrete_fields
        names = [one.name for one in fields if isinstance(one, EncryptedTextField | EncryptedObjectField)]
        if names:
            yield model, names


def reencrypt(model: Model, names: Sequence[str]) -> int:
    """Encrypt fields of all rows of a model with the first key; return how many values were of another.

    A row that changes meanwhile keeps its change, and is of the first key by that. Raises
    ``cryptography.fernet.InvalidToken`` at a value that no key decrypts.
    """
    count, last = 0, 0
    # As stored: a cast has the type of its own, so that nothing is decrypted.
    stored = {f"stored_{name}": Cast(F(name), TextField()) for name in names}
    rows = models.QuerySet(model).annotate(**stored)
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", *stored)[:_AT_ONCE]):
        last = chunk[-1][0]
        with transaction.atomic():
            for pk, *tokens in chunk:
                for name, token in zip(names, tokens, strict=True):
                    if token and not is_current(token):
                        again = Value(encrypt(decrypt(token)), TextField())
                        count += rows.filter(pk=pk, **{f"stored_{name}": token}).update(**{name: again})
        if model is Target:
            _hash([pk for pk, *_tokens in chunk])
    return count


def _hash(pks: Sequence[Any]) -> None:
    """Store the hash with the first key of those addresses that have one with another."""
    for target in Target.objects.filter(pk__in=pks):
        mark = fingerprint(target.address)
        if target.fingerprint != mark:
            Target.objects.filter(pk=target.pk, fingerprint=target.fingerprint).update(fingerprint=mark)
