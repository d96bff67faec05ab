"""Preparing: what can be made ready of notices in the seconds before their time.

To encrypt a push takes longer than all else that is done for it. Where hundreds are due at one
instant, they are encrypted ahead, and at the instant itself only the sending is left. It is a cache
and nothing more: who is told, and whether, is decided when a delivery is claimed; what is not
prepared, or has changed since, the channel makes then.
"""

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Final

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef

from common.channels import Preparing, get, registry
from common.chunks import chunks
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Prepared
from eventinvoke.models.attempts import new_attempt_ids
from eventinvoke.sending.compose import Row, compose, facts_about
from eventinvoke.sending.due import SEVERITIES
from eventinvoke.sending.text import Texts
from eventinvoke.sending.wake import next_due

AHEAD: Final = timedelta(seconds=30)
"""So long before their time notices may be prepared."""
TOO_NEAR: Final = timedelta(seconds=1)
"""What is due so soon is left to its sender."""
WORTH: Final = 100
"""Fewer than this are encrypted at the instant: 10 ms are not noticed."""
SECONDS: Final = 0.5
"""How long one call prepares at most; a wake-up starts the next."""
_AT_ONCE: Final = 200
_LOOKED_AT: Final = 10_000


def worth_preparing() -> list[str]:
    """Return the kinds of which many are due soon that are not prepared."""
    kinds = [kind for kind, channel in registry().items() if isinstance(channel, Preparing)]
    return [kind for kind in kinds if _unprepared(kind)[:WORTH].count() == WORTH]


def prepare(kind: str, *, seconds: float = SECONDS) -> int:
    """Prepare what is due soon of one kind, and return how many that was.

    Ends early when something falls due: sending comes first. Any number of workers
    share the work. Raises ``KeyError`` for a kind that no channel serves.
    """
    channel = get(kind)
    if not isinstance(channel, Preparing):
        return 0
    until = monotonic() + seconds
    pks = list(_unprepared(kind).order_by("next_attempt_at").values_list("pk", flat=True)[:_LOOKED_AT])
    count = 0
    for some in chunks(pks, _AT_ONCE):
        if monotonic() > until or any(at <= now() for at in next_due().values()):
            break
        count += _prepare_batch(channel, kind, some)
    return count


def drop_stale() -> None:
    """Drop what was prepared of deliveries that are no longer due soon: canceled, moved, sent otherwise."""
    soon = Delivery.objects.pending().filter(next_attempt_at__lte=now() + AHEAD)
    Prepared.objects.exclude(delivery__in=soon).delete()


def _unprepared(kind: str) -> "models.QuerySet[Delivery]":
    instant = now()
    soon = Delivery.objects.filter(
        kind=kind,
        severity__in=SEVERITIES,  # or the index would be read through to the last delivery that is planned
        state=State.PENDING,
        attempts=0,
        next_attempt_at__gt=instant + TOO_NEAR,
        next_attempt_at__lte=instant + AHEAD,
    )
    return soon.filter(~Exists(Prepared.objects.filter(delivery=OuterRef("pk"))))


def _prepare_batch(channel: Preparing, kind: str, pks: Sequence[int]) -> int:
    """Prepare some deliveries, less those that another worker prepares or has prepared."""
    with transaction.atomic():
        left = _unprepared(kind).filter(pk__any_of=pks)
        if connection.features.has_select_for_update_skip_locked:
            left = left.select_for_update(skip_locked=True)
        found = [(Row(*columns), at) for *columns, at in left.values_list(*Row._fields, "next_attempt_at")]
        if not found:
            return 0
        facts = facts_about([row for row, _at in found])
        texts = {at: Texts(at) for _row, at in found}
        ready = []
        for (row, at), attempt_id in zip(found, new_attempt_ids(len(found)), strict=True):
            body = channel.prepare(compose(row, attempt_id, facts, texts[at], at))
            if body:
                ready.append(Prepared(delivery_id=row.pk, attempt_id=attempt_id, body=body))
        Prepared.objects.bulk_create(ready, ignore_conflicts=True)
    return len(ready)
