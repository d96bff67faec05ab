"""Calendars: list, add, edit, sync now, switch off, delete."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from common.requests import next_page
from registration.access import calendars_for, editable_calendars_for
from registration.forms.calendar_edit import CalendarEditForm
from registration.forms.calendars import CalendarForm
from registration.membership import member_in
from registration.models import Calendar, Registration
from registration.querysets import RegistrationQuerySet

_LIMIT: Final = 200


@login_required
@require_safe
def calendar_list(request: HttpRequest) -> HttpResponse:
    """Show the calendars, and how the last reading of each went.

    A page that is open already asks with its token, and gets 204 while nothing changed.
    """
    calendars: QuerySet[Calendar] = calendars_for(request.user)
    if request.user.is_staff and request.GET.get("all") != "1":
        calendars = Calendar.objects.visible_to(member_in(request))
    rows = list(
        calendars.select_related("owner", "account")
        .defer("content", "url", "user_name", "password", "sync_token")
        .annotate(uses=Count("registrations"))[:_LIMIT]
    )
    token = _token(rows)
    if request.headers.get("HX-Request") and request.GET.get("token") == token:
        return HttpResponse(status=204)
    context = {
        "calendars": rows,
        "editable": set(editable_calendars_for(request.user).values_list("pk", flat=True)),
        "is_all": request.GET.get("all") == "1",
        "token": token,
        "now": now(),
    }
    return render(request, "registration/calendar_list.html", context)


def _token(calendars: Iterable[Calendar]) -> str:
    """Return a short word that changes with what the page shows."""
    instant = now()
    shown = [
        (c.pk, c.name, c.is_active, c.synced_at, c.problem, (c.next_sync_at or instant) > instant)
        for c in calendars
    ]
    return sha256(repr(shown).encode()).hexdigest()[:16]


@sensitive_post_parameters("url", "user_name", "password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_add(request: HttpRequest) -> HttpResponse:
    """Add a calendar by its address or by a file."""
    form = CalendarForm(
        request.POST or None,
        request.FILES or None,
        member=member_in(request),
        is_staff=request.user.is_staff,
    )
    if request.method == "POST" and form.is_valid():
        calendar = form.save()
        messages.success(request, f"“{calendar}” is added. The first sync starts within a minute.")
        return redirect("registration:calendar-list")
    return render(request, "registration/calendar_form.html", {"form": form})


@sensitive_post_parameters("url", "user_name", "password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a calendar: its name, its address, how often it is synced, and with whom it is shared."""
    calendar = get_object_or_404(editable_calendars_for(request.user), pk=pk)
    owner = calendar.owner_id
    form = CalendarEditForm(
        request.POST or None,
        request.FILES or None,
        instance=calendar,
        member=member_in(request),
        is_staff=request.user.is_staff,
    )
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            calendar = form.save()
            if calendar.owner_id != owner:
                _looking_at(calendar, None).changed()
        messages.success(request, f"“{calendar}” is saved.")
        if form.loses_sign_in:
            said = "The address is on another server now. Enter the user name and the password for it again."
            messages.warning(request, said)
            return redirect("registration:calendar-edit", pk=calendar.pk)
        return redirect("registration:calendar-list")
    return render(request, "registration/calendar_form.html", {"form": form, "calendar": calendar})


def _looking_at(calendar: Calendar, owner: int | None) -> RegistrationQuerySet:
    """Return the registrations that look at a calendar of this owner (None: of every member)."""
    found = Registration.objects.filter(
        Q(calendar=calendar) | Q(calendar=None, source=""), kind=Registration.Kind.STANDING
    )
    return found if owner is None else found.filter(member=owner)


@login_required
@require_POST
def calendar_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a calendar read as soon as possible."""
    calendar = get_object_or_404(editable_calendars_for(request.user), pk=pk)
    Calendar.objects.filter(pk=calendar.pk).update(next_sync_at=now(), is_active=True)
    messages.info(request, f"“{calendar}” syncs within a minute.")
    return next_page(request, "registration:calendar-list")


@login_required
@require_POST
def calendar_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a calendar off or on, as ``is_active`` in the form says.

    Off, it is not synced, and the notices of its events stop within a minute.
    """
    calendar = get_object_or_404(editable_calendars_for(request.user), pk=pk)
    is_active = request.POST.get("is_active") == "1"
    state = {"is_active": is_active} | ({"next_sync_at": now()} if is_active else {})
    Calendar.objects.filter(pk=calendar.pk).update(**state)
    if not is_active:
        messages.info(request, f"Notices for “{calendar}” stop within a minute.")
    return next_page(request, "registration:calendar-list")


@login_required
@require_POST
def calendar_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a calendar with the registrations that name it; others lose its entries."""
    calendar = get_object_or_404(editable_calendars_for(request.user), pk=pk)
    affected = _looking_at(calendar, calendar.owner_id).filter(calendar=None)
    with transaction.atomic():
        Calendar.objects.filter(pk=calendar.pk).lock()
        affected.changed()
        calendar.delete()
    messages.success(request, f"“{calendar}” is deleted.")
    return redirect("registration:calendar-list")
