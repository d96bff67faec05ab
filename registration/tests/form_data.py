"""What a browser sends for a registration and its plan."""

from typing import Any

from registration.models import Target


def plan(*steps: tuple[int, int, str, str], **more: str) -> dict[str, str]:
    """Return the fields of a plan: target, amount, unit, before or after."""
    data = {"steps-TOTAL_FORMS": str(len(steps)), "steps-INITIAL_FORMS": "0"}
    for number, (target, amount, unit, direction) in enumerate(steps):
        row = {
            "target": target,
            "amount": amount,
            "unit": unit,
            "direction": direction,
            "condition": "unconfirmed",
        }
        data |= {f"steps-{number}-{name}": str(value) for name, value in row.items()}
    return data | more


def date(inbox: Target, **more: Any) -> dict[str, Any]:
    data = {"title": "Dentist", "starts_at": "2026-03-10T14:30", "severity": "10"}
    return data | plan((inbox.pk, 10, "minutes", "before")) | more


def standing(inbox: Target, **more: Any) -> dict[str, Any]:
    """Return the fields of a standing registration, as a new form has them, with a pattern, where no calendar is needed."""
    data = {
        "action": "notify",
        "syntax": "words",
        "pattern": "telecon",
        "searched": ["title"],
        "all_day_at": "09:00",
        "accepted": "calendar",
    }
    return data | plan((inbox.pk, 10, "minutes", "before")) | more
