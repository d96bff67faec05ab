"""Who may see and change what: one's own; the staff sees all.

Every page takes its objects from here, so that another member's object is simply not found.
"""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from registration.models import Calendar, CalendarAccount, Member, Registration, Target, User

Person = User | AnonymousUser


def _key(user: Person) -> int:
    return user.pk or 0


def members_of(user: Person) -> QuerySet[Member]:
    """Return the members for whom this account may act and whose notices it may see."""
    if user.is_staff:
        return Member.objects.all()
    return Member.objects.filter(user_id=_key(user))


def targets_for(user: Person) -> QuerySet[Target]:
    """Return the targets that this account may see and change."""
    if user.is_staff:
        return Target.objects.all()
    return Target.objects.filter(member__user_id=_key(user))


def registrations_for(user: Person) -> QuerySet[Registration]:
    """Return the registrations that this account may see: its own, and those that it made for others."""
    if user.is_staff:
        return Registration.objects.all()
    return Registration.objects.filter(Q(member__user_id=_key(user)) | Q(created_by__user_id=_key(user)))


def editable_registrations_for(user: Person) -> QuerySet[Registration]:
    """Return the registrations that this account may change; one made by another account it may only decline."""
    if user.is_staff:
        return Registration.objects.all()
    own = Q(member__user_id=_key(user)) & (Q(created_by__isnull=True) | Q(created_by__user_id=_key(user)))
    return Registration.objects.filter(own)


def declinable_registrations_for(user: Person) -> QuerySet[Registration]:
    """Return the registrations that other accounts made for this account's member."""
    made_by_another = Q(created_by__isnull=False) & ~Q(created_by__user_id=_key(user))
    return Registration.objects.filter(made_by_another, member__user_id=_key(user))


def calendars_for(user: Person) -> QuerySet[Calendar]:
    """Return the calendars that this account may see and use: its own and everybody's."""
    if user.is_staff:
        return Calendar.objects.all()
    return Calendar.objects.filter(Q(owner__user_id=_key(user)) | Q(owner__isnull=True))


def editable_calendars_for(user: Person) -> QuerySet[Calendar]:
    """Return the calendars that this account may change."""
    if user.is_staff:
        return Calendar.objects.all()
    return Calendar.objects.filter(owner__user_id=_key(user))


def accounts_for(user: Person) -> QuerySet[CalendarAccount]:
    """Return the calendar accounts that this account may change: its own, for the staff also everybody's.

    What a member's account holds is private to that member, also from the staff.
    """
    own = Q(owner__user_id=_key(user))
    return CalendarAccount.objects.filter(own | Q(owner__isnull=True) if user.is_staff else own)
