"""What was told: the history, page by page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.channels import registry
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.views.scope import deliveries_in, is_for_all

PAGE: Final = 40
SLACK: Final = timedelta(minutes=1)
"""What was sent was due, but for the clocks of machines."""
_OVER: Final = [state for state in State if state is not State.PENDING]
_SHOWN: Final = [state for state in _OVER if state is not State.CANCELED]


@login_required
@require_safe
def history_list(request: HttpRequest) -> HttpResponse:
    """Show the history, the latest first, by state and channel."""
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    states = [state] if state in _OVER else _SHOWN
    rows = deliveries_in(request).filter(state__in=states)
    if kind in registry():
        rows = rows.filter(kind=kind)
    if State.CANCELED not in states:  # only those may have been due later than now
        rows = rows.filter(due_at__lte=now() + SLACK)
    page, older = page_of(rows, request.GET.get("before", ""), by_age=not is_for_all(request))
    context = {
        "deliveries": page,
        "older": older,
        "state": state,
        "kind": kind,
        "states": _OVER,
        "kinds": list(registry()),
        "is_all": is_for_all(request),
        "is_later_page": bool(request.GET.get("before")),
    }
    return render(request, "eventinvoke/history_list.html", context)


def page_of(
    rows: "QuerySet[Delivery]", before: str, *, by_age: bool = True, size: int = PAGE
) -> tuple[Sequence[Delivery], str]:
    """Return a page of deliveries, the latest first, and the word that names the next one ("" at the end).

    The page begins after a row, not after a number of rows, so that the hundredth costs what the first
    does. ``by_age`` goes by the due time, which has an index for each member; else by the key. Two queries:
    the keys alone come from the index, whichever table a database would begin a join with.
    """
    instant, pk = _read(before)
    if by_age:
        rows = rows.order_by("-due_at", "-pk")
        if instant is not None:
            rows = rows.filter(Q(due_at__lt=instant) | Q(due_at=instant, pk__lt=pk), due_at__lte=instant)
    else:
        rows = rows.order_by("-pk")
        if pk:
            rows = rows.filter(pk__lt=pk)
    keys = list(rows.values_list("pk", flat=True)[: size + 1])
    page = read_in_order(keys[:size], "event", "target", "member", "registration")
    older = f"{page[-1].due_at.isoformat()}_{page[-1].pk}" if len(keys) > size else ""
    return page, older


def read_in_order(keys: Sequence[int], *related: str) -> list[Delivery]:
    """Return deliveries in the order of their keys, with what they refer to."""
    found = Delivery.objects.select_related(*related).in_bulk(keys)
    return [found[key] for key in keys if key in found]


def _read(before: str) -> tuple[datetime | None, int]:
    text, _line, key = before.partition("_")
    try:
        instant = datetime.fromisoformat(text)
        pk = int(key)
        is_good = instant.tzinfo is not None and 0 < pk < 2**63
        return (instant.astimezone(UTC), pk) if is_good else (None, 0)
    except (ValueError, OverflowError):
        return None, 0
