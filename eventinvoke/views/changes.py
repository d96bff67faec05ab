"""What sources altered of events, in plain words: moved, renamed, canceled, on again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from common.clock import now
from eventinvoke.models import EventChange
from eventinvoke.views.scope import calendar_in, deliveries_in, is_for_all, open_to

PAGE: Final = 40
_MOST: Final = 25 * PAGE
KEPT: Final = timedelta(days=60)
"""So far back the page goes."""
_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    EventChange.Kind.CANCELED: ("ban", "red"),
    EventChange.Kind.REINSTATED: ("circle-check", "green"),
    EventChange.Kind.MOVED: ("calendar-time", "orange"),
    EventChange.Kind.RETITLED: ("edit", "azure"),
    EventChange.Kind.EDITED: ("edit", "secondary"),
}
_TEXTS: Final = {"title": "title", "location": "location"}
_LONG: Final = {"description": "The description", "url": "The link", "attendees": "The attendees"}


class Part(NamedTuple):
    """One thing that was altered: from what to what. Instants stay instants."""

    label: str
    before: str | datetime | date | None
    after: str | datetime | date | None
    is_instant: bool = False
    is_day: bool = False


class Line(NamedTuple):
    """One change as a page shows it."""

    change: EventChange
    icon: str
    colour: str
    parts: tuple[Part, ...]
    others: str
    """What changed besides, without its content: “The description and the link changed.”"""


def lines_of(changes: Iterable[EventChange]) -> list[Line]:
    """Say each change in plain words."""
    return [_line(change) for change in changes]


def _line(change: EventChange) -> Line:
    icon, colour = _LOOKS.get(change.kind, ("info-circle", "secondary"))
    before, after = _mapping(change.before), _mapping(change.after)
    parts = [*(_days if change.event.is_all_day else _times)(before, after)]
    for name, label in _TEXTS.items():
        if name in after and before.get(name) != after[name]:
            parts.append(Part(label, str(before.get(name) or ""), str(after[name] or "")))
    long = [label for name, label in _LONG.items() if name in after and before.get(name) != after[name]]
    return Line(change, icon, colour, tuple(parts), _join(long))


def _mapping(stored: Any) -> Mapping[str, Any]:
    return stored if isinstance(stored, dict) else {}


def _times(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Part]:
    starts = _instant(before.get("starts_at")), _instant(after.get("starts_at"))
    if starts[1] is not None and starts[0] != starts[1]:
        yield Part("time", *starts, is_instant=True)
        return
    ends = _instant(before.get("ends_at")), _instant(after.get("ends_at"))
    if ends[1] is not None and ends[0] != ends[1]:
        yield Part("end", *ends, is_instant=True)


def _days(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Part]:
    """Say on which day something lasts all day; it is the same in every zone."""
    old, new = _day(_instant(before.get("starts_at"))), _day(_instant(after.get("starts_at")))
    if new is not None and old != new:
        yield Part("time", old, new, is_day=True)


def _day(midnight: datetime | None) -> date | None:
    """Return the day that begins at an instant, somewhere: no zone is kept with it."""
    return (midnight.astimezone(UTC) + timedelta(hours=12)).date() if midnight else None


def _instant(stored: Any) -> datetime | None:
    """Return an instant as it was kept in JSON; None for what is none."""
    try:
        found = datetime.fromisoformat(stored)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _join(labels: list[str]) -> str:
    if not labels:
        return ""
    words = [labels[0], *(label[0].lower() + label[1:] for label in labels[1:])]
    return f"{words[0]} changed." if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]} changed."


def concerning(request: HttpRequest) -> "QuerySet[EventChange]":
    """Return the changes of events that the member is, or was, to be told of."""
    told = open_to(deliveries_in(request)).filter(event=OuterRef("event"))
    return EventChange.objects.filter(Exists(told))


class _Pages(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Pages of the latest changes; what is older than ``_MOST`` is not counted."""

    @cached_property
    def count(self) -> int:
        """How many there are, at most ``_MOST``."""
        return len(self.object_list.values_list("pk", flat=True)[:_MOST])  # type: ignore[attr-defined]


@login_required
@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """Show what changed of the events that the member is registered for, or of one ``calendar``."""
    calendar = calendar_in(request)
    if calendar is None:
        changes = concerning(request)
    else:
        changes = EventChange.objects.filter(event__source=calendar.source)
    changes = changes.filter(at__gt=now() - KEPT).select_related("event").order_by("-at", "-pk")
    page = _Pages(changes, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": lines_of(page.object_list),
        "calendar": calendar,
        "is_all": is_for_all(request),
    }
    return render(request, "eventinvoke/change_list.html", context)
