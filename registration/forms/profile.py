"""The member's own settings."""

import zoneinfo
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django import forms

from common.clock import now
from registration.forms.base import PanelForm
from registration.models import Member

MOST: Final = 100_000
"""Notices a day; more is no limit."""


def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the time zones by region, each with its offset in this hour."""
    return _zones_at(now().replace(minute=0, second=0, microsecond=0))


@lru_cache(maxsize=1)
def _zones_at(instant: datetime) -> list[tuple[str, list[tuple[str, str]]]]:
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        region, _slash, city = name.partition("/")
        if region in {"posix", "right", "SystemV", "Etc"} or name in {"localtime", "Factory"}:
            continue
        offset = instant.astimezone(zoneinfo.ZoneInfo(name)).isoformat()[-6:]
        regions.setdefault(region if city else "Other", []).append(
            (name, f"{name.replace('_', ' ')} ({offset})")
        )
    others = regions.pop("Other", [])
    return [*regions.items(), ("Other", others)]


class ProfileForm(PanelForm, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Name, zone, language, quiet hours and the daily limit."""

    class Meta:
        model = Member
        fields = (
            "name",
            "time_zone",
            "language",
            "quiet_from",
            "quiet_until",
            "daily_cap",
            "critical_reserve",
        )
        labels = {
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "daily_cap": "Notices per day",
            "critical_reserve": "Reserved for critical notices",
        }
        help_texts = {
            "time_zone": "Times are shown and entered in this time zone.",
            "language": "The language of calls and messages.",
            "quiet_from": "During quiet hours you get only critical notices.",
            "quiet_until": "In your time zone; may be after midnight.",
            "daily_cap": "Empty: no limit. The inbox is never limited.",
        }
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].widget = forms.Select(choices=zone_choices(), attrs={"class": "form-select"})

    def clean(self) -> dict[str, Any]:
        """Say at the field which end of the quiet hours is missing, and where the reserve is too large."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if start is not None and end is None and "quiet_until" not in self.errors:
            self.add_error("quiet_until", "Quiet hours need an end.")
        if end is not None and start is None and "quiet_from" not in self.errors:
            self.add_error("quiet_from", "Quiet hours need a start.")
        if start is not None and start == end:
            self.add_error("quiet_until", "The end must differ from the start.")
        for name in ("daily_cap", "critical_reserve"):
            if (cleaned.get(name) or 0) > MOST:
                self.add_error(name, f"At most {MOST}.")
        cap, reserve = cleaned.get("daily_cap"), cleaned.get("critical_reserve")
        if cap is not None and reserve is not None and reserve > cap:
            self.add_error("critical_reserve", "The reserve can't be larger than the daily limit.")
        return cleaned
