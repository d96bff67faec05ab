"""Signing in and the password."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest

from registration import sign_ins
from registration.forms.base import PanelForm
from registration.models import User
from registration.verification import say_wait


class _LimitedSignIn(AuthenticationForm):
    """A name and a password, tried only so often."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "Wrong user name or password. Both are case-sensitive.",
    }

    def clean(self) -> dict[str, Any]:
        """Look at the password only while there were few failures."""
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return self.cleaned_data
        keys = _try_now(self.request, name, "Too many failed sign-ins. Try again in {wait}.")
        cleaned: dict[str, Any] = super().clean()
        sign_ins.succeed(keys)
        return cleaned


def _try_now(request: HttpRequest | None, name: str, refusal: str) -> sign_ins.Keys:
    """Write a try down and return its keys. Raises ``ValidationError`` after too many failures."""
    keys = sign_ins.keys_of(request, name)
    if wait := sign_ins.take_try(keys):
        raise forms.ValidationError(refusal.format(wait=say_wait(wait)), code="too_many")
    return keys


class SignInForm(PanelForm, _LimitedSignIn):
    """Signing in to the panel; a script adds the time zone of the browser."""

    time_zone = forms.CharField(
        required=False, max_length=64, widget=forms.HiddenInput(attrs={"data-zone": ""})
    )


class StaffSignInForm(_LimitedSignIn, AdminAuthenticationForm):
    """Signing in to the administration."""


class OwnPasswordForm(PanelForm, PasswordChangeForm):
    """A new password; the old one is asked for, and the new one has to be another.

    The old password is guessed no more often than at the sign-in, and with it.
    """

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        """Look at the old password only while there were few failures."""
        name = self.user.get_username()
        keys = _try_now(self._request, name, "Too many wrong passwords. Try again in {wait}.")
        password: str = super().clean_old_password()
        sign_ins.succeed(keys)
        return password

    def clean(self) -> dict[str, Any]:
        """Refuse the old password as the new one."""
        cleaned = super().clean()
        new = self.cleaned_data.get("new_password1")
        if new and new == self.cleaned_data.get("old_password"):
            self.add_error(
                "new_password1", forms.ValidationError("The new password must differ from the old one.")
            )
        return cleaned or self.cleaned_data

    def validate_password_for_user(self, user: User, _field: str = "") -> None:
        """Say what is weak about the new password next to it, and not next to its repetition."""
        super().validate_password_for_user(user, "new_password1")

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - Django's signature
        """Store the password, and note that it is the person's own."""
        self.user.must_change_password = False
        return super().save(commit=commit)
