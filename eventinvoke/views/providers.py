"""The providers' page, for administrators: what is wrong with their settings, the credit, the last errors, tests."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.checks import run_checks
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from common.clock import now
from common.errors import InputError
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.models.attempts import REFUSED, oldest_attempt_id
from eventinvoke.provider_check import CHECK, texts_url
from eventinvoke.providers.twilio import senders, statuses
from registration.membership import member_in
from registration.models import Job, Target
from registration.views.jobs import wait_for

SINCE: Final = timedelta(days=2)
_READ: Final = 500
"""Errors that are looked at, the latest; what is shown is one line for each sentence."""
_SHOWN: Final = 30
_View = Callable[[HttpRequest], HttpResponse]


@dataclass(slots=True)
class Trouble:
    """One sentence about errors of one channel."""

    kind: str
    reason: str
    last_at: datetime
    count: int = 1


def _for_staff(view: _View) -> Callable[[HttpRequest], HttpResponse]:
    @login_required
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not request.user.is_staff:
            raise Http404
        return view(request)

    return guarded


@_for_staff
@require_safe
def provider_list(request: HttpRequest) -> HttpResponse:
    """Show what is known without asking a provider, and what the last check found."""
    member = member_in(request)
    context = {
        "problems": run_checks(tags=["providers"], include_deployment_checks=True),
        "is_simulated": settings.IS_SIMULATED,
        "account": settings.TWILIO_ACCOUNT_SID,
        "senders": _senders(),
        "texts_url": texts_url(),
        "check": _last_check(),
        "troubles": last_troubles(),
        "targets": [one for one in _usable(member.pk) if one.contact.can_test],
    }
    return render(request, "eventinvoke/provider_list.html", context)


@_for_staff
@require_POST
def provider_check(request: HttpRequest) -> HttpResponse:
    """Have a worker ask Twilio for the credit and the webhooks of our numbers."""
    page = reverse("eventinvoke:provider-list")
    try:
        return wait_for(request, CHECK, page)
    except InputError as error:
        messages.warning(request, error.message)
        return redirect(page)


def _usable(member: int) -> "Iterable[Target]":
    return Target.objects.usable().filter(member=member).order_by("kind", "pk")


def _senders() -> list[tuple[str, list[tuple[str, senders.Sender]]]]:
    """Return the senders of calls and texts with their countries, as the settings name them."""
    found = []
    for name in ("TWILIO_FROM_NUMBER", "TWILIO_TEXT_FROM"):
        read = senders.read(getattr(settings, name))
        default = [] if read.default is None else [("", read.default)]
        if listed := [*default, *read.by_country.items()]:
            found.append((name, listed))
    return found


def _last_check() -> dict[str, Any] | None:
    """Return what the last check found, by whichever administrator; it is kept for 15 minutes."""
    done = Job.objects.kept(now()).filter(kind=CHECK, state=Job.State.DONE).order_by("-pk").first()
    if done is None:
        return None
    result: dict[str, Any] = json.loads(done.result)
    at = result.get("at")
    return result | {"at": datetime.fromisoformat(at) if at else done.created_at}


def last_troubles() -> list[Trouble]:
    """Return what providers refused or could not bring in the last two days, the latest sentence first."""
    found: dict[tuple[str, str], Trouble] = {}
    for kind, reason, at in [*_refused(), *_undelivered()]:
        known = found.get((kind, reason))
        if known is None:
            found[kind, reason] = Trouble(kind, reason, at)
        else:
            known.count += 1
            known.last_at = max(known.last_at, at)
    return sorted(found.values(), key=lambda one: one.last_at, reverse=True)[:_SHOWN]


def _refused() -> Iterator[tuple[str, str, datetime]]:
    rows = Attempt.objects.filter(pk__gte=oldest_attempt_id(now() - SINCE), outcome__in=REFUSED)
    for outcome, reason, kind, at in rows.order_by("-pk").values_list(
        "outcome", "reason", "delivery__kind", "started_at"
    )[:_READ]:
        yield kind, reason or f"No reason was given ({outcome}).", at


def _undelivered() -> Iterator[tuple[str, str, datetime]]:
    """Yield what was taken and did not arrive; a person who does not pick up is no error of a provider."""
    failed = statuses.CALLS["failed"].reason
    rows = Delivery.objects.filter(state=State.UNDELIVERED, settled_at__gt=now() - SINCE).filter(
        Q(kind="sms") | Q(kind="voice", reason=failed)
    )
    for kind, reason, at in rows.order_by("-settled_at").values_list("kind", "reason", "settled_at")[:_READ]:
        if at is not None:
            yield kind, reason, at
