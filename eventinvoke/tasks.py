"""The Celery tasks: a few lines each, the work is elsewhere (``eventinvoke.sending.rounds``).

No message carries a time. A wake-up waits itself for what falls due before the next one, by the
database's clock, and starts the senders then.
"""

from datetime import datetime
from time import sleep
from typing import Final

from celery import shared_task
from django.conf import settings

from common.broker import offer
from common.channels import get
from common.clock import now
from common.queues import Queue
from common.spacing import Spacing
from eventinvoke.retention import prune
from eventinvoke.sending import prepare, rounds
from eventinvoke.sending.closing import close_in_browsers
from registration.jobs import has_work
from registration.tasks import run_jobs

WAKE_UPS: Final = Spacing(0.5)
"""A wake-up that comes sooner after another ends at once: each sees to the second that follows it."""
TENDINGS: Final = Spacing(2.5)


class _Workers:
    """Starts tasks: any worker carries them out."""

    def send(self, kind: str, batches: int) -> None:
        """Start so many senders."""
        offer(fire_due, kind, queue=_queue(kind), times=batches)

    def plan(self) -> None:
        """Start a planner: planning may take longer than until the next due time."""
        offer(plan, queue=str(Queue.URGENT))

    def prepare(self, kind: str) -> None:
        """Start a preparing task for each core."""
        offer(prepare_ahead, kind, queue=_queue(kind), times=settings.NOTICE_PARALLEL)

    def wait_until(self, instant: datetime) -> bool:
        """Wait in this thread."""
        sleep(max(0.0, (instant - now()).total_seconds()))
        return True


def _queue(kind: str) -> str:
    return str(get(kind).capabilities.queue)


@shared_task(name="eventinvoke.tasks.wake")
def wake() -> None:
    """Do a round: start what is due before the next wake-up, plan and prepare."""
    if WAKE_UPS.may_begin():
        if has_work():
            offer(run_jobs, queue=str(Queue.SLOW))
        rounds.do_round(_Workers())


@shared_task(name="eventinvoke.tasks.plan")
def plan() -> None:
    """Plan what changed, make the digests that are due, and start what that made due."""
    if rounds.plan_changes():
        rounds.start_due(_Workers())


@shared_task(name="eventinvoke.tasks.fire_due")
def fire_due(kind: str) -> None:
    """Send what is due of one kind; when there is more than fits its time, line up again behind others."""
    if rounds.send(kind).has_more:
        fire_due.apply_async((kind,), queue=_queue(kind))


@shared_task(name="eventinvoke.tasks.prepare_ahead")
def prepare_ahead(kind: str) -> None:
    """Prepare what is due soon of one kind, for half a second at most."""
    prepare.prepare(kind)


@shared_task(name="eventinvoke.tasks.close_notifications")
def close_notifications(delivery_ids: list[int]) -> None:
    """Close what browsers still show of deliveries that were answered elsewhere."""
    close_in_browsers(delivery_ids)


@shared_task(name="eventinvoke.tasks.tend")
def tend() -> None:
    """Look after what went wrong (``rounds.tend``)."""
    if TENDINGS.may_begin():
        rounds.tend()


@shared_task(name="eventinvoke.tasks.prune_old")
def prune_old() -> None:
    """Delete what is too old; where there is more than fits the time, line up again behind others."""
    done = prune(seconds=settings.NOTICE_PRUNE_SECONDS)
    if done.has_more and done.counts.total():
        offer(prune_old, queue=str(Queue.SLOW))
