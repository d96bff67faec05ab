"""Template tags for the accounts in the list of calendars."""

from typing import Any

from django import template
from django.conf import settings

from eventupdate.views.accounts import connect_url
from registration.access import accounts_for
from registration.membership import member_in
from registration.models import CalendarAccount

register = template.Library()


@register.inclusion_tag("eventupdate/account_list.html", takes_context=True)
def calendar_accounts(context: dict[str, Any]) -> dict[str, Any]:
    """Show the accounts that the user may change, and buttons to connect another."""
    request = context["request"]
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "user": request.user,
        "accounts": [(account, connect_url(account)) for account in accounts_for(request.user)],
        "has_google": bool(settings.GOOGLE_CLIENT_ID and settings.GOOGLE_CLIENT_SECRET),
    }


@register.simple_tag(takes_context=True)
def connect_again_url(context: dict[str, Any], account: CalendarAccount | None) -> str:
    """Return the URL to connect a refused account again; "" if that is not needed or not allowed."""
    if account is None or account.refused_at is None:
        return ""
    request = context["request"]
    is_own = account.owner_id == member_in(request).pk
    return connect_url(account) if is_own or (request.user.is_staff and account.owner_id is None) else ""
