"""Answers given on a page: they are about the start that the page showed, which its forms send back.

An event may move while a page is open. What is answered there then counts for the start that was shown, and
the person sees the new one before answering for it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils.translation import gettext, ngettext

from common.clock import now
from eventinvoke.models import Delivery, Event

FIELD: Final = "starts_at"
"""The hidden field: an instant in ISO 8601 with its offset."""
AT_START: Final = "start"
_SNOOZES: Final[Mapping[str, timedelta | None]] = {
    "5": timedelta(minutes=5),
    "10": timedelta(minutes=10),
    "30": timedelta(minutes=30),
    AT_START: None,
}
"""The values of ``after`` in a form; None is the event's start."""


def read_start(form: Mapping[str, str]) -> datetime | None:
    """Return the start that the page showed; None where the field is missing or holds no instant."""
    try:
        found = datetime.fromisoformat(form.get(FIELD, ""))
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def moved_since(event: Event, shown: datetime | None) -> bool:
    """Say whether an event, as it is stored now, takes place at another time than the page showed."""
    return shown is not None and event.canceled_at is None and event.starts_at != shown


def read_snooze(form: Mapping[str, str]) -> timedelta | None:
    """Return how long to snooze, None for "at the start"; 5 minutes where the form names no choice of ours."""
    return _SNOOZES.get(form.get("after", ""), _SNOOZES["5"])


def snooze_choices(delivery: Delivery) -> list[tuple[str, str]]:
    """Return the choices that a notice can still be snoozed by, as value and text in the active language."""
    instant, starts_at = now(), delivery.event.starts_at
    choices = []
    for value, after in _SNOOZES.items():
        at = starts_at if after is None else instant + after
        if instant < at < delivery.deadline_at:
            choices.append((value, _say(after)))
    return choices


def _say(after: timedelta | None) -> str:
    if after is None:
        return gettext("At the start")
    minutes = int(after.total_seconds() // 60)
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
