"""Claiming: taking due deliveries for this worker, so that no other sends them.

One short transaction a batch: lock what is due and free (SKIP LOCKED; SQLite lets one writer in at
a time anyway), look up events, targets and members once each, set aside what must not go out, mark
the rest SENDING under a lease and write an attempt for each. When a worker dies before the commit,
nothing happened; when it dies after it, the lease runs out and ``leases`` takes over. A delivery that can't be
composed fails by itself; a batch that can't be written is claimed one by one.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from common.channels import Channel, Preparing
from common.clock import now
from common.concerned import about
from common.db import bulk
from common.states import State
from eventinvoke.models import Attempt, Delivery, Prepared, Tally
from eventinvoke.models.attempts import new_attempt_ids
from eventinvoke.planning.obsolete import APART, ORIGINS
from eventinvoke.planning.wants import promote_shares
from eventinvoke.sending import limits
from eventinvoke.sending.aside import Aside
from eventinvoke.sending.compose import Claimed, Facts, Row, compose, facts_about
from eventinvoke.sending.due import due_rows, part
from eventinvoke.sending.set_aside import set_aside
from eventinvoke.sending.text import Texts

log = logging.getLogger(__name__)

_REASON = 300
_OF_NO_PLAN: Final = ORIGINS | APART
"""Origins of deliveries that go out though their registration was deleted: a change is told to all who were told."""


def claim(channel: Channel, limit: int) -> tuple[list[Claimed], bool]:
    """Take at most ``limit`` due deliveries of a channel, and say whether more may be due now."""
    most = min(limit, channel.capabilities.at_once or limit)
    try:
        return _claim(channel, part(channel.kind, most, now()))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("%s: a batch can't be claimed; its deliveries are claimed one by one", channel.kind)
        return _claim_singly(channel)


def _claim(channel: Channel, most: int) -> tuple[list[Claimed], bool]:
    instant = now()
    with transaction.atomic():
        free = limits.room(channel, most, instant)
        if not free:
            return [], False
        rows = due_rows(channel.kind, free, instant, is_locked=True)
        if not rows:
            return [], False
        facts = facts_about(rows)
        going = set_aside(channel, _with_plan(rows, facts), facts, instant)
        ready = Prepared.objects.take([row.pk for row in rows]) if isinstance(channel, Preparing) else {}
        claimed = _claimed(going, facts, ready, instant)
        _mark(claimed, instant)
        limits.spend(channel, len(claimed))
    return claimed, len(rows) == free == most


def _claim_singly(channel: Channel) -> tuple[list[Claimed], bool]:
    """Claim the first due delivery that can be claimed, and fail those before it that can't be."""
    while True:
        pk = next((row.pk for row in due_rows(channel.kind, 1, now())), None)
        try:
            return _claim(channel, 1)[0], True
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if pk is None:
                raise
            with about([pk]):
                log.exception("%s: delivery %s can't be claimed and has failed", channel.kind, pk)
            reason = f"It could not be sent: {type(error).__name__}."
            if not Delivery.objects.filter(pk=pk).move_to(State.FAILED, reason=reason, settled_at=now()):
                raise
            Tally.objects.note(channel.kind, {Tally.Topic.FAILED: 1})


def _with_plan(rows: Sequence[Row], facts: Facts) -> list[Row]:
    """Return the rows that a stored plan wants, or that are of no plan.

    Where the first plan was deleted, the next one that shares the delivery takes its place, and it is claimed again; where
    there is none, the delivery is canceled.
    """
    orphans = [
        row.pk
        for row in rows
        if row.registration_id not in facts.plans
        and (row.origin == Delivery.Origin.PLAN or row.registration_id is not None)
        and row.origin not in _OF_NO_PLAN
    ]
    if not orphans:
        return list(rows)
    promoted = promote_shares(orphans)
    gone = [pk for pk in orphans if pk not in promoted]
    Delivery.objects.filter(pk__any_of=gone).cancel("The registration was deleted.")
    return [row for row in rows if row.pk not in set(orphans)]


def _claimed(
    rows: Sequence[Row], facts: Facts, ready: Mapping[int, tuple[UUID, bytes]], instant: datetime
) -> list[Claimed]:
    """Compose the messages; a delivery of which none can be made fails."""
    texts = Texts(instant)
    claimed = []
    for row, new_id in zip(rows, new_attempt_ids(len(rows)), strict=True):
        attempt_id, prepared = (ready.get(row.pk) if row.attempts == 0 else None) or (new_id, b"")
        try:
            message = compose(row, attempt_id, facts, texts, instant, prepared=prepared)
        except Exception as error:
            with about([row.pk]):
                log.exception("delivery %s can't be composed and has failed", row.pk)
            aside = Aside(State.FAILED, f"It could not be composed: {type(error).__name__}."[:_REASON])
            aside.write([row], instant)
            continue
        claimed.append(Claimed(row.pk, row.target_id, attempt_id, row.attempts + 1, message, row.due_at))
    return claimed


def _mark(claimed: Sequence[Claimed], instant: datetime) -> None:
    lease = instant + timedelta(seconds=settings.NOTICE_LEASE_SECONDS)
    Delivery.objects.filter(pk__any_of=[one.delivery_id for one in claimed]).move_to(
        State.SENDING, lease_until=lease, attempts=F("attempts") + 1, reason=""
    )
    bulk.insert(
        Attempt,
        ("id", "delivery_id", "number", "starts_at"),
        [(one.attempt_id, one.delivery_id, one.number, one.message.starts_at) for one in claimed],
        started_at=instant, outcome="", provider_id="", reason="",
    )  # fmt: skip


def put_back(claims: Sequence[Claimed]) -> None:
    """Give back deliveries that were claimed and not tried: they are due at once, and no try is counted.

    While the database is away they are left to their leases.
    """
    if not claims:
        return
    try:
        with transaction.atomic():
            for one in claims:
                sending = Delivery.objects.filter(
                    pk=one.delivery_id, state=State.SENDING, attempts=one.number
                )
                if sending.update(state=State.PENDING, lease_until=None, attempts=F("attempts") - 1):
                    Attempt.objects.filter(pk=one.attempt_id).delete()
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block:
            raise
        with about(one.delivery_id for one in claims):
            log.warning("%s deliveries could not be given back: %s", len(claims), error)
