"""Who is told (members, targets), of what (registrations, calendars) and how (steps)."""

from registration.models.calendars import Calendar
from registration.models.members import Member, User
from registration.models.registrations import Registration, Step
from registration.models.targets import Target, Verification

__all__ = ["Calendar", "Member", "Registration", "Step", "Target", "User", "Verification"]
