"""What both kinds of registration have in common, and the form of a single event."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.core.validators import URLValidator
from django.db.models import F
from django.utils import timezone

from common.clock import now
from common.errors import InputError
from registration.access import members_of
from registration.amounts import check_registrations
from registration.forms import cautions
from registration.forms.base import FoldField, LocalTimeField, PanelForm, read_local
from registration.models import Member, Registration, Step, User

FAR: Final = timedelta(days=50 * 365)


class RegistrationForm(PanelForm, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """What both kinds have in common: for whom it is."""

    kind: Registration.Kind
    member = forms.ModelChoiceField(
        queryset=Member.objects.none(),
        label="For",
        help_text="The member who gets the notices, and may decline.",
    )

    def __init__(self, *args: Any, user: User, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._author = member
        self.cautions: list[cautions.Caution] = []
        """What the person is asked before it is stored."""
        if not user.is_staff:
            del self.fields["member"]
            return
        field = self.fields["member"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = members_of(user).filter(user__is_active=True)
            field.initial = field.initial or member.pk

    def clean(self) -> dict[str, Any]:
        """Refuse a new one where the member has as many as allowed."""
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk is None:
            try:
                check_registrations(self._member())
            except InputError as error:
                self.add_error(None, error.message)
        return cleaned

    def refuse_too_many(self, steps: Iterable[Step]) -> bool:
        """Say whether so many notices would wait with these steps that it is refused; the error is added."""
        del steps
        return False

    def must_ask(self, steps: Iterable[Step]) -> bool:
        """Say whether there is something to ask that was not answered yet; ``cautions`` are the questions."""
        self.instance.kind, self.instance.member = self.kind, self._member()
        self.cautions = list(self._find_cautions(list(steps)))
        return bool({one.key for one in self.cautions} - {*self.data.get("accepted", "").split()})

    def _find_cautions(self, steps: list[Step]) -> Iterator[cautions.Caution]:
        yield from cautions.of_plan(self._member(), steps)
        yield from cautions.of_what_has_begun(self.instance, steps)

    @property
    def asked(self) -> str:
        """The keys of the questions, as "Save anyway" sends them."""
        return " ".join(one.key for one in self.cautions)

    def _member(self) -> Member:
        chosen: Member | None = self.cleaned_data.get("member")
        if self.instance.pk:
            return chosen or self.instance.member
        return chosen or self._author

    @property
    def has_plan(self) -> bool:
        """Whether the registration has a plan."""
        return True

    @property
    def needs_plan(self) -> bool:
        """Whether the plan needs at least one step."""
        return True

    def prepare(self) -> Registration:
        """Return the registration with all columns set but not stored."""
        registration: Registration = self.save(commit=False)
        registration.kind = self.kind
        if registration.created_by_id is None and not registration.pk:
            registration.created_by = self._author
            registration.member = self._member()
        if registration.pk:
            registration.version = F("version") + 1
            registration.planned_version = 0
        return registration


class _LinkField(forms.URLField):
    """An address that every browser and phone opens."""

    default_validators = (URLValidator(schemes=("http", "https")),)  # type: ignore[assignment]


class DateForm(RegistrationForm):
    """A single event: title, times, location and priority."""

    kind = Registration.Kind.DATE
    starts_at = LocalTimeField(label="Starts")
    starts_at_fold = FoldField()
    ends_at = LocalTimeField(label="Ends", required=False)
    ends_at_fold = FoldField()
    url = _LinkField(
        label="Link",
        help_text="Opened from the notice.",
        max_length=1000,
        required=False,
        assume_scheme="https",
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://"}),
    )

    class Meta:
        model = Registration
        fields = ("member", "title", "severity", "location", "url", "description")
        labels = {
            "title": "Title",
            "severity": "Priority",
            "location": "Location",
            "description": "Notes",
        }
        help_texts = {
            "severity": "Critical notices are sent in quiet hours too.",
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
        }

    field_order = (
        "member",
        "title",
        "starts_at",
        "starts_at_fold",
        "ends_at",
        "ends_at_fold",
        "severity",
        "location",
        "url",
        "description",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = True
        zone = timezone.get_current_timezone()
        self.fields["starts_at"].help_text = f"In your time zone, {str(zone).replace('_', ' ')}."
        if self.instance.pk:
            for name in ("starts_at", "ends_at"):
                self._show(name, getattr(self.instance, name))

    def _show(self, name: str, instant: datetime | None) -> None:
        if instant is None:
            return
        local = timezone.localtime(instant)
        self.initial[name] = local.replace(tzinfo=None)
        self.initial[f"{name}_fold"] = str(local.fold)

    def clean(self) -> dict[str, Any]:
        """Turn local times into instants, and check their order."""
        cleaned = super().clean() or self.cleaned_data
        zone = timezone.get_current_timezone()
        starts_at = read_local(self, "starts_at", zone)
        ends_at = read_local(self, "ends_at", zone)
        for name, instant in (("starts_at", starts_at), ("ends_at", ends_at)):
            if instant is not None and instant > now() + FAR:
                self.add_error(name, "The date is more than 50 years ahead.")
        if starts_at is not None:
            self.instance.starts_at = starts_at
            if starts_at < now() and starts_at != self._stored("starts_at"):
                self.add_error("starts_at", "This time is in the past.")
        if "ends_at" in cleaned:
            self.instance.ends_at = ends_at
        if starts_at is not None and ends_at is not None and ends_at < starts_at:
            self.add_error("ends_at", "The end can't be before the start.")
        return cleaned

    def _stored(self, name: str) -> Any:
        if not self.instance.pk:
            return None
        return Registration.objects.filter(pk=self.instance.pk).values_list(name, flat=True).first()

    def prepare(self) -> Registration:
        """Name the registration after its title."""
        registration = super().prepare()
        registration.name = registration.title[:150]
        return registration
