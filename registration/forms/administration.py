"""The administration's forms: they refuse what the panel's forms refuse."""

from datetime import datetime, timedelta
from typing import Any

from django import forms

from common import patterns
from common.clock import now
from common.errors import InputError
from common.wording import check_template
from registration.forms.calendars import checked_address, server_of
from registration.forms.registrations import FAR
from registration.models import Calendar, Registration
from registration.models.members import check_time_zone
from registration.models.registrations import title_only
from registration.offsets import read_offset, say_offset
from registration.sources import CALENDAR


class CalendarAdminForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Takes a new address and a new password, and never shows the old ones."""

    url = forms.CharField(
        required=False,
        label="New address",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Empty: unchanged.",
    )

    user_name = forms.CharField(required=False, max_length=200)
    password = forms.CharField(
        required=False,
        max_length=500,
        strip=False,
        label="New password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Empty: unchanged, or deleted with the user name.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Note which server the stored password is for."""
        super().__init__(*args, **kwargs)
        self._server = server_of(str(self.instance.url))

    def clean_password(self) -> str:
        """Keep the password where none was typed, as long as there is a user name."""
        typed: str = self.cleaned_data["password"]
        return typed or (str(self.instance.password) if self.cleaned_data.get("user_name") else "")

    def clean_url(self) -> str:
        """Keep the address where none was typed; refuse what is no public address."""
        return checked_address(self.cleaned_data["url"]) or str(self.instance.url)

    def clean_default_time_zone(self) -> str:
        """Refuse what is no time zone."""
        name: str = self.cleaned_data["default_time_zone"]
        if name:
            check_time_zone(name)
        return name

    def clean(self) -> dict[str, Any]:
        """Ask for an address where the calendar is to be read from one."""
        cleaned = super().clean() or self.cleaned_data
        is_address = cleaned.get("kind") == Calendar.Kind.ICAL_URL
        if is_address and not cleaned.get("url") and "url" not in self.errors:
            self.add_error("url", "Enter the address of the calendar.")
        account = cleaned.get("account")
        if account is not None and account.owner != cleaned.get("owner", self.instance.owner):
            self.add_error("account", "This account and the calendar have different owners.")
        if server_of(cleaned.get("url", "")) != self._server and not self.data.get("password"):
            # A password goes to the server that it was typed for, and to no other.
            self.instance.password = cleaned["password"] = ""
        return cleaned


class OffsetField(forms.CharField):
    """The offset of a step, in words."""

    def prepare_value(self, value: Any) -> Any:
        """Show an offset in words."""
        return say_offset(value) if isinstance(value, timedelta) else value

    def to_python(self, value: Any) -> Any:
        """Read what was typed."""
        text = super().to_python(value)
        try:
            return read_offset(text or "")
        except InputError as error:
            raise forms.ValidationError(error.message) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Say whether other words mean another time."""
        return super().has_changed(self.prepare_value(initial), data)


class StepAdminForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A step of a plan, with its time in words."""

    offset = OffsetField(initial=timedelta(minutes=-10), label="When", help_text="Before or after the start.")


class RegistrationAdminForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Refuses patterns and texts that can't be used, and times that no calendar holds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the fields that patterns may be tried on as boxes."""
        super().__init__(*args, **kwargs)
        if "fields" in self.fields:
            self.fields["fields"] = forms.MultipleChoiceField(
                choices=Registration.Field.choices,
                widget=forms.CheckboxSelectMultiple,
                help_text="The fields to search; none: the title.",
                required=False,
                initial=title_only,
            )

    def clean_text(self) -> str:
        """Refuse fields that there are not, and braces that are not closed."""
        try:
            return check_template(self.cleaned_data["text"])
        except InputError as error:
            raise forms.ValidationError(error.message) from None

    def clean_fields(self) -> list[str]:
        """Look at the title where nothing was chosen."""
        return self.cleaned_data["fields"] or title_only()

    def clean_muted_sources(self) -> list[str]:
        """Refuse what is no list of sources."""
        sources = self.cleaned_data["muted_sources"] or []
        if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
            raise forms.ValidationError(f'Type a list of sources, like ["{CALENDAR.source(3)}"].')
        return sources

    def clean(self) -> dict[str, Any]:
        """Refuse patterns that can't be searched for in their syntax, and say what they lack."""
        cleaned = super().clean() or self.cleaned_data
        for name in ("pattern", "exclude"):
            try:
                if cleaned.get(name):
                    patterns.check(cleaned[name], cleaned.get("syntax", ""), name)
            except InputError as error:
                self.add_error(name, error.message)
        return cleaned

    def clean_starts_at(self) -> datetime | None:
        """Refuse a time out of reach."""
        return self._within_reach("starts_at")

    def clean_ends_at(self) -> datetime | None:
        """Refuse a time out of reach."""
        return self._within_reach("ends_at")

    def _within_reach(self, name: str) -> datetime | None:
        instant: datetime | None = self.cleaned_data[name]
        if instant is not None and not now() - FAR < instant < now() + FAR:
            raise forms.ValidationError("The date is more than 50 years away.")
        return instant
