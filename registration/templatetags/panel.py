"""Tags of the panel: icons, times in the member's zone, states and channels in plain words."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.channels import Severity, contact_of, registry
from common.clock import now
from common.states import State

register = template.Library()

_NEAR: Final = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}


class Shown(NamedTuple):
    """How something is shown: a word, a colour of Tabler's, and an icon."""

    word: str
    colour: str
    icon: str


STATES: Final = {
    State.PENDING: Shown("scheduled", "azure", "clock"),
    State.SENDING: Shown("sending", "blue", "send"),
    State.SENT: Shown("sent", "blue", "check"),
    State.DELIVERED: Shown("delivered", "teal", "checks"),
    State.ACKNOWLEDGED: Shown("acknowledged", "green", "circle-check"),
    State.UNDELIVERED: Shown("not reached", "red", "phone-off"),
    State.SUPPRESSED: Shown("held back", "yellow", "volume-off"),
    State.CANCELED: Shown("canceled", "secondary", "ban"),
    State.EXPIRED: Shown("too late", "orange", "clock-off"),
    State.FAILED: Shown("failed", "red", "alert-triangle"),
}
SEVERITIES: Final = {
    Severity.WARNING: Shown("important", "orange", "alert-circle"),
    Severity.CRITICAL: Shown("critical", "red", "alert-triangle"),
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of static/icons.svg; it says nothing to a screen reader."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        extra,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def kind_icon(kind: str, extra: str = "") -> SafeString:
    """Draw the icon of a channel."""
    return icon(contact_of(kind).icon, extra)


@register.filter
def kind_label(kind: str) -> str:
    """Return a channel's name as people read it."""
    channel = registry().get(kind)
    return channel.label if channel else kind


def _badge(shown: Shown) -> SafeString:
    return format_html(
        '<span class="badge bg-{0}-lt text-{0}-lt-fg">{1} {2}</span>',
        shown.colour,
        icon(shown.icon),
        shown.word,
    )


@register.simple_tag
def state_badge(state: str) -> SafeString:
    """Show a delivery's state as a badge with a word."""
    return _badge(STATES[State(state)])


@register.filter
def item(mapping: Mapping[Any, Any], key: Any) -> Any:
    """Return what a mapping holds under a key, or None."""
    return mapping.get(key)


@register.filter
def state_word(state: str) -> str:
    """Return the word for a delivery's state."""
    return STATES[State(state)].word


@register.simple_tag
def severity_badge(severity: int) -> SafeString:
    """Show a severity as a badge; nothing for a normal one."""
    shown = SEVERITIES.get(severity)
    return _badge(shown) if shown else SafeString("")


@register.simple_tag
def when(instant: datetime | None, style: str = "day") -> SafeString:
    """Show an instant in the member's zone as a ``<time>``.

    ``day`` says the day and the time (``inline`` the same within a sentence), ``time`` the time alone,
    ``second`` the time with seconds, ``full`` everything.
    """
    if instant is None:
        return SafeString("")
    try:
        local = timezone.localtime(instant)
    except OverflowError:  # the last hours of the year 9999, which no other zone has
        return format_html("<time>{} UTC</time>", f"{instant:%Y-%m-%d %H:%M}")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{formats.date_format(local, 'l j F Y, H:i:s')} {local.tzname()}",
        _say(local, style),
    )


def _say(local: datetime, style: str) -> str:
    if style == "time":
        return f"{local:%H:%M}"
    if style == "second":
        return f"{local:%H:%M:%S}"
    if style == "full":
        return f"{formats.date_format(local, 'l j F Y, H:i')} {local.tzname()}"
    day = day_word(local)
    if style == "inline" and day in _NEAR.values():
        day = day.lower()
    return f"{day}, {local:%H:%M}"


@register.simple_tag
def when_near(instant: datetime, other: datetime) -> SafeString:
    """Show an instant within a sentence next to another one: the time alone where both are on one day."""
    is_same_day = timezone.localtime(instant).date() == timezone.localtime(other).date()
    return when(instant, "time" if is_same_day else "inline")


@register.filter
def day_word(instant: datetime | date) -> str:
    """Return “Today”, “Tomorrow”, “Yesterday” or the day: of an instant in the member's zone, or a date."""
    day = timezone.localtime(instant).date() if isinstance(instant, datetime) else instant
    today = timezone.localtime(now()).date()
    days = (day - today).days
    if days in _NEAR:
        return _NEAR[days]
    return formats.date_format(day, "D j M" if day.year == today.year else "D j M Y")


@register.simple_tag
def when_event(event: Any, style: str = "day") -> SafeString:
    """Say when an event starts; one that lasts all day is on the same day in every zone."""
    if not event.is_all_day:
        return when(event.starts_at, style)
    day = event.starts_on or event.starts_at
    word = day_word(day)
    if style == "inline" and word in _NEAR.values():
        word = word.lower()
    return format_html('<time datetime="{}">{}</time>, all day', f"{day:%Y-%m-%d}", word)


_SPANS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def say_span(span: timedelta) -> str:
    """Return a span in its largest unit, or in two: “10 minutes”, “1 minute 50 seconds”."""
    left = round(abs(span).total_seconds())
    words = []
    for name, size in _SPANS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(words[:2])


@register.filter
def offset_words(offset: timedelta) -> str:
    """Say when a step is carried out: “10 minutes before”, “2 minutes after”, “at the start”."""
    if not offset:
        return "at the start"
    return f"{say_span(offset)} {'before' if offset < timedelta(0) else 'after'}"


@register.simple_tag(takes_context=True)
def is_current(context: dict[str, Any], *prefixes: str) -> bool:
    """Say whether the page shown has one of these URL names (their beginnings)."""
    match = getattr(context.get("request"), "resolver_match", None)
    return bool(match and match.view_name and match.view_name.startswith(prefixes))
