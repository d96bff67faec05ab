"""Adding, naming and verifying contact methods (targets)."""

from typing import Any

from django import forms

from common.channels import Adding, Address, AddressField, Channel, Verification, registry
from common.clock import now
from common.errors import AddressError
from registration.codes import DIGITS, normalise_code
from registration.forms.base import PanelForm, dress
from registration.models import Member, Target
from registration.models.targets import fingerprint, fingerprints


def offered_channels(member: Member) -> list[Channel]:
    """Return the channels of which the member may add a target, by a form or by the browser."""
    has = set(Target.objects.filter(member=member).order_by().values_list("kind", flat=True).distinct())
    return [
        channel
        for kind, channel in registry().items()
        if channel.capabilities.contact.adding is not Adding.BUILT_IN
        and not (channel.capabilities.contact.is_single and kind in has)
    ]


def store_target(member: Member, channel: Channel, checked: Address, label: str = "") -> Target | None:
    """Store a target whose address the channel has checked; None where the member has it already.

    Where the channel sends no code, it may be used at once.
    """
    is_verified = channel.capabilities.verification is Verification.NONE
    target, is_new = Target.objects.get_or_create(
        member=member,
        kind=channel.kind,
        fingerprint__in=fingerprints(checked.address),
        defaults={
            "fingerprint": fingerprint(checked.address),
            "address": checked.address,
            "shown": checked.shown[:200],
            "label": label,
            "config": dict(checked.config),
            "verified_at": now() if is_verified else None,
        },
    )
    return target if is_new else None


class TargetForm(PanelForm, forms.Form):
    """An address of one channel, in the fields that the channel asks for, and a name for it."""

    label = forms.CharField(
        max_length=80, required=False, label="Name", help_text="Of your choice: “Work phone”."
    )

    def __init__(self, *args: Any, channel: Channel, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asked = channel.capabilities.contact.fields
        asked = {one.name: _field(one) for one in self._asked}
        for field in asked.values():
            dress(field)
        self.fields = asked | self.fields
        self._channel = channel
        self._member = member

    def clean(self) -> dict[str, Any]:
        """Have the channel check the address."""
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        config = {one.name: cleaned[one.name] for one in self._asked if one.name != "address"}
        try:
            self._checked = self._channel.check_address(cleaned["address"], config)
        except AddressError as error:
            self.add_input_error(error)
            return cleaned
        known = Target.objects.filter(
            member=self._member, kind=self._channel.kind, fingerprint__in=fingerprints(self._checked.address)
        )
        if known.exists():
            self.add_error("address", "You have added this already.")
        return cleaned

    def save(self) -> Target | None:
        """Store the target; None where another request has just done so."""
        return store_target(self._member, self._channel, self._checked, self.cleaned_data["label"])


def _field(asked: AddressField) -> forms.CharField:
    attrs = {"placeholder": asked.placeholder, "autocomplete": asked.autocomplete}
    widget = forms.TextInput({name: value for name, value in attrs.items() if value})
    widget.input_type = asked.input_type
    return forms.CharField(
        max_length=500,
        required=asked.is_required,
        label=asked.label,
        help_text=asked.help,
        widget=widget,
    )


class TargetNameForm(PanelForm, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """The name of a contact method."""

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
