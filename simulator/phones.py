"""The phones that a person may use: for each member one for each number among the targets."""

from dataclasses import dataclass
from typing import Final

from django.http import Http404

from registration.access import Person, targets_for
from registration.models import Target
from registration.models.targets import fingerprints

KINDS: Final = ("voice", "sms")
"""The channels whose addresses are numbers of the simulated provider."""
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone. A voice and an SMS target with the same number are one phone."""

    target_id: int
    """The key of one of its member's targets; it identifies the phone in addresses."""
    number: str
    shown: str
    owner: str
    member_id: int
    user_id: int
    """Of the member to whose target it shows what was sent."""


def phones_for(user: Person) -> list[Phone]:
    """Return the phones that this account may use: its own first, for the staff those of all members after them.

    Targets that are not yet verified count too: their codes arrive there.
    """
    targets = list(targets_for(user).filter(kind__in=KINDS).select_related("member").order_by("pk")[:_MOST])
    targets.sort(key=lambda target: (target.member.user_id != user.pk, target.member.name, target.pk))
    phones: dict[tuple[int, str], Phone] = {}
    for target in targets:
        phones.setdefault((target.member_id, target.address), _phone(target))
    return list(phones.values())


def phone_for(user: Person, target_id: int) -> Phone:
    """Return one phone. Raises ``Http404`` if it does not exist or belongs to another member."""
    target = targets_for(user).filter(kind__in=KINDS, pk=target_id).select_related("member").first()
    if target is None:
        raise Http404
    return _phone(target)


def is_verified(phone: Phone) -> bool:
    """Say whether the phone's member has verified its number."""
    marks = fingerprints(phone.number)
    own = Target.objects.filter(member=phone.member_id, kind__in=KINDS, fingerprint__in=marks)
    return own.filter(verified_at__isnull=False).exists()


def _phone(target: Target) -> Phone:
    return Phone(
        target.pk,
        target.address,
        target.shown,
        str(target.member),
        target.member_id,
        target.member.user_id,
    )
