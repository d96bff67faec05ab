"""What all forms of the panel have in common: Tabler's classes, plain messages, and local times."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from common.errors import InputError
from common.times import OverlapError, local_to_utc

_HOW: Final = "Enter a date and a time, like 2026-03-29 14:30."
_WRITTEN: Final = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?:[T ](?P<time>\d\d:\d\d(?::\d\d)?))?", re.ASCII)
_CLASSES: Final = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.RadioSelect, ""),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)
_MESSAGES: Final[Mapping[type[forms.Field], Mapping[str, str]]] = {
    forms.Field: {"required": "This field is required."},
    forms.CharField: {"max_length": "At most %(limit_value)d characters (now %(show_value)d)."},
    forms.IntegerField: {
        "invalid": "Enter a whole number.",
        "min_value": "At least %(limit_value)s.",
        "max_value": "At most %(limit_value)s.",
    },
    forms.TimeField: {"invalid": "Enter a time, like 22:30."},
    forms.URLField: {"invalid": "Enter a web address, like https://example.org/page."},
    forms.ChoiceField: {"required": "Choose one.", "invalid_choice": "Choose one from the list."},
    forms.ModelChoiceField: {"required": "Choose one.", "invalid_choice": "Choose one from the list."},
    forms.FileField: {"empty": "The file is empty."},
}
"""What is said in the place of Django's sentences; a later kind of field has the last word."""
_ON_LINES: Final = frozenset("\t\r\n")


def _check_visible(allowed: frozenset[str]) -> Callable[[str], None]:
    """Return a validator that refuses control characters: no keyboard types them, and no phone reads them."""

    def check(value: str) -> None:
        if any(unicodedata.category(c) == "Cc" and c not in allowed for c in value):
            raise ValidationError("The text has invisible characters. Type it instead of pasting it.")

    return check


def dress(field: forms.Field) -> None:
    """Give a form's own copy of a field its widget's class, plain messages and a check of what was pasted."""
    css = next(css for kind, css in _CLASSES if isinstance(field.widget, kind))
    given = field.widget.attrs.get("class", "")
    field.widget.attrs["class"] = f"{css} {given}".strip()
    for kind, texts in _MESSAGES.items():
        if isinstance(field, kind):
            field.error_messages.update(texts)
    if isinstance(field, forms.CharField) and not isinstance(field.widget, forms.PasswordInput):
        is_long = isinstance(field.widget, forms.Textarea)
        field.validators.append(_check_visible(_ON_LINES if is_long else frozenset("\t")))


class PanelForm(forms.BaseForm):
    """Gives each widget its class, each field plain messages, and keeps labels short of colons."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def add_input_error(self, error: InputError, field: str = "") -> None:
        """Show an error of ours next to its field, or above the form where it has none."""
        name = field or error.field
        self.add_error(name if name in self.fields else None, error.message)


class LocalTimeInput(forms.DateTimeInput):
    """The browser's own field for a date and a time."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class LocalTimeField(forms.Field):
    """A date and a time as on the clocks of some zone; its value has no zone yet."""

    widget = LocalTimeInput

    def to_python(self, value: str | datetime | None) -> datetime | None:
        """Read what was typed. An impossible date is told from an unreadable one."""
        if not value:
            return None
        if isinstance(value, datetime):
            return value.replace(tzinfo=None)
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValidationError(_explain(value.strip())) from None
        if len(value.strip()) <= len("2026-03-29"):
            raise ValidationError(_HOW)
        if found.tzinfo is not None:
            raise ValidationError("Enter the time without a time zone: yours is used.")
        return found.replace(microsecond=0)

    def prepare_value(self, value: Any) -> Any:
        """Show the time as it was typed."""
        return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _explain(typed: str) -> str:
    """Say whether the day or the time of something that is written as both does not exist."""
    found = _WRITTEN.fullmatch(typed)
    if found is None:
        return _HOW
    try:
        date.fromisoformat(found["day"])
    except ValueError:
        return f"This day does not exist: {found['day']}."
    return f"This time does not exist: {found['time']}." if found["time"] else _HOW


class FoldField(forms.TypedChoiceField):
    """Which one is meant of a time that comes twice; shown only when it has to be asked."""

    def __init__(self) -> None:
        super().__init__(
            label="Which one?",
            required=False,
            coerce=int,
            empty_value=None,
            choices=[("0", "the first"), ("1", "the second")],
            widget=forms.RadioSelect,
        )


def read_local(form: PanelForm, field: str, zone: tzinfo) -> datetime | None:
    """Return the instant of a cleaned ``LocalTimeField``, or None with an error next to the field.

    A time that comes twice is decided by the form's field ``<field>_fold``, which gets the choices.
    """
    naive = form.cleaned_data.get(field)
    if naive is None:
        return None
    fold = f"{field}_fold"
    try:
        return local_to_utc(naive, zone, form.cleaned_data.get(fold))
    except OverlapError as error:
        form.add_error(field, error.message)
        choices = [(str(number), sentence) for number, sentence in error.choices]
        form.fields[fold].choices = choices  # type: ignore[attr-defined]
        form.fields[fold].is_asked = True  # type: ignore[attr-defined]
    except InputError as error:
        form.add_error(field, error.message)
    return None
