"""Jobs: work that waits for servers outside, done by a worker while a page waits for it.

``start`` stores a job and ``registration:job-wait`` is the page that waits. Once a second the wake-up starts
``run_waiting`` in the queue ``slow`` where a job waits. What an app can do is registered by ``work``.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest

from common.clock import now
from common.errors import InputError, ProviderError
from common.requests import row_key
from registration.models import Job, Member
from registration.models.jobs import LIFETIME

log = logging.getLogger(__name__)

Result = dict[str, Any]
Work = Callable[[Member, Mapping[str, Any]], Result]
A_MEMBER: Final = 3
"""So many unfinished jobs of one member at once."""
AT_ONCE: Final = 2
"""So many of a kind are carried out at once, and of a member one: servers that never answer leave workers to calendars
and mail, and a member whose servers they are leaves the others' codes and tests alone."""
_LOOKED_AT: Final = 8
"""So many that wait are tried before other workers are thought to do all of them."""
DEAD: Final = timedelta(minutes=2)
"""A job that has run for longer has lost its worker; more than the longest work may take."""
_WORK: Final[dict[str, Work]] = {}


def work(kind: str) -> Callable[[Work], Work]:
    """Register a function as the work of a kind of job.

    It gets the member and what ``start`` was given, and returns what JSON can hold. The message of an
    ``InputError`` or ``ProviderError`` becomes the result's ``problem``.
    """

    def register(function: Work) -> Work:
        _WORK[kind] = function
        return function

    return register


def start(member: Member, kind: str, back: str, **given: Any) -> Job:
    """Store a job, to be done by the next worker.

    Raises ``InputError`` where too many of the member's are not done yet.
    """
    instant = now()
    own = Job.objects.kept(instant).filter(member=member)
    unfinished = own.exclude(state=Job.State.DONE).exclude(started_at__lte=instant - DEAD)
    if unfinished.count() >= A_MEMBER:
        raise InputError("Your earlier requests are still running. Try again in a minute.")
    return Job.objects.create(member=member, kind=kind, back=back, given=json.dumps(given))


def result_for(request: HttpRequest, member: Member, *kinds: str) -> Result | None:
    """Return the result that the page's ``?job=`` names: of this member and of these kinds; None without one."""
    key = row_key(request.GET.get("job", ""))
    kept = Job.objects.kept(now()).filter(member=member, kind__in=kinds, state=Job.State.DONE)
    job = kept.filter(pk=key).first()
    return None if job is None else json.loads(job.result)


def has_work() -> bool:
    """Say whether a job waits for a worker, or is so old that it has to be deleted."""
    return Job.objects.filter(Q(state=Job.State.WAITING) | Q(created_at__lte=now() - LIFETIME)).exists()


def run_waiting() -> int:
    """Do the jobs that may be done now, the oldest first, and return how many.

    Old ones are deleted, with what they were given and what they found.
    """
    Job.objects.filter(created_at__lte=now() - LIFETIME).delete()
    count = 0
    while (job := _claim()) is not None:
        result = _done(job)
        Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, given="", result=json.dumps(result))
        count += 1
    return count


def _claim() -> Job | None:
    instant = now()
    jobs = Job.objects.kept(instant)
    running = list(
        jobs.filter(state=Job.State.RUNNING, started_at__gt=instant - DEAD).values_list("kind", "member")
    )
    kinds = Counter(kind for kind, _member in running)
    free = jobs.filter(state=Job.State.WAITING).exclude(member__in={member for _kind, member in running})
    free = free.exclude(kind__in=[kind for kind, count in kinds.items() if count >= AT_ONCE])
    for job in free.order_by("created_at", "pk")[:_LOOKED_AT]:
        waiting = Job.objects.filter(pk=job.pk, state=Job.State.WAITING)
        if waiting.update(state=Job.State.RUNNING, started_at=instant):
            return job
    return None


def _done(job: Job) -> Result:
    try:
        return _WORK[job.kind](job.member, json.loads(job.given))
    except InputError as error:
        return {"problem": error.message, "field": error.field}
    except ProviderError as error:
        return {"problem": str(error), "is_serious": True}
    except Exception:
        log.exception("a job of the kind %s failed", job.kind)
        return {
            "problem": "This failed because of an error in PFS Notice. The administrator finds it in the log."
        }
