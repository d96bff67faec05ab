"""The page to connect a CalDAV account, also again."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from common.errors import InputError
from common.requests import row_key
from eventupdate.connecting import CONNECT
from eventupdate.forms.caldav import CalDAVForm
from registration.access import accounts_for
from registration.jobs import Result, result_for
from registration.membership import member_in
from registration.models import CalendarAccount
from registration.views.jobs import wait_for


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def caldav_connect(request: HttpRequest) -> HttpResponse:
    """Ask for server, user name and password, have a worker sign in, then redirect to the choice of calendars.

    ``?account=`` names an account to connect again; its calendars stay.
    """
    account, result = _account(request), result_for(request, member_in(request), CONNECT)
    if result is not None and "problem" not in result:
        connected = get_object_or_404(accounts_for(request.user), pk=result["account"])
        messages.success(request, f"“{connected}” is connected.")
        to = reverse("eventupdate:account-choose", args=[connected.pk])
        return redirect(f"{to}?job={request.GET['job']}")
    form = _form(request, account, result)
    if request.method == "POST" and form.is_valid():
        again = f"?account={account.pk}" if account else ""
        try:
            return wait_for(request, CONNECT, f"{request.path}{again}", **form.given())
        except InputError as error:
            form.add_input_error(error)
    context = {"form": form, "account": account}
    return render(request, "eventupdate/caldav_connect.html", context)


def _form(request: HttpRequest, account: CalendarAccount | None, result: Result | None) -> CalDAVForm:
    """Return the form as it was posted, or with what an earlier try says, or an empty one."""
    tried = None if request.method == "POST" else result
    data: Mapping[str, Any] | None = request.POST or None
    if tried is not None:
        # A password is never shown; with an empty one its field would complain.
        data = {"url": tried.get("url", ""), "user_name": tried.get("user_name", ""), "password": "-"}
    initial = {"is_for_everybody": request.GET.get("for") == "everybody"}
    form = CalDAVForm(data, is_staff=request.user.is_staff, account=account, initial=initial)
    if tried is not None:
        form.full_clean()
        form.add_input_error(InputError(tried["problem"], field=tried.get("field", "")))
    return form


def _account(request: HttpRequest) -> CalendarAccount | None:
    key = request.GET.get("account", "")
    if not key:
        return None
    own = accounts_for(request.user).filter(provider=CalendarAccount.Provider.CALDAV)
    return get_object_or_404(own, pk=row_key(key))
