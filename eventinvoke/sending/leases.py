"""Leases: deliveries that no worker came back to.

A delivery that is being sent has a lease, and one that a provider accepted and should report about
has one too. When it runs out:

- SENDING, and a second message replaces the first: it is sent again;
- SENDING, and it must not ring twice: the provider is asked what it did, and as long as the
  provider does not know, nothing is sent;
- SENT: the provider is asked what became of it, since its callbacks did not come.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from common.channels import Channel, Message, Outcome, Resend, SendResult, registry
from common.clock import now
from common.concerned import about
from common.states import State
from eventinvoke.models import Attempt, Delivery, Tally
from eventinvoke.models.deliveries import report_until
from eventinvoke.planning.escalation import Cause, Miss, bring_forward
from eventinvoke.planning.obsolete import unwanted
from eventinvoke.planning.planner import plan_events
from eventinvoke.sending.compose import Claimed, Row, composed_again
from eventinvoke.sending.record import Result, record
from registration.models import Target
from registration.models.targets import fingerprints

log = logging.getLogger(__name__)

AT_ONCE: Final = 200
LOOKED_AT: Final = 10_000
"""How many messages that wait at a provider are looked through; each time those of the oldest lease."""
ASKING: Final = timedelta(seconds=30)
"""The lease under which a provider is asked, so that no other worker asks at the same time."""
_NEVER_KNOWN: Final = "The provider could not say whether it took it."
_NO_RECEIPT: Final = "No receipt came: no browser has shown it."
GIVE_UP: Final = timedelta(days=1)
"""A provider that does not know for so long what became of a message never will."""


def recover_leases() -> int:
    """Take up deliveries whose lease ran out, and return how many those were."""
    return sum(_safely(_recover, channel) for channel in registry().values())


def _safely(work: Callable[[Channel], int], channel: Channel) -> int:
    """Do a channel's share. A defect of one channel does not hold up the others."""
    try:
        return work(channel)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the next look comes back
    except Exception:
        log.exception("%s: its deliveries could not be looked after", channel.kind)
        return 0


def _recover(channel: Channel) -> int:
    count = 0
    for state, take_up in ((State.SENDING, _take_up_sending), (State.SENT, _take_up_sent)):
        claims = _take(channel, state)
        if claims:
            with about(one.delivery_id for one in claims):
                log.warning(
                    "%s: no worker came back to %s deliveries that are %s", channel.kind, len(claims), state
                )
            take_up(channel, claims)
        count += len(claims)
    return count


def _take(channel: Channel, state: State) -> list[Claimed]:
    instant = now()
    with transaction.atomic():
        late = Delivery.objects.filter(state=state, kind=channel.kind, lease_until__lt=instant)
        if connection.features.has_select_for_update_skip_locked:
            late = late.select_for_update(skip_locked=True)
        pks = list(late.order_by("lease_until").values_list("pk", flat=True)[:AT_ONCE])
        Delivery.objects.filter(pk__in=pks).update(lease_until=instant + ASKING)
    if not pks:
        return []
    rows = Delivery.objects.filter(pk__in=pks, state=state).values_list(*Row._fields)
    return composed_again([Row(*row) for row in rows], _latest_attempts(pks).values())


def _latest_attempts(pks: Sequence[int]) -> dict[int, Attempt]:
    """Return the latest attempt of each delivery."""
    attempts = Attempt.objects.filter(delivery__in=pks).order_by("number")
    return {attempt.delivery_id: attempt for attempt in attempts}


def _take_up_sending(channel: Channel, claims: Sequence[Claimed]) -> None:
    if channel.capabilities.resend == Resend.AGAIN:
        reason = "The worker that sent it did not come back; it is sent again."
        record(channel, [(one, SendResult(one.message, Outcome.RETRY, reason=reason)) for one in claims])
    else:
        record(channel, [_given_up(*one) for one in _ask(channel, claims)])


def _given_up(claimed: Claimed, result: SendResult) -> Result:
    """Return what the provider said; that it failed, if the provider has not known for too long."""
    began = claimed.message.started_at
    if result.outcome != Outcome.UNKNOWN or began is None or began > now() - GIVE_UP:
        return claimed, result
    return claimed, result._replace(outcome=Outcome.REJECTED, reason=_NEVER_KNOWN)


