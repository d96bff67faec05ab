"""The page to connect a CalDAV account, also again."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from common.clock import now
from common.requests import row_key
from eventupdate.forms.caldav import CalDAVForm
from registration.access import accounts_for
from registration.membership import member_in
from registration.models import CalendarAccount


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def caldav_connect(request: HttpRequest) -> HttpResponse:
    """Ask for server, user name and password, then redirect to the choice of calendars.

    ``?account=`` names an account to connect again; its calendars stay.
    """
    account = _account(request)
    form = CalDAVForm(
        request.POST or None,
        member=member_in(request),
        is_staff=request.user.is_staff,
        account=account,
        initial={"is_for_everybody": request.GET.get("for") == "everybody"},
    )
    if request.method == "POST" and form.is_valid():
        connected = form.save()
        # Calendars that were refused are read at once with the new password.
        connected.calendars.filter(is_active=True).update(next_sync_at=now())
        messages.success(request, f"“{connected}” is connected.")
        return redirect("eventupdate:account-choose", connected.pk)
    context = {"form": form, "account": account}
    return render(request, "eventupdate/caldav_connect.html", context)


def _account(request: HttpRequest) -> CalendarAccount | None:
    key = request.GET.get("account", "")
    if not key:
        return None
    own = accounts_for(request.user).filter(provider=CalendarAccount.Provider.CALDAV)
    return get_object_or_404(own, pk=row_key(key))
