"""The member that belongs to an account, made when it is first needed."""

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest

from common.channels import Adding, Channel, added_by
from common.clock import now
from registration.models import Member, Target, User
from registration.models.targets import fingerprint, fingerprints


def member_of(user: User) -> Member:
    """Return the account's member. Makes it, with an inbox, where there is none yet."""
    found = Member.objects.filter(user=user).first()
    return found or _make(user)


def _make(user: User) -> Member:
    name = user.get_full_name() or user.get_username()
    with transaction.atomic():
        member, _is_new = Member.objects.get_or_create(user=user, defaults={"name": name[:150]})
        add_built_in(member)
    return member


def add_built_in(member: Member) -> list[Target]:
    """Return the targets that every member has from the beginning; make those that are missing."""
    return [_built_in(member, channel) for channel in added_by(Adding.BUILT_IN)]


def _built_in(member: Member, channel: Channel) -> Target:
    checked = channel.check_address("", {})
    target, _is_new = Target.objects.get_or_create(
        member=member,
        kind=channel.kind,
        fingerprint__in=fingerprints(checked.address),
        defaults={
            "fingerprint": fingerprint(checked.address),
            "address": checked.address,
            "shown": checked.shown,
            "verified_at": now(),
        },
    )
    return target


def add_inbox(member: Member) -> Target:
    """Return the built-in target that notices to the member go to when no other one was chosen; make it if missing.

    Raises ``LookupError`` where no built-in channel is installed.
    """
    channels = added_by(Adding.BUILT_IN)
    if not channels:
        raise LookupError("NOTICE_CHANNELS lists no channel that every member has")
    return _built_in(member, channels[0])


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
