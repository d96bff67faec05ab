"""What a registration would find and tell, while it is typed, and what an edit would change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from common.clock import now
from eventinvoke.planning import preview
from eventinvoke.planning.event_row import AnyEvent
from eventinvoke.planning.matching import text_of
from eventinvoke.sending.text import body_for
from registration.access import editable_registrations_for
from registration.forms.standing import StandingForm
from registration.forms.steps import BaseStepFormSet, step_formset
from registration.membership import member_in
from registration.models import Registration, Step, User

SHOWN: Final = 20
CHANGES_SHOWN: Final = 6
_AROUND: Final = 40
"""So many characters of a long text are shown around what was found."""
_LIVE: Final = ("pattern", "exclude", "text")
"""Fields whose errors are shown while they are typed."""
_DIGITS: Final = 18


class Piece(NamedTuple):
    """A part of a text, and whether the pattern found it."""

    text: str
    is_found: bool


class Snippet(NamedTuple):
    """Where the pattern was found besides the title."""

    label: str
    pieces: list[Piece]


class Match(NamedTuple):
    """An event that is found, as a page shows it."""

    found: preview.Found
    title: list[Piece]
    snippets: list[Snippet]


class Changed(NamedTuple):
    """An event with the notices that an edit adds to it, or takes from it."""

    event: AnyEvent
    changes: list[preview.Change]


@dataclass(slots=True)
class _Typed:
    """What was typed: the stored registration, if there is one, the form and the plan."""

    stored: Registration | None
    form: StandingForm
    plan: BaseStepFormSet

    @property
    def problems(self) -> dict[str, ErrorList]:
        """The errors of the fields that are checked during typing; an empty pattern is none."""
        errors = {name: self.form[name].errors for name in _LIVE}
        if not self.form["pattern"].value():
            errors["pattern"] = ErrorList()
        return errors


@never_cache
@require_POST
def match_list(request: HttpRequest) -> HttpResponse:
    """Show what the registration that is typed would find; ``registration`` in the query is the one edited.

    While what it looks for can't be used, the errors are shown and the last preview stays.
    """
    user = request.user
    if not isinstance(user, User):
        return HttpResponse(status=403)
    typed = _typed(request, user)
    candidate = typed.form.candidate()
    context: dict[str, object] = {"problems": typed.problems, "shown": SHOWN}
    if candidate is None:
        context["is_blank"] = not typed.form["pattern"].value()
        response = render(request, "eventinvoke/match_list.html", context)
        if not context["is_blank"]:
            response["HX-Reswap"] = "none"
        return response
    is_told = candidate.action != Registration.Action.AWAY
    steps = typed.plan.steps_for(candidate) if is_told else []
    matched = preview.look(candidate)
    found = preview.preview(candidate, steps, SHOWN, matched)
    context |= {
        "preview": found,
        "candidate": candidate,
        "untold": _why_untold(candidate, steps),
        "matches": [_match(one) for one in found.found],
        "example": _example(found, candidate),
        "difference": _difference(typed.stored, candidate, steps, matched),
    }
    return render(request, "eventinvoke/match_list.html", context)


def _typed(request: HttpRequest, user: User) -> _Typed:
    key = request.GET.get("registration", "")
    stored = edited = None
    if key:
        pk = int(key) if key.isdecimal() and len(key) <= _DIGITS else 0
        mine = editable_registrations_for(user).select_related("member")
        # The form changes the one that it is given.
        stored, edited = get_object_or_404(mine, pk=pk), get_object_or_404(mine, pk=pk)
    member = member_in(request)
    form = StandingForm(request.POST, instance=edited, user=user, member=member)
    plan = step_formset(user, member, stored, request.POST)
    form.is_valid()
    plan.is_valid()
    return _Typed(stored, form, plan)


def _why_untold(candidate: Registration, steps: Sequence[Step]) -> str:
    """Say why a matching event would cause no notice."""
    if not candidate.is_in_force:
        return "no notice: the registration is off"
    return "too late for a notice" if steps else "no notice: the plan has no steps"


def _match(found: preview.Found) -> Match:
    marks: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, start, end in found.marks:
        marks[name].append((start, end))
    snippets = [
        Snippet(Registration.Field(name).label.capitalize(), _around(text_of(found.event, name), spans))
        for name, spans in marks.items()
        if name != Registration.Field.TITLE
    ]
    return Match(found, pieces(found.event.title, marks.get(Registration.Field.TITLE, ())), snippets)


def pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """Return a text in parts: what was found, and what lies between."""
    parts, at = [], 0
    for start, end in spans:
        parts += [Piece(text[at:start], is_found=False), Piece(text[start:end], is_found=True)]
        at = end
    return [part for part in (*parts, Piece(text[at:], is_found=False)) if part.text]


def _around(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """Return the first place that was found, with some of the text around it."""
    first, last = spans[0][0], spans[0][1]
    start, end = max(0, first - _AROUND), min(len(text), last + _AROUND)
    found = pieces(text[start:end], [(first - start, last - start)])
    before = [Piece("…", is_found=False)] if start else []
    return [*before, *found, *([Piece("…", is_found=False)] if end < len(text) else [])]


def _example(found: preview.Preview, registration: Registration) -> tuple[str, str] | None:
    """Return title and text of the first notice that would come, as it is read when it comes."""
    if not found.found or registration.action != Registration.Action.NOTIFY:
        return None
    event, _marks, told, _runs = found.found[0]
    at: datetime = told[0].at if told else now()
    return event.title, body_for(event, registration.member, registration.text, at)


def _difference(
    stored: Registration | None, candidate: Registration, steps: Sequence[Step], matched: preview.Matched
) -> dict[str, object] | None:
    if stored is None:
        return None
    found = preview.difference(stored, candidate, steps, matched)
    return {
        "counts": found,
        "added": _by_event(found.added),
        "removed": _by_event(found.removed),
    }


def _by_event(changes: Iterable[preview.Change]) -> list[Changed]:
    events: dict[int, Changed] = {}
    for change in changes:
        events.setdefault(change.event.pk, Changed(change.event, [])).changes.append(change)
    return list(events.values())[:CHANGES_SHOWN]
