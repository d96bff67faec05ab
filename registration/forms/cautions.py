"""What a registration is asked about before it is stored: it is allowed, and probably not meant."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from django.conf import settings
from django.utils.module_loading import import_string

from common import patterns
from common.texts import isolated
from registration.models import Calendar, Member, Registration, Step, Target

_FIELDS: Final = {"pattern": "search terms", "exclude": "terms to exclude"}


class Caution(NamedTuple):
    """A question; it isn't asked again once it was answered by "Save anyway"."""

    key: str
    text: str


def of_plan(member: Member, steps: Iterable[Step]) -> Iterator[Caution]:
    """Ask where no step of a plan reaches the member that the registration is for."""
    reached = {step.target.member for step in steps}
    if reached and member not in reached:
        names = ", ".join(sorted(str(one) for one in reached))
        yield Caution("plan", f"No step of the plan reaches {member}. The notices go to {names}.")


def of_what_has_begun(registration: Registration, steps: Iterable[Step]) -> Iterator[Caution]:
    """Ask where storing a registration sends notices at once about events that have begun."""
    find: Callable[[Registration, Iterable[Step]], list[tuple[str, Target]]] = import_string(
        settings.NOTICE_FINDS_BEGUN
    )
    found = find(registration, steps)
    if found:
        titles = list(dict.fromkeys(isolated(title) for title, _target in found))
        more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
        ways = ", ".join(dict.fromkeys(str(target) for _title, target in found))
        has = "have" if more else "has"
        yield Caution("begun", f"“{titles[0]}”{more} {has} begun. Saving sends notices at once: {ways}.")


def of_search(registration: Registration) -> Iterator[Caution]:
    """Ask where there is no calendar to search, and where search terms mean something else than they look like."""
    if not registration.named_source and not _has_calendar(registration.member):
        yield Caution(
            "calendar", f"{registration.member} has no calendar yet. No event matches until one is added."
        )
    if registration.syntax != patterns.WORDS:
        return
    for name, words in _FIELDS.items():
        text = getattr(registration, name)
        if "*" in text:
            yield Caution(
                f"{name}-star",
                f"A “*” in the {words} stands for itself. To match every event, "
                "use the regular expression “.”; parts of words match without a “*”.",
            )
        if patterns.has_open_quote(text):
            yield Caution(
                f"{name}-quote",
                f"A quotation mark in the {words} isn't closed. "
                "What follows it matches only if it appears just like that.",
            )


def _has_calendar(member: Member) -> bool:
    return Calendar.objects.visible_to(member).active().exists()
