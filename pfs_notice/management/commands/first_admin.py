"""``manage.py first_admin``: the first administrator, with a password that is shown once."""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from registration.membership import add_built_in
from registration.models import Member

_NAME = "admin"


class Command(BaseCommand):
    """Make the administrator ``admin``, and a member for it, where there is none, and print the one-time password."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        user_model = get_user_model()
        with transaction.atomic():
            if user_model.objects.filter(is_superuser=True).exists():
                return
            password = secrets.token_urlsafe(12)
            user = user_model.objects.create_superuser(_NAME, "", password, must_change_password=True)
            add_built_in(Member.objects.create(user=user, name="Administrator"))
        self.stdout.write(
            f"\nLog in as {user.get_username()} with the password {password}\n"
            "It is shown this once, and you will be asked to choose your own.\n",
        )