def _take_up_sent(channel: Channel, claims: Sequence[Claimed]) -> None:
    instant = now()
    if channel.capabilities.resend == Resend.AGAIN:
        for one in claims:
            _miss(channel, one, _NO_RECEIPT, Cause.NO_ANSWER)
        return
    waiting: list[Claimed] = []
    for claimed, result in _ask(channel, claims):
        if result.outcome == Outcome.DELIVERED:
            sent = Delivery.objects.filter(pk=claimed.delivery_id, state=State.SENT)
            reached = sent.move_to(State.DELIVERED, delivered_at=instant, lease_until=None)
            Tally.objects.note(channel.kind, {Tally.Topic.REACHED: reached})
        elif result.outcome == Outcome.UNDELIVERED and not result.may_redial:
            _miss(channel, claimed, result.reason, Cause.FAILED)
        elif result.outcome in {Outcome.UNDELIVERED, Outcome.REJECTED, Outcome.GONE, Outcome.RETRY}:
            reason = result.reason or "The provider knows nothing of it."
            _miss(channel, claimed, reason, Cause.NO_ANSWER)
        else:
            waiting.append(claimed)
    _wait_on(waiting, instant)


def _miss(channel: Channel, claimed: Claimed, reason: str, cause: Cause) -> None:
    sent = Delivery.objects.filter(pk=claimed.delivery_id, state=State.SENT)
    if sent.move_to(State.UNDELIVERED, reason=reason[:300], lease_until=None, settled_at=now()):
        Tally.objects.note(channel.kind, {Tally.Topic.UNDELIVERED: 1})
        bring_forward([Miss(claimed.delivery_id, cause)])


def _wait_on(claims: Iterable[Claimed], instant: datetime) -> None:
    pks = [one.delivery_id for one in claims]
    sent = Delivery.objects.filter(pk__in=pks, state=State.SENT)
    sent.filter(sent_at__lt=instant - GIVE_UP).update(lease_until=None)
    sent.filter(sent_at__gte=instant - GIVE_UP).update(lease_until=report_until(instant))


def _ask(channel: Channel, claims: Sequence[Claimed]) -> list[Result]:
    by_process = {one.message.process_id: one for one in claims}
    known = _known_ids(channel, [one.message for one in claims if not one.message.provider_id])
    answers = channel.ask([one.message._replace(known_ids=known) for one in claims])
    return [(by_process[result.message.process_id], result) for result in answers]


def _known_ids(channel: Channel, messages: Sequence[Message]) -> frozenset[str]:
    """Return the provider's ids that are known to be of other tries to the same addresses lately.

    Two calls to one number within seconds look the same to the provider; this tells them apart.
    """
    if not messages:
        return frozenset()
    members = Target.objects.filter(
        kind=channel.kind,
        fingerprint__in={mark for message in messages for mark in fingerprints(message.address)},
    ).values("member")
    attempts = Attempt.objects.filter(
        delivery__member__in=members,
        delivery__kind=channel.kind,
        delivery__due_at__gte=now() - GIVE_UP,
    )
    return frozenset(attempts.exclude(provider_id="").values_list("provider_id", flat=True))


def take_back() -> int:
    """Cancel at the provider what it accepted and no plan wants any more; return how many.

    That is a call that waits in the provider's queue while its event was canceled, moved or is over,
    while its registration was deleted or declined, or while a member acknowledged. Another registration
    may want the same call, so its event is planned again.
    """
    able = [channel for channel in registry().values() if channel.capabilities.can_cancel]
    return sum(_safely(_take_back, channel) for channel in able)


def _take_back(channel: Channel) -> int:
    taken: list[int] = []
    attempts = _latest_attempts(_unwanted(channel, now()))
    by_provider_id = {one.provider_id: pk for pk, one in attempts.items() if one.provider_id}
    for provider_id in channel.cancel(list(by_provider_id)):
        row = Delivery.objects.filter(pk=by_provider_id[provider_id])
        # It gives its place free: an event may come back to the time that it had.
        if row.move_to(
            State.CANCELED,
            slot=F("pk"),
            lease_until=None,
            settled_at=now(),
            reason="Canceled at the provider before it was carried out.",
        ):
            taken.append(by_provider_id[provider_id])
    if taken:
        events = Delivery.objects.filter(pk__in=taken).values_list("event_id", flat=True)
        plan_events(sorted(set(events)))
    return len(taken)


def _unwanted(channel: Channel, instant: datetime) -> list[int]:
    accepted = Delivery.objects.filter(kind=channel.kind, state=State.SENT, lease_until__isnull=False)
    rows = dict(accepted.order_by("lease_until").values_list("pk", "deadline_at")[:LOOKED_AT])
    found = {pk for pk, deadline_at in rows.items() if deadline_at <= instant}
    pks = list(rows)
    for start in range(0, len(pks), AT_ONCE):
        found.update(unwanted(pks[start : start + AT_ONCE]))
    return sorted(found)
