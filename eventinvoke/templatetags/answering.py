"""The buttons that answer a notice, the same on every page of the panel."""

from datetime import UTC, datetime
from typing import Any

from django import template

from eventinvoke.models import Delivery
from eventinvoke.views.told_start import snooze_choices

register = template.Library()


@register.filter
def instant(at: datetime) -> str:
    """Return an instant in ISO 8601, as a hidden field holds it."""
    return at.astimezone(UTC).isoformat()


@register.inclusion_tag("eventinvoke/answer_buttons.html", takes_context=True)
def answer_buttons(
    context: dict[str, Any],
    notice: Delivery,
    *,
    is_small: bool = True,
    swaps: str = "",
    how: str = "outerHTML",
) -> dict[str, Any]:
    """Show Snooze with its choices, and Acknowledge.

    ``swaps`` names the element that the answer replaces, and ``how``; without it the page is loaded again.
    """
    request = context["request"]
    return {
        "notice": notice,
        "choices": snooze_choices(notice),
        "size": "btn-sm" if is_small else "",
        "swaps": swaps,
        "how": how,
        "back": request.path,
        "csrf_token": context["csrf_token"],
    }
