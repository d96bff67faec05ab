"""Django's admin for members, targets, registrations and calendars."""

from django.contrib import admin

from registration.admin.base import ReadOnlyAdmin
from registration.admin.calendars import CalendarAccountAdmin, CalendarAdmin
from registration.admin.people import AccountAdmin, MemberAdmin, TargetAdmin, VerificationAdmin
from registration.admin.registrations import RegistrationAdmin, StepAdmin
from registration.forms.accounts import StaffSignInForm

__all__ = [
    "AccountAdmin",
    "CalendarAccountAdmin",
    "CalendarAdmin",
    "MemberAdmin",
    "ReadOnlyAdmin",
    "RegistrationAdmin",
    "StepAdmin",
    "TargetAdmin",
    "VerificationAdmin",
]

admin.site.site_header = "PFS Notice"
admin.site.site_title = "PFS Notice"
admin.site.index_title = "Administration"
admin.site.login_form = StaffSignInForm
