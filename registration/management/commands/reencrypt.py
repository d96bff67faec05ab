"""``manage.py reencrypt``: encrypt what is stored with the first key."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from registration.reencryption import encrypted_fields, reencrypt


class Command(BaseCommand):
    """Encrypt all secrets in the database with the first of NOTICE_ENCRYPTION_KEYS, while the server runs."""

    help = "Encrypt all secrets in the database with the first of NOTICE_ENCRYPTION_KEYS."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print a line for each table."""
        for model, names in encrypted_fields():
            name = str(model._meta.verbose_name_plural)
            try:
                count = reencrypt(model, names)
            except InvalidToken:
                raise CommandError(
                    f"Of the {name}, at least one is encrypted with a key that is not among NOTICE_ENCRYPTION_KEYS."
                ) from None
            self.stdout.write(f"{count:>10} of the {name}")
        self.stdout.write("Everything is encrypted with the first key; the others are needed no more.")
