"""The page that waits for a job."""

from datetime import timedelta
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.clock import now
from registration import jobs
from registration.membership import member_in
from registration.models import Job

_LATE: Final = timedelta(seconds=20)
"""A job that no worker has begun by then has none."""


def wait_for(request: HttpRequest, kind: str, back: str, **given: object) -> HttpResponse:
    """Start a job and lead to the page that waits for it; ``back`` gets ``job=`` when it is done.

    Raises ``InputError`` where too many of the member's are not done yet.
    """
    job = jobs.start(member_in(request), kind, back, **given)
    return redirect("registration:job-wait", job.pk)


@login_required
@never_cache
@require_safe
def job_wait(request: HttpRequest, pk: int) -> HttpResponse:
    """Wait for a job of the member, then lead on. It asks again by htmx, or else by a refresh."""
    job = get_object_or_404(Job.objects.kept(now()), pk=pk, member=member_in(request))
    if job.state == Job.State.DONE:
        to = f"{job.back}{'&' if '?' in job.back else '?'}job={job.pk}"
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": to})
        return redirect(to)
    instant = now()
    given = {
        "job": job,
        "is_late": job.state == Job.State.WAITING and job.created_at < instant - _LATE,
        "is_lost": job.started_at is not None and job.started_at < instant - jobs.DEAD,
    }
    return render(request, "registration/job_wait.html", given)
