"""Events matching a search: which events, which action, and the text of the notice."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django import forms
from django.db.models import Q

from common import patterns, sources
from common.errors import InputError
from common.sources import Source
from common.texts import isolated
from common.wording import FIELDS, check_template
from registration.access import calendars_for
from registration.amounts import check_pending
from registration.forms import cautions
from registration.forms.registrations import RegistrationForm
from registration.models import Calendar, Registration, Step, User
from registration.models.registrations import NINE, title_only
from registration.sources import CALENDAR

_SEARCHED_BY: Final = frozenset(
    {"member", "action", "calendar", "source", "syntax", "pattern", "exclude", "searched"}
)
_GONE: Final = "No longer available"


def _choices(
    offered: Iterable[Source], chosen: Iterable[object], member: int | None
) -> list[tuple[str, str]]:
    """Return sources as the choices of a field, and those that were chosen and are no longer offered."""
    names = {one.name: one.label for one in offered}
    if others := sorted({*map(str, chosen)} - names.keys()):
        seen = {None, member}
        known = {one.name: one.label for one in sources.look_up(others).values() if one.owner in seen}
        names |= {name: known.get(name, _GONE) for name in others}
    return [(name, isolated(label)) for name, label in names.items()]


class StandingForm(RegistrationForm):
    """The events of one calendar, or of all, of which a field matches the search terms."""

    kind = Registration.Kind.STANDING
    action = forms.ChoiceField(
        choices=Registration.Action.choices,
        initial=Registration.Action.NOTIFY,
        label="When an event matches",
        widget=forms.RadioSelect,
    )
    calendar = forms.ModelChoiceField(
        queryset=Calendar.objects.none(), required=False, empty_label="All my calendars"
    )
    source = forms.ChoiceField(
        required=False, label="Or another source", help_text="In place of the calendars."
    )
    syntax = forms.ChoiceField(
        choices=[(s.value, s.label) for s in (Registration.Syntax.WORDS, Registration.Syntax.REGEX)],
        initial=Registration.Syntax.WORDS,
        label="Match using",
    )
    searched = forms.MultipleChoiceField(
        choices=[(f.value, f.label.capitalize()) for f in Registration.Field],
        initial=[Registration.Field.TITLE],
        label="Search in",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    muted_sources = forms.MultipleChoiceField(
        required=False,
        label="Mute notices from",
        help_text="None chosen: all. Critical notices and the inbox are never muted.",
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Registration
        fields = (
            "member",
            "action",
            "calendar",
            "source",
            "syntax",
            "pattern",
            "exclude",
            "name",
            "text",
            "all_day_at",
            "skips_away",
            "muted_sources",
        )
        labels = {
            "pattern": "Search terms",
            "exclude": "Exclude",
            "name": "Name",
            "text": "Text of the notice",
            "all_day_at": "All-day events start at",
            "skips_away": "Skip members who are away",
        }
        help_texts = {
            "pattern": (
                '<span class="for-words">All words, in any order; “words in quotes” stay '
                'together.</span> <span class="for-regex">For example <code>^Review|shift</code>: starts with '
                "“Review”, or contains “shift”.</span> Not case-sensitive."
            ),
            "exclude": "Events that match this are left out.",
            "name": "Empty: the search terms.",
            "text": "Empty: time, location and description.",
            "all_day_at": "The plan counts from this time, in your time zone.",
            "skips_away": "Their next step in the plan is sent at once. A registration with the action “I am away” says when.",
        }
        widgets = {
            "pattern": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "exclude": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "text": forms.Textarea(attrs={"rows": 3}),
            "all_day_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.fields["pattern"].required = True
        self.fields["name"].required = False
        calendars = calendars_for(user).defer("content", "url", "user_name", "password")
        field = self.fields["calendar"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = calendars.filter(Q(is_active=True) | Q(pk=self.instance.calendar_id))
        self._offer_sources(None if user.is_staff else self._author.pk)
        if self.instance.pk:
            self.initial["searched"] = self.instance.fields

    def _offer_sources(self, member: int | None) -> None:
        muted, named = self.fields["muted_sources"], self.fields["source"]
        # What is chosen and was removed since is offered too: without it, none chosen would mean all of them.
        if isinstance(muted, forms.MultipleChoiceField):
            muted.choices = _choices(sources.offered(member), self.instance.muted_sources, member)
        chosen = filter(None, [self.instance.source])
        choices = _choices(sources.nameable(member, apart_from=CALENDAR), chosen, member)
        if not choices:
            del self.fields["source"]
        elif isinstance(named, forms.ChoiceField):
            named.choices = [("", "—"), *choices]

    def clean_pattern(self) -> str:
        """Refuse search terms that can't be used, and say why."""
        return self._check("pattern")

    def clean_exclude(self) -> str:
        """Refuse search terms that can't be used, and say why."""
        return self._check("exclude") if self.cleaned_data["exclude"] else ""

    def _check(self, name: str) -> str:
        try:
            return patterns.check(self.cleaned_data[name], self.cleaned_data.get("syntax", ""), name)
        except InputError as error:
            raise forms.ValidationError(error.message) from None

    def clean_text(self) -> str:
        """Refuse fields that there are not, and braces that are not closed."""
        try:
            return check_template(self.cleaned_data["text"])
        except InputError as error:
            raise forms.ValidationError(error.message) from None

    def clean(self) -> dict[str, Any]:
        """The calendar or the other source has to be one that the member who is told may see."""
        cleaned = super().clean() or self.cleaned_data
        calendar, source = cleaned.get("calendar"), cleaned.get("source", "")
        member = self._member()
        if calendar is not None and calendar.owner_id not in {None, member.pk}:
            self.add_error("calendar", f"{member} can't see this calendar.")
        if source and calendar is not None:
            self.add_error("source", "Choose a calendar or another source, not both.")
        elif source and source != self.instance.source and not sources.may_see(source, member.pk):
            self.add_error("source", f"{member} can't see this source.")
        return cleaned

    def _find_cautions(self, steps: list[Step]) -> Iterator[cautions.Caution]:
        self._completed()
        yield from cautions.of_search(self.instance)
        yield from super()._find_cautions(steps)

    @property
    def text_fields(self) -> dict[str, str]:
        """The fields that the text may hold, and what each is."""
        return FIELDS

    @property
    def is_refined(self) -> bool:
        """Whether there is something to see among what is rarely used of the pattern."""
        names = ("exclude", "name", "searched")
        one = self.instance
        return any(name in self.errors for name in names) or bool(
            one.pk and (one.exclude or one.fields != title_only() or one.name != one.pattern)
        )

    @property
    def is_worded(self) -> bool:
        """Whether there is something to see among what is rarely used of the notice."""
        one = self.instance
        return any(name in self.errors for name in ("text", "all_day_at", "skips_away")) or bool(
            one.text or one.skips_away or one.all_day_at != NINE
        )

    @property
    def has_plan(self) -> bool:
        """Whether the registration has a plan: an absence has none."""
        return bool(self.cleaned_data.get("action") != Registration.Action.AWAY)

    @property
    def needs_plan(self) -> bool:
        """Whether the plan needs at least one step: without one a digest goes to the inbox."""
        return bool(self.cleaned_data.get("action") == Registration.Action.NOTIFY)

    def refuse_too_many(self, steps: Iterable[Step]) -> bool:
        """Count what would wait, and add an error where a member may not have so much."""
        try:
            check_pending(self._completed(), steps)
        except InputError as error:
            self.add_error(None, error.message)
            return True
        return False

    def candidate(self) -> Registration | None:
        """Return the registration as it is typed so far, not stored; None while that can't be searched for."""
        if not self.is_bound or self.errors.keys() & _SEARCHED_BY:
            return None
        return self._completed()

    def _completed(self) -> Registration:
        registration: Registration = self.instance
        registration.kind = self.kind
        registration.member = self._member()
        registration.fields = self.cleaned_data["searched"]
        if registration.action != Registration.Action.MUTE:
            registration.muted_sources = []
        return registration

    def prepare(self) -> Registration:
        """Name it after its pattern where it got no name."""
        registration = super().prepare()
        registration.name = (registration.name or registration.pattern)[:150]
        return self._completed()
