"""Adding, naming and verifying targets."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from common.channels import Address, Channel, Verification, registry
from common.errors import AddressError
from registration.codes import DIGITS, normalise_code
from registration.forms.base import PanelForm
from registration.models import Member, Target
from registration.models.targets import fingerprint

_ADDRESSES: Final[Mapping[str, tuple[str, str, dict[str, str]]]] = {
    "email": ("Mail address", "", {"type": "email", "autocomplete": "email"}),
    "sms": (
        "Phone number",
        "With the country code, like +49 30 901820.",
        {"type": "tel", "autocomplete": "tel"},
    ),
    "voice": (
        "Phone number",
        "With the country code, like +49 30 901820.",
        {"type": "tel", "autocomplete": "tel"},
    ),
}


def typed_channels() -> list[Channel]:
    """Return the channels whose address a person types, and shows to be the person's own by a code."""
    return [c for c in registry().values() if c.capabilities.verification is Verification.CODE]


def store_target(member: Member, kind: str, checked: Address, label: str = "") -> Target | None:
    """Store a target whose address the channel has checked; None where the member has it already."""
    target, is_new = Target.objects.get_or_create(
        member=member,
        kind=kind,
        fingerprint=fingerprint(checked.address),
        defaults={
            "address": checked.address,
            "shown": checked.shown[:200],
            "label": label,
            "config": dict(checked.config),
        },
    )
    return target if is_new else None


class TargetForm(PanelForm, forms.Form):
    """An address of one kind, and what it is to be called."""

    address = forms.CharField(max_length=500)
    label = forms.CharField(
        max_length=80, required=False, label="Name", help_text="Of your choice: “Work phone”."
    )

    def __init__(self, *args: Any, channel: Channel, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._channel = channel
        self._member = member
        label, hint, attrs = _ADDRESSES.get(channel.kind, ("Address", "", {}))
        field = self.fields["address"]
        field.label, field.help_text = label, hint
        field.widget.attrs.update({key: value for key, value in attrs.items() if key != "type"})
        if isinstance(field.widget, forms.TextInput):
            field.widget.input_type = attrs.get("type", "text")

    def clean_address(self) -> str:
        """Have the channel check the address."""
        try:
            self._checked = self._channel.check_address(self.cleaned_data["address"], {})
        except AddressError as error:
            raise forms.ValidationError(error.message) from None
        known = Target.objects.filter(
            member=self._member, kind=self._channel.kind, fingerprint=fingerprint(self._checked.address)
        )
        if known.exists():
            raise forms.ValidationError("You have added this already.")
        return self._checked.address

    def save(self) -> Target | None:
        """Store the target; None where another request has just done so."""
        return store_target(self._member, self._channel.kind, self._checked, self.cleaned_data["label"])


class TargetNameForm(PanelForm, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """What a target is called."""

    class Meta:
        model = Target
        fields = ("label",)
        labels = {"label": "Name"}
        help_texts = {"label": "Of your choice: “Work phone”. Empty: the address itself."}


class CodeForm(PanelForm, forms.Form):
    """The code that was sent."""

    code = forms.CharField(
        max_length=20,
        label="Code",
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "class": "code-input",
                "autofocus": True,
            }
        ),
    )

    def clean_code(self) -> str:
        """Return the digits. What can't be a code costs no try."""
        digits = normalise_code(self.cleaned_data["code"])
        if len(digits) != DIGITS:
            raise forms.ValidationError(f"Type the {DIGITS} digits of the code.")
        return digits
