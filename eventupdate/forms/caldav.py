"""The form for the sign-in to a CalDAV server."""

from typing import Any

from django import forms

from common.errors import AddressError
from eventupdate.connecting import stored_user_name
from eventupdate.providers.caldav.client import typed_url
from registration.forms.base import PanelForm
from registration.models import CalendarAccount

_URL_LENGTH = 1000


class CalDAVForm(PanelForm, forms.Form):
    """Server, user name and password. The server of an account that is connected again can't change."""

    url = forms.CharField(
        max_length=_URL_LENGTH,
        label="Server",
        help_text="Its address, like cloud.example.org, or the address of one calendar.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}),
    )
    user_name = forms.CharField(
        max_length=200,
        label="User name",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        max_length=500,
        strip=False,
        label="Password",
        help_text="With a second factor (iCloud, Nextcloud, Fastmail) make a password for this app there. "
        "It is stored encrypted.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    is_for_everybody = forms.BooleanField(
        required=False,
        label="Share with everyone",
        help_text="Every member can add registrations for its events.",
    )

    def __init__(self, *args: Any, is_staff: bool, account: CalendarAccount | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account = account
        if account is not None:
            self.fields["url"].disabled = True
            self.initial.update(url=account.url, user_name=stored_user_name(account))
        if account is not None or not is_staff:
            del self.fields["is_for_everybody"]

    def clean_url(self) -> str:
        """Return the server's URL; reject one that is not public."""
        try:
            url = typed_url(self.cleaned_data["url"])
        except AddressError as error:
            raise forms.ValidationError(error.message) from None
        if len(url) > _URL_LENGTH:
            raise forms.ValidationError("This address is too long.")
        return url

    def given(self) -> dict[str, Any]:
        """Return what the job that connects the account is given."""
        cleaned = self.cleaned_data
        return {
            "url": cleaned["url"],
            "user_name": cleaned["user_name"],
            "password": cleaned["password"],
            "is_for_everybody": cleaned.get("is_for_everybody", False),
            "account": None if self._account is None else self._account.pk,
        }
