"""The member that belongs to an account, made when it is first needed."""

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest

from common.clock import now
from registration.models import Member, Target, User
from registration.models.targets import fingerprint

INBOX = "inbox"


def member_of(user: User) -> Member:
    """Return the account's member. Makes it, with an inbox, where there is none yet."""
    found = Member.objects.filter(user=user).first()
    return found or _make(user)


def _make(user: User) -> Member:
    name = user.get_full_name() or user.get_username()
    with transaction.atomic():
        member, _is_new = Member.objects.get_or_create(user=user, defaults={"name": name[:150]})
        add_inbox(member)
    return member


def add_inbox(member: Member) -> Target:
    """Return the member's inbox; make it where there is none. Nobody else can reach it."""
    target, _is_new = Target.objects.get_or_create(
        member=member,
        kind=INBOX,
        fingerprint=fingerprint(INBOX),
        defaults={"address": INBOX, "shown": "Inbox in this panel", "verified_at": now()},
    )
    return target


def member_in(request: HttpRequest) -> Member:
    """Return the member who asks, read once a request. The view requires a signed-in account."""
    found: Member | None = getattr(request, "_member", None)
    if found is None:
        user = request.user
        if isinstance(user, AnonymousUser):
            msg = "the view lets people in who are not signed in"
            raise TypeError(msg)
        found = member_of(user)
        request._member = found  # type: ignore[attr-defined]  # noqa: SLF001 - the request is the cache
    return found
