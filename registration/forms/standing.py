"""Everything that matches: which events, what they bring about, and what the notice says."""

from typing import Any, Final

from django import forms
from django.db.models import Q, QuerySet

from common import patterns
from common.errors import InputError
from common.wording import FIELDS, check_template
from registration.access import calendars_for
from registration.forms.registrations import RegistrationForm
from registration.models import Calendar, Member, Registration, User
from registration.models.registrations import NINE, title_only

OTHER_SOURCES: Final = (("registration", "Dates registered one by one"), ("system", "Messages of the system"))
"""Sources that are no calendars, as a person reads them."""

_SEARCHED_BY: Final = frozenset({"member", "action", "calendar", "syntax", "pattern", "exclude", "searched"})


def sources_for(calendars: "QuerySet[Calendar]") -> list[tuple[str, str]]:
    """Return the sources whose notices can be held back: these calendars, and the other ones."""
    return [*((calendar.source, calendar.name) for calendar in calendars), *OTHER_SOURCES]


class StandingForm(RegistrationForm):
    """Everything in a calendar, or in all, of which a field fits a pattern."""

    kind = Registration.Kind.STANDING
    action = forms.ChoiceField(
        choices=Registration.Action.choices,
        initial=Registration.Action.NOTIFY,
        label="When one of them comes",
        widget=forms.RadioSelect,
    )
    calendar = forms.ModelChoiceField(
        queryset=Calendar.objects.none(), required=False, empty_label="All my calendars"
    )
    syntax = forms.ChoiceField(
        choices=[(s.value, s.label) for s in (Registration.Syntax.WORDS, Registration.Syntax.REGEX)],
        initial=Registration.Syntax.WORDS,
        label="Written as",
    )
    searched = forms.MultipleChoiceField(
        choices=[(f.value, f.label.capitalize()) for f in Registration.Field],
        initial=[Registration.Field.TITLE],
        label="Look in",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    muted_sources = forms.MultipleChoiceField(
        required=False,
        label="Hold back the notices of",
        help_text="None chosen: all of them. What is critical comes all the same, and the inbox stays open.",
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Registration
        fields = (
            "member",
            "action",
            "calendar",
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
            "pattern": "Look for",
            "exclude": "But not",
            "name": "Name",
            "text": "Text of the notice",
            "all_day_at": "Entries that last all day begin at",
            "skips_away": "Pass over whoever is away",
        }
        help_texts = {
            "pattern": (
                '<span class="for-words">All words have to be there, in any order; “words in quotes” stay '
                'together.</span> <span class="for-regex">For example <code>^Review|shift</code>: begins with '
                "“Review”, or has “shift” anywhere.</span> Upper and lower case are the same."
            ),
            "exclude": "What fits this is left out.",
            "name": "What it is called here. Empty: what you look for.",
            "text": "Empty: the time, the place and the description.",
            "all_day_at": "The plan counts from this hour, in your time zone.",
            "skips_away": "The next step of the plan comes at once. A calendar says who is away.",
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
        sources = self.fields["muted_sources"]
        if isinstance(sources, forms.MultipleChoiceField):
            sources.choices = self._sources(sources_for(calendars.order_by("name", "pk")))
        if self.instance.pk:
            self.initial["searched"] = self.instance.fields

    def _sources(self, offered: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Add what is chosen already and was removed since: none chosen would mean all of them."""
        gone = sorted({*map(str, self.instance.muted_sources)} - {source for source, _name in offered})
        return [*offered, *((source, "Something that is no longer there") for source in gone)]

    def clean_pattern(self) -> str:
        """Refuse what can't be searched for, and say what it lacks."""
        return self._check("pattern")

    def clean_exclude(self) -> str:
        """Refuse what can't be searched for, and say what it lacks."""
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
        """A calendar has to be one that the member who is told may see."""
        cleaned = super().clean() or self.cleaned_data
        calendar = cleaned.get("calendar")
        member = self._member()
        if calendar is not None and calendar.owner_id not in {None, member.pk}:
            self.add_error("calendar", f"{member} can't see this calendar.")
        return cleaned

    def _member(self) -> Member:
        chosen: Member | None = self.cleaned_data.get("member")
        if self.instance.pk:
            return chosen or self.instance.member
        return chosen or self._author

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
        """Whether anybody is told anything: who is only away is not."""
        return bool(self.cleaned_data.get("action") != Registration.Action.AWAY)

    @property
    def needs_plan(self) -> bool:
        """Whether that has to be said by at least one step: a summary goes to the inbox if none says where."""
        return bool(self.cleaned_data.get("action") == Registration.Action.NOTIFY)

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
