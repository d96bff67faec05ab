"""The form for the sign-in to a CalDAV server, which is tried at once."""

from typing import Any
from urllib.parse import urlsplit

from django import forms

from common.errors import AddressError, FeedError
from eventupdate.providers.caldav.accounts import credentials_of, sign_in
from eventupdate.providers.caldav.client import Account, typed_url
from eventupdate.providers.caldav.discovery import discover
from registration.forms.base import PanelForm
from registration.models import CalendarAccount, Member

_NAME_LENGTH = 200
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

    def __init__(
        self, *args: Any, member: Member, is_staff: bool, account: CalendarAccount | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._member = member
        self._account = account
        if account is not None:
            self.fields["url"].disabled = True
            self.initial.update(url=account.url, user_name=_stored_user_name(account))
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

    def clean(self) -> dict[str, Any]:
        """Sign in and look for calendars; errors are shown at their field."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            found = discover(Account(cleaned["url"], cleaned["user_name"], cleaned["password"]))
        except FeedError as error:
            self.add_input_error(error)
            return cleaned
        if not found:
            self.add_error("url", "The sign-in is right, but this user has no calendar there.")
        return cleaned

    def save(self) -> CalendarAccount:
        """Store the account, or new credentials for an existing one."""
        url, user_name = self.cleaned_data["url"], self.cleaned_data["user_name"]
        owner = None if self.cleaned_data.get("is_for_everybody") else self._member
        account = self._account or _known(owner, url, user_name)
        if account is None:
            account = CalendarAccount(owner=owner, provider=CalendarAccount.Provider.CALDAV, url=url)
        account.name = f"{user_name} at {urlsplit(url).hostname}"[:_NAME_LENGTH]
        account.credentials = credentials_of(user_name, self.cleaned_data["password"])
        account.refused_at = None
        account.save()
        return account


def _stored_user_name(account: CalendarAccount) -> str:
    try:
        return sign_in(account).user_name
    except FeedError:
        return ""


def _known(owner: Member | None, url: str, user_name: str) -> CalendarAccount | None:
    """Return the owner's account with this server and user, so that none is connected twice."""
    accounts = CalendarAccount.objects.filter(owner=owner, provider=CalendarAccount.Provider.CALDAV, url=url)
    return next((account for account in accounts if _stored_user_name(account) == user_name), None)
