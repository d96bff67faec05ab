"""Editing a calendar: its name, its address, how often it is synced, and with whom it is shared."""

from typing import Any, Final

from django import forms

from common.clock import now
from registration.forms.calendars import CalendarForm, server_of
from registration.forms.intervals import IntervalField
from registration.models import Calendar, Member

_SECRETS: Final = {
    "url": "New address",
    "user_name": "New user name",
    "password": "New password",
    "file": "New file",
}
_READ_AGAIN: Final = frozenset({*_SECRETS, "default_time_zone", "canceled_titles"})
"""A change of one of these has the whole calendar read again."""
_STATE: Final = frozenset({"etag", "last_modified", "content_hash", "sync_token", "next_sync_at"})


class CalendarEditForm(CalendarForm):
    """Takes what a new calendar takes. Secrets are never shown: what is left empty stays as it is."""

    loses_sign_in = False
    """The address is now on another server, and no user name for that was given."""
    forgets_sign_in = forms.BooleanField(required=False, label="Delete the sign-in for this address")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        calendar: Calendar = self.instance
        self._stored = {name: getattr(calendar, name) for name in ("url", "user_name", "password")}
        for name in self._stored:
            self.initial[name] = ""
        self.initial["is_for_everybody"] = calendar.owner_id is None
        dropped: tuple[str, ...] = ("url", "user_name", "password", "forgets_sign_in")
        if calendar.kind == Calendar.Kind.ICAL_URL:
            dropped = ("file",) if calendar.user_name else ("file", "forgets_sign_in")
        elif calendar.kind != Calendar.Kind.ICAL_FILE:
            dropped = (*dropped, "file")
        is_of_another = calendar.owner_id not in {None, self._member.pk}
        if calendar.account_id is not None or is_of_another:
            # What an account holds is for those to whom the account belongs; an own calendar is shared by its owner alone.
            dropped = (*dropped, "is_for_everybody")
        for name in dropped:
            self.fields.pop(name, None)
        for name, label in _SECRETS.items():
            if name in self.fields:
                self.fields[name].label = label
                self.fields[name].help_text = "Empty: unchanged."
        interval = self.fields["interval"]
        if isinstance(interval, IntervalField):
            interval.offer(calendar.interval)

    def clean(self) -> dict[str, Any]:
        """Put what is stored in the place of what was left empty, and check that it goes together."""
        cleaned = forms.ModelForm.clean(self) or self.cleaned_data
        if "url" not in self.fields or self.errors.keys() & {"url", "user_name", "password"}:
            return cleaned
        is_new_address = bool(cleaned["url"])
        has_moved = is_new_address and server_of(cleaned["url"]) != server_of(self._stored["url"])
        self.loses_sign_in = has_moved and bool(self._stored["user_name"]) and not cleaned["user_name"]
        for name, stored in self._stored.items():
            # A password goes to the server that it was typed for, and to no other.
            if name == "url" or not (has_moved or any(self._typed_inside)):
                cleaned[name] = cleaned[name] or stored
        if cleaned.get("forgets_sign_in"):
            cleaned["user_name"] = cleaned["password"] = ""
        self._clean_sign_in(cleaned)
        if is_new_address and self._has_already(cleaned["url"]):
            self.add_error("url", "You already have this calendar.")
        return cleaned

    def _owner(self) -> Member | None:
        """Leave the calendar with whom it is, unless it is shared with everyone or no longer shared."""
        owner: Member | None = self.instance.owner
        if "is_for_everybody" not in self.fields:
            return owner
        return None if self.cleaned_data.get("is_for_everybody") else owner or self._member

    def save(self, commit: bool = True) -> Calendar:  # noqa: FBT001, FBT002 - Django's signature
        """Store what changed, and have the calendar read again where the result may differ."""
        calendar: Calendar = self.instance
        given = self.cleaned_data
        for name in self._stored:
            if name in given:
                setattr(calendar, name, given[name])
        calendar.owner = self._owner()
        columns = {"owner", *CalendarForm.Meta.fields} & {"owner", *self.fields}
        if given.get("forgets_sign_in"):
            columns |= {"user_name", "password"}
        if given.get("file"):
            calendar.content = given["file"]
            columns.add("content")
        if _READ_AGAIN & set(self.changed_data) or given.get("forgets_sign_in"):
            calendar.etag = calendar.last_modified = calendar.content_hash = calendar.sync_token = ""
            calendar.next_sync_at = now()
            columns |= _STATE
        if commit:
            # Only what was changed here: a sync may have stored the rest since it was read.
            values = {name: getattr(calendar, name) for name in columns}
            Calendar.objects.filter(pk=calendar.pk).update(**values)
        return calendar
