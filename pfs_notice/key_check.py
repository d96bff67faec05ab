"""A system check: the keys are those of the database."""

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError
from django.db.models import Model
from django.db.models.functions import Length

from registration.reencryption import encrypted_fields


@register(Tags.database)
def check_keys(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """E017: our keys decrypt what is in the database: the oldest and the newest value of each column."""
    if "default" not in (databases or ()):
        return []
    hint = "Put the key that the database was written with behind the others, or bring its file back from a backup."
    return [
        Error(
            f"NOTICE_ENCRYPTION_KEYS is not the key of this database ({model._meta.db_table}, {name}).",
            hint=hint,
            id="pfs_notice.E017",
        )
        for model, names in encrypted_fields()
        for name in names
        if not _is_readable(model, name)
    ]


def _is_readable(model: type[Model], name: str) -> bool:
    filled = model._default_manager.alias(size=Length(name)).filter(size__gt=0)
    try:
        for order in ("pk", "-pk"):
            filled.order_by(order).values_list(name).first()
    except DatabaseError:  # before `migrate` there is no such table or column
        return True
    except InvalidToken:
        return False
    return True
