"""``manage.py demo``: a member to try it with, and an event that starts in two minutes."""

import secrets
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from common.channels import get
from common.clock import now
from eventinvoke.sending.heartbeats import keep_time
from pfs_notice.demo import NAME, calendar_of, move_entry
from registration.membership import add_inbox, member_of
from registration.models import Calendar, Member, Registration, Step, Target, User
from registration.models.targets import fingerprint, fingerprints

_PHONE: Final = "+12025550123"
"""A number of those that are kept free for stories (555-0100 to 555-0199)."""
_AHEAD: Final = timedelta(minutes=2)
_PLAN: Final = (("inbox", timedelta(seconds=-110)), ("voice", timedelta(seconds=-60)))


class Command(BaseCommand):
    """Add the member ``demo`` with a phone, an inbox and a calendar; a second run moves the entry only."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        keep_time()
        with transaction.atomic():
            user, password = _user()
            member = member_of(user)
            calendar = calendar_of(member)
            _plan(member, calendar, _targets(member))
        starts_at = now() + _AHEAD
        move_entry(calendar, starts_at)
        if password:
            self.stdout.write(
                f"\nThe demo: log in at {settings.NOTICE_PUBLIC_URL} as {NAME} with the password {password}\n"
                "It is shown this once.\n"
            )
        self.stdout.write(
            "The calendar's entry “PFS telecon” begins in two minutes. The inbox tells of it in a moment, "
            "and the phone rings a minute before it begins.\n"
        )


def _user() -> tuple[User, str]:
    found = User.objects.filter(username=NAME).first()
    if found is not None:
        return found, ""
    password = secrets.token_urlsafe(9)
    return User.objects.create_user(NAME, password=password, first_name="Demo"), password


def _targets(member: Member) -> dict[str, Target]:
    targets = {"inbox": add_inbox(member)}
    for kind in ("voice", "sms"):
        checked = get(kind).check_address(_PHONE, {})
        targets[kind], _is_new = Target.objects.get_or_create(
            member=member,
            kind=kind,
            fingerprint__in=fingerprints(checked.address),
            defaults={
                "fingerprint": fingerprint(checked.address),
                "address": checked.address,
                "shown": checked.shown,
                "label": "Simulated phone",
                "config": dict(checked.config),
                "verified_at": now(),
            },
        )
    return targets


def _plan(member: Member, calendar: Calendar, targets: dict[str, Target]) -> None:
    registration, _is_new = Registration.objects.get_or_create(
        member=member,
        kind=Registration.Kind.STANDING,
        calendar=calendar,
        pattern="telecon",
        defaults={"name": "Telecons"},
    )
    for kind, offset in _PLAN:
        Step.objects.get_or_create(registration=registration, target=targets[kind], offset=offset)
    Registration.objects.filter(pk=registration.pk).changed()
