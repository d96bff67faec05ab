"""The Celery tasks: a few lines each, the work is elsewhere."""

from celery import shared_task
from django.conf import settings

from common.channels import get
from common.clock import now
from eventinvoke.planning.replan import follow_changes
from eventinvoke.retention import prune
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.leases import recover_leases, take_back
from eventinvoke.sending.prepare import drop_stale, prepare, worth_preparing
from eventinvoke.sending.wake import AHEAD, due_soon


@shared_task(name="eventinvoke.tasks.wake")
def wake() -> None:
    """Start what is due within a second, then plan and sum up what changed, and start what that made due."""
    _start_due()
    if follow_changes() + summarise_due():
        _start_due()
    for kind in worth_preparing():
        for _worker in range(settings.NOTICE_PARALLEL):
            queue = get(kind).capabilities.queue
            prepare_ahead.apply_async((kind,), expires=AHEAD.total_seconds(), queue=str(queue))


def _start_due() -> None:
    """Start as many senders as there are batches due before the next wake-up."""
    for due in due_soon():
        wait = max(0.0, (due.at - now()).total_seconds())
        for _batch in range(due.batches):
            _start(due.kind, wait)


def _start(kind: str, wait: float = 0.0) -> None:
    """Have a worker send what is due of one kind, after so many seconds.

    A task that nobody took within a second is dropped: the next wake-up starts another.
    """
    queue = get(kind).capabilities.queue
    fire_due.apply_async((kind,), countdown=wait, expires=wait + AHEAD.total_seconds(), queue=str(queue))


@shared_task(name="eventinvoke.tasks.fire_due")
def fire_due(kind: str) -> None:
    """Send what is due of one kind; when there is more than fits its time, line up again behind others."""
    if fire(kind).has_more:
        _start(kind)


@shared_task(name="eventinvoke.tasks.prepare_ahead")
def prepare_ahead(kind: str) -> None:
    """Prepare what is due soon of one kind, for half a second at most."""
    prepare(kind)


@shared_task(name="eventinvoke.tasks.tend")
def tend() -> None:
    """Take up what nobody came back to, take back what nobody wants any more, drop what is stale."""
    recover_leases()
    take_back()
    drop_stale()


@shared_task(name="eventinvoke.tasks.prune_old")
def prune_old() -> None:
    """Delete what is too old; where there is more than fits the time, line up again behind others."""
    done = prune(seconds=settings.NOTICE_PRUNE_SECONDS)
    if done.has_more and done.counts.total():
        prune_old.apply_async(queue="slow")
