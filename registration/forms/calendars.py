"""Adding a calendar: by its address or by a file."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from django import forms
from django.core.files.uploadedfile import UploadedFile

from common.errors import AddressError, InputError
from common.http import check_public_url, is_inside
from registration.amounts import check_calendars
from registration.forms.base import PanelForm
from registration.forms.intervals import IntervalField
from registration.models import Calendar, Member
from registration.models.members import check_time_zone
from registration.sizes import MAX_FILE


class CalendarForm(PanelForm, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A name, and an address or a file. The staff may share a calendar with everyone."""

    file = forms.FileField(
        required=False,
        label="Or file",
        help_text="An .ics file of at most 10 MB.",
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
    )
    is_for_everybody = forms.BooleanField(
        required=False,
        label="Share with everyone",
        help_text="Every member can add registrations for its events.",
    )

    user_name = forms.CharField(
        required=False,
        max_length=200,
        label="User name",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        required=False,
        max_length=500,
        strip=False,
        label="Password",
        help_text="Stored encrypted, and sent only to the calendar's server.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    interval = IntervalField(label="Sync")

    class Meta:
        model = Calendar
        fields: tuple[str, ...] = (
            "name",
            "url",
            "user_name",
            "password",
            "default_time_zone",
            "interval",
            "canceled_titles",
        )
        labels = {
            "url": "Address",
            "default_time_zone": "Time zone of events without one",
            "canceled_titles": "Canceled if the title contains",
        }
        help_texts = {
            "url": "The iCalendar address (https:// or webcal://). Stored encrypted.",
            "default_time_zone": "Empty: the calendar's time zone, or UTC.",
            "canceled_titles": "Words, separated by commas. With ^ before it, a word counts only at the beginning: "
            "^Canceled, called off.",
        }
        widgets = {"url": forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"})}

    def __init__(self, *args: Any, member: Member, is_staff: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._member = member
        self._typed_inside = ("", "")
        self.initial["interval"] = self.instance.interval
        if not is_staff:
            del self.fields["is_for_everybody"]

    def clean_url(self) -> str:
        """Refuse what is no public address; a user name and a password in it go into their own fields."""
        url, self._typed_inside = parted(self.cleaned_data["url"])
        return checked_address(url)

    def clean_interval(self) -> timedelta:
        """Leave it as it is where nothing was chosen."""
        chosen: timedelta | None = self.cleaned_data["interval"]
        return chosen or self.instance.interval

    def clean_default_time_zone(self) -> str:
        """Refuse what is no time zone."""
        name: str = self.cleaned_data["default_time_zone"].strip()
        if name:
            check_time_zone(name)
        return name

    def clean_file(self) -> str:
        """Return the file's text; refuse what can't be a calendar."""
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is None:
            return ""
        if (file.size or 0) > MAX_FILE:
            raise forms.ValidationError("The file is larger than 10 MB.")
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not text in UTF-8.") from None
        if "BEGIN:VCALENDAR" not in text[:10_000].upper() or "\0" in text:
            raise forms.ValidationError("The file is not an iCalendar file: it has no line BEGIN:VCALENDAR.")
        return text

    def clean(self) -> dict[str, Any]:
        """Ask for one of address and file, and for one only; refuse an address that the owner has already."""
        cleaned = super().clean() or self.cleaned_data
        self._check_amount()
        if self.errors.keys() & {"url", "file"}:
            return cleaned
        if not cleaned.get("url") and not cleaned.get("file"):
            self.add_error("url", "Enter an address, or choose a file.")
        if cleaned.get("url") and cleaned.get("file"):
            self.add_error("file", "Enter an address or choose a file, not both.")
        self._clean_sign_in(cleaned)
        if cleaned.get("url") and self._has_already(cleaned["url"]):
            self.add_error("url", "You already have this calendar.")
        return cleaned

    def _check_amount(self) -> None:
        try:
            check_calendars(self._owner())
        except InputError as error:
            self.add_error(None, error.message)

    def _clean_sign_in(self, cleaned: dict[str, Any]) -> None:
        if any(self._typed_inside):
            if cleaned.get("user_name") or cleaned.get("password"):
                self.add_error(
                    "user_name", "The address contains a user name already. Enter it in one place only."
                )
            cleaned["user_name"], cleaned["password"] = self._typed_inside
        elif cleaned.get("password") and not cleaned.get("user_name"):
            self.add_error("user_name", "Enter the user name for this password.")
        url = cleaned.get("url", "")
        if cleaned.get("password") and url.startswith("http:") and not is_inside(url):
            text = "Over http:// the password can be read on the way. Enter the https:// address."
            self.add_error("url", text)

    def _owner(self) -> Member | None:
        return None if self.cleaned_data.get("is_for_everybody") else self._member

    def _has_already(self, url: str) -> bool:
        """Say whether the owner has a calendar at this address; addresses are compared decrypted."""
        others = Calendar.objects.filter(owner=self._owner(), kind=Calendar.Kind.ICAL_URL)
        stored = others.exclude(pk=self.instance.pk).values_list("url", flat=True)
        return _comparable(url) in {_comparable(one) for one in stored}

    def save(self, commit: bool = True) -> Calendar:  # noqa: FBT001, FBT002 - Django's signature
        """Store the calendar; it is read within a minute."""
        calendar: Calendar = self.instance
        calendar.content = self.cleaned_data["file"]
        calendar.kind = Calendar.Kind.ICAL_FILE if calendar.content else Calendar.Kind.ICAL_URL
        calendar.owner = self._owner()
        super().save(commit=commit)
        return calendar


def checked_address(typed: str) -> str:
    """Return the address of a calendar without blanks around it; "" stays.

    Raises ``ValidationError`` for what is no public address.
    """
    url = typed.strip()
    if not url:
        return ""
    try:
        check_public_url(_as_https(url), schemes=("https", "http"))
    except AddressError as error:
        raise forms.ValidationError(error.message) from None
    return url


def parted(typed: str) -> tuple[str, tuple[str, str]]:
    """Return an address without the user name and the password in it, and these two, "" for none."""
    try:
        parts = urlsplit(typed.strip())
        inside = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        return typed, ("", "")
    if not any(inside):
        return typed, inside
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), inside


def _comparable(url: str) -> str:
    """Return an address in the form in which two are held against each other."""
    plain = _as_https(parted(url)[0])
    try:
        return check_public_url(plain, schemes=("https", "http"), is_resolved=False)
    except AddressError:
        return plain


def server_of(url: str) -> tuple[str, int]:
    """Return the host and the port of an address: a password typed for one server goes to no other; ("", 0) for none."""
    parts = urlsplit(_as_https(url.strip()))
    try:
        host, port = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        return "", 0
    return (host, port or {"https": 443, "http": 80}.get(parts.scheme, 0)) if host else ("", 0)


def _as_https(url: str) -> str:
    scheme, separator, rest = url.partition(":")
    return f"https:{rest}" if separator and scheme.lower() in {"webcal", "webcals"} else url
