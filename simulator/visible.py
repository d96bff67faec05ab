"""What of a phone's calls and messages a person sees: what was sent to the targets of one member.

A phone belongs to the member who verified its number first. Another member who added the number and has not verified
it sees nothing; one who has verified it too sees what was sent to the own target. A code is shown to the member
who asked for it, and to no other, also not to the staff.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

from common.clock import now
from common.errors import ForgedError
from common.process_ids import read
from eventinvoke.models import Attempt
from registration.access import Person
from registration.models import Target, Verification
from registration.models.targets import fingerprints
from simulator import provider_client
from simulator.phones import KINDS, Phone

_NO_CALL: Final = "none"
"""No call has this sid."""
_ON_ITS_WAY: Final = timedelta(minutes=1)
"""For so long the id of a code that was sent may not be stored yet."""
_RINGING: Final = frozenset({"answer", "decline", "voicemail"})

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Codes:
    """The codes that were sent to a number: the members who asked for them, by the provider's id."""

    members: Mapping[str, int]
    has_unknown: bool
    """One is on its way whose id is not known yet."""


def visible_state(user: Person, phone: Phone) -> State:
    """Return what the phone shows to a person.

    Raises ``ProviderError`` when the provider does not answer.
    """
    state = provider_client.show_phone(phone.number).data
    items = [*state["calls"], *state["messages"]]
    shown = _visible(user, phone, items)
    for name in ("calls", "messages"):
        state[name] = [_without_callback(item) for item in state[name] if item["sid"] in shown]
    return state


def call_to_act_on(state: State, action: str, sid: str) -> str:
    """Return the sid of the visible call that a person acts on: the one named, else the one that is in that state."""
    for call in state["calls"]:
        is_fitting = call["is_ringing"] if action in _RINGING else call["status"] == "in-progress"
        if call["sid"] == sid or (not sid and is_fitting):
            return str(call["sid"])
    return _NO_CALL


def _without_callback(item: Mapping[str, Any]) -> State:
    return {name: value for name, value in item.items() if name != "callback"}


def _visible(user: Person, phone: Phone, items: list[State]) -> set[str]:
    marks = fingerprints(phone.number)
    same = Target.objects.filter(kind__in=KINDS, fingerprint__in=marks).order_by("verified_at", "pk")
    verified = [target for target in same if target.verified_at is not None]
    is_first = bool(verified) and verified[0].member_id == phone.member_id
    if verified and phone.member_id not in {target.member_id for target in verified}:
        return set()
    sids = {item["sid"] for item in items}
    own = {target.pk for target in same if target.member_id == phone.member_id}
    tests = {target.test_provider_id: target.pk for target in same if target.test_provider_id in sids}
    told = _targets_told(items)
    codes = _codes(marks, sids)
    shown = set()
    for sid in sids:
        if sid in codes.members:
            is_shown = codes.members[sid] == phone.member_id and phone.user_id == user.pk
        elif (target := told.get(sid, tests.get(sid, 0))) != 0:
            is_shown = target in own
        else:  # sent by another program
            is_shown = is_first and not codes.has_unknown
        if is_shown:
            shown.add(sid)
    return shown


def _codes(marks: list[str], sids: set[str]) -> _Codes:
    sent = Verification.objects.filter(fingerprint__in=marks)
    return _Codes(
        dict(sent.filter(provider_id__in=sids).values_list("provider_id", "member_id")),
        sent.filter(provider_id="", sent_at__gt=now() - _ON_ITS_WAY).exists(),
    )


def _targets_told(items: list[State]) -> dict[str, int | None]:
    """Return to which target each notice went, by the provider's id: its callback names the try."""
    attempts = {
        item["sid"]: attempt for item in items if (attempt := _attempt_of(item["callback"])) is not None
    }
    rows = Attempt.objects.filter(pk__in=set(attempts.values())).values_list("pk", "delivery__target_id")
    targets = dict(rows)
    return {sid: targets.get(attempt) for sid, attempt in attempts.items()}


def _attempt_of(callback: str) -> Any:
    """Return the key of the try that a callback is about; None for one that is not ours."""
    try:
        return read(resolve(urlsplit(callback).path).kwargs.get("process_id", ""))
    except (Resolver404, ForgedError, ValueError):
        return None
