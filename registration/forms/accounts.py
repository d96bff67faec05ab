"""Signing in and the password."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm

from registration.forms.base import PanelForm
from registration.models import User


class SignInForm(PanelForm, AuthenticationForm):
    """A name and a password."""


class OwnPasswordForm(PanelForm, PasswordChangeForm):
    """A new password; the old one is asked for, and the new one has to be another."""

    def clean(self) -> dict[str, Any]:
        """Refuse the old password as the new one."""
        cleaned = super().clean()
        new = self.cleaned_data.get("new_password1")
        if new and new == self.cleaned_data.get("old_password"):
            self.add_error(
                "new_password1", forms.ValidationError("Choose another one than the old password.")
            )
        return cleaned or self.cleaned_data

    def validate_password_for_user(self, user: User, _field: str = "") -> None:
        """Say what is weak about the new password next to it, and not next to its repetition."""
        super().validate_password_for_user(user, "new_password1")

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002 - Django's signature
        """Store the password, and note that it is the person's own."""
        self.user.must_change_password = False
        return super().save(commit=commit)
