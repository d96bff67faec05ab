"""The pages of a connected account of any provider: choosing calendars, and disconnecting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.errors import InputError
from eventupdate.choosing import Choice, calendars_let_go, choose
from eventupdate.connecting import CONNECT, DISCONNECT, EXCHANGE, LIST, calendars_in
from eventupdate.reading import RemoteCalendar
from registration.access import accounts_for
from registration.jobs import result_for
from registration.membership import member_in
from registration.models import Calendar, CalendarAccount
from registration.views.jobs import wait_for


@dataclass(frozen=True, slots=True)
class Row:
    """A calendar in the list of choices."""

    remote_id: str
    name: str
    is_primary: bool
    is_chosen: bool
    is_listed: bool
    """Whether the provider still lists it."""
    uses: int
    """How many registrations name it."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account_choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the calendars of an account to read. Removing one needs a confirmation."""
    account = get_object_or_404(accounts_for(request.user), pk=pk)
    result = result_for(request, member_in(request), LIST, CONNECT, EXCHANGE) or {}
    if result.get("account", pk) != pk or not result:
        is_asked = request.method == "POST"
        return _list(request, account) if is_asked else _offer_list(request, account)
    if "problem" in result:
        url = connect_url(account) if result.get("is_refused") else ""
        context = {"account": account, "problem": result["problem"], "connect_url": url}
        return render(request, "eventupdate/account_choose.html", context)
    remote = calendars_in(result)
    if request.method == "POST":
        return _take(request, account, remote)
    context = {"account": account, "rows": list(_rows(account, remote))}
    return render(request, "eventupdate/account_choose.html", context)


@login_required
@require_POST
def account_disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a worker delete an account with its calendars and the registrations that name them."""
    account = get_object_or_404(accounts_for(request.user), pk=pk)
    try:
        back = reverse("eventupdate:account-disconnected")
        return wait_for(request, DISCONNECT, back, account=account.pk)
    except InputError as error:
        messages.warning(request, error.message)
        return redirect("registration:calendar-list")


@login_required
@require_safe
def account_disconnected(request: HttpRequest) -> HttpResponse:
    """Say that an account is disconnected."""
    result = result_for(request, member_in(request), DISCONNECT) or {}
    if "problem" in result:
        messages.error(request, result["problem"])
    elif result:
        messages.success(request, f"“{result['name']}” is disconnected, and its calendars are deleted.")
    return redirect("registration:calendar-list")


def _offer_list(request: HttpRequest, account: CalendarAccount) -> HttpResponse:
    """Show the page that has the list made: by itself where scripts run, else by a button."""
    return render(request, "eventupdate/account_list_calendars.html", {"account": account})


def _list(request: HttpRequest, account: CalendarAccount) -> HttpResponse:
    """Have a worker ask the provider for the account's calendars."""
    try:
        return wait_for(request, LIST, request.path, account=account.pk)
    except InputError as error:
        messages.warning(request, error.message)
        return redirect("registration:calendar-list")


def connect_url(account: CalendarAccount) -> str:
    """Return the URL of the page to connect the account again."""
    return f"{reverse(f'eventupdate:{account.provider}-connect')}?{urlencode({'account': account.pk})}"


def _take(request: HttpRequest, account: CalendarAccount, remote: Sequence[RemoteCalendar]) -> HttpResponse:
    all_rows = list(_rows(account, remote))
    chosen = {row.remote_id for row in all_rows} & {*request.POST.getlist("chosen")}
    let_go = calendars_let_go(account, chosen)
    confirmed = {one.pk for one in let_go if str(one.pk) in request.POST.getlist("let_go")}
    if len(confirmed) < len(let_go):
        rows = [row for row in all_rows if row.is_chosen and row.remote_id not in chosen]
        context = {"account": account, "rows": rows, "chosen": sorted(chosen), "let_go": let_go}
        return render(request, "eventupdate/account_confirm.html", context)
    try:
        choice = choose(account, remote, chosen, confirmed)
    except InputError as error:
        context = {"account": account, "rows": all_rows, "problem": error.message}
        return render(request, "eventupdate/account_choose.html", context)
    messages.success(request, _said(choice))
    return redirect("registration:calendar-list")


def _said(choice: Choice) -> str:
    parts = []
    if choice.added:
        what = "One calendar is" if choice.added == 1 else f"{choice.added} calendars are"
        parts.append(f"{what} added. The first sync starts within a minute.")
    if choice.removed:
        what = "One calendar is" if choice.removed == 1 else f"{choice.removed} calendars are"
        parts.append(f"{what} deleted.")
    return " ".join(parts) or "No changes."


def _rows(account: CalendarAccount, remote: Sequence[RemoteCalendar]) -> Iterator[Row]:
    """Yield the provider's calendars, then stored ones that it no longer lists."""
    read: dict[str, Calendar] = {
        calendar.remote_id: calendar
        for calendar in account.calendars.defer("content").annotate(uses=Count("registrations"))
    }
    for one in remote:
        calendar = read.pop(one.remote_id, None)
        uses = getattr(calendar, "uses", 0)
        yield Row(one.remote_id, one.name, one.is_primary, calendar is not None, is_listed=True, uses=uses)
    for calendar in read.values():
        uses = getattr(calendar, "uses", 0)
        yield Row(
            calendar.remote_id, calendar.name, is_primary=False, is_chosen=True, is_listed=False, uses=uses
        )
