"""Calendars: list, add, read now, delete."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.clock import now
from registration.access import calendars_for, editable_calendars_for
from registration.forms.calendars import CalendarForm
from registration.membership import member_in
from registration.models import Calendar, Registration


@login_required
@require_safe
def calendar_list(request: HttpRequest) -> HttpResponse:
    """Show the calendars, and how the last reading of each went."""
    calendars: QuerySet[Calendar] = calendars_for(request.user)
    if request.user.is_staff and request.GET.get("all") != "1":
        calendars = Calendar.objects.visible_to(member_in(request))
    calendars = calendars.select_related("owner").defer("content").annotate(uses=Count("registrations"))
    editable = set(editable_calendars_for(request.user).values_list("pk", flat=True))
    context = {"calendars": calendars[:200], "editable": editable, "is_all": request.GET.get("all") == "1"}
    return render(request, "panel/calendar_list.html", context)


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
        messages.success(request, f"“{calendar}” is added, and read within a minute.")
        return redirect("registration:calendar-list")
    return render(request, "panel/calendar_form.html", {"form": form})


@login_required
@require_POST
def calendar_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a calendar read as soon as possible."""
    calendar = get_object_or_404(editable_calendars_for(request.user), pk=pk)
    Calendar.objects.filter(pk=calendar.pk).update(next_sync_at=now(), is_active=True)
    messages.info(request, f"“{calendar}” is read within a minute.")
    return redirect("registration:calendar-list")


@login_required
@require_POST
def calendar_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a calendar with the registrations that name it; others lose its entries."""
    calendar = get_object_or_404(editable_calendars_for(request.user), pk=pk)
    affected = Registration.objects.filter(kind=Registration.Kind.STANDING, calendar=None, source="")
    if calendar.owner_id is not None:
        affected = affected.filter(member=calendar.owner_id)
    with transaction.atomic():
        calendar.delete()
        affected.changed()
    messages.success(request, f"“{calendar}” is deleted.")
    return redirect("registration:calendar-list")
