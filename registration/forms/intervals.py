"""The time between two readings of a calendar, as a choice."""

from datetime import timedelta
from typing import Any, Final

from django import forms

_CHOICES: Final = (
    (timedelta(minutes=1), "every minute"),
    (timedelta(minutes=5), "every 5 minutes"),
    (timedelta(minutes=15), "every 15 minutes"),
    (timedelta(hours=1), "every hour"),
    (timedelta(hours=6), "every 6 hours"),
    (timedelta(days=1), "once a day"),
)


class IntervalField(forms.TypedChoiceField):
    """Some usual times between two readings; ``offer`` adds another one."""

    def __init__(self, **kwargs: Any) -> None:
        """Offer the usual ones. Nothing chosen is None."""
        self._usual = [(self.prepare_value(span), words) for span, words in _CHOICES]
        super().__init__(required=False, choices=self._usual, coerce=self._read, empty_value=None, **kwargs)

    def offer(self, span: timedelta) -> None:
        """Have this one among the choices too."""
        seconds = self.prepare_value(span)
        if not self.valid_value(seconds):
            self.choices = [(seconds, f"every {seconds} seconds"), *self._usual]

    def prepare_value(self, value: Any) -> Any:
        """Return a span as the value of its choice."""
        return str(int(value.total_seconds())) if isinstance(value, timedelta) else value

    @staticmethod
    def _read(seconds: str) -> timedelta:
        return timedelta(seconds=int(seconds))
