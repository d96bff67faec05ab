"""Who is told (members, targets), of what (registrations, calendars) and how (steps)."""

from registration.models.calendars import Calendar, CalendarAccount
from registration.models.jobs import Job
from registration.models.members import Member, SignInPlace, SignInTry, User
from registration.models.registrations import Registration, Step
from registration.models.spending import PaidCount
from registration.models.targets import Target, Verification

__all__ = [
    "Calendar",
    "CalendarAccount",
    "Job",
    "Member",
    "PaidCount",
    "Registration",
    "SignInPlace",
    "SignInTry",
    "Step",
    "Target",
    "User",
    "Verification",
]
