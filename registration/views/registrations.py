"""Registrations: list, add, edit, decline, switch, delete."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common import sources
from common.clock import now
from common.db.lookups import holds
from registration.access import (
    declinable_registrations_for,
    editable_registrations_for,
    registrations_for,
)
from registration.forms.registrations import DateForm
from registration.forms.standing import StandingForm
from registration.forms.steps import BaseStepFormSet, step_formset
from registration.membership import member_in
from registration.models import Registration, Step, User

PAGE: Final = 30
_FORMS: Final = {Registration.Kind.DATE: DateForm, Registration.Kind.STANDING: StandingForm}
_SHOWN: Final = {
    "date": Q(kind=Registration.Kind.DATE),
    "standing": Q(kind=Registration.Kind.STANDING),
}


@login_required
@require_safe
def registration_list(request: HttpRequest) -> HttpResponse:
    """Show the registrations, with a filter by kind, words and (for the staff) those of all members."""
    rows = _rows(request)
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "").replace("\0", "").strip()[:100]
    if kind in _SHOWN:
        rows = rows.filter(_SHOWN[kind])
    if words:
        columns = ("name", "pattern", "title")
        rows = rows.filter(reduce(or_, (holds(name, words) for name in columns)))
    steps = Prefetch("steps", Step.objects.select_related("target__member"))
    rows = rows.select_related("member", "created_by", "calendar").prefetch_related(steps)
    page = Paginator(rows.order_by("kind", "-starts_at", "name", "pk"), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": page,
        "kind": kind,
        "words": words,
        "editable": _pks(editable_registrations_for(request.user), page.object_list),
        "declinable": _pks(declinable_registrations_for(request.user), page.object_list),
        "now": now(),
        "sources": _sources(page.object_list),
        "is_all": request.GET.get("all") == "1",
    }
    return render(request, "registration/registration_list.html", context)


def _rows(request: HttpRequest) -> "QuerySet[Registration]":
    rows = registrations_for(request.user)
    if request.user.is_staff and request.GET.get("all") != "1":
        member = member_in(request)
        rows = rows.filter(Q(member=member) | Q(created_by=member))
    return rows


def _sources(rows: Iterable[Registration]) -> dict[int, str]:
    """Return what a person calls the sources that registrations name, by the registration's key."""
    named = [row for row in rows if row.calendar_id is None and row.source]
    known = sources.look_up(row.source for row in named)
    return {
        row.pk: one.label
        for row in named
        if (one := known.get(row.source)) is not None and one.owner in {None, row.member_id}
    }


def _pks(allowed: "QuerySet[Registration]", rows: object) -> set[int]:
    pks = [row.pk for row in rows]  # type: ignore[attr-defined]
    return set(allowed.filter(pk__in=pks).values_list("pk", flat=True))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def registration_add(request: HttpRequest) -> HttpResponse:
    """Add a registration; ``kind`` in the query says which, one date if it says nothing."""
    is_standing = request.GET.get("kind") == Registration.Kind.STANDING
    return _edit(request, None, Registration.Kind.STANDING if is_standing else Registration.Kind.DATE)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def registration_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a registration and its plan."""
    registration = get_object_or_404(editable_registrations_for(request.user).select_related("member"), pk=pk)
    return _edit(request, registration, Registration.Kind(registration.kind))


def _edit(request: HttpRequest, registration: Registration | None, kind: Registration.Kind) -> HttpResponse:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - for the type checker: the view requires it
    data = request.POST if request.method == "POST" else None
    initial = (
        {}
        if registration
        else {name: request.GET.get(name, "") for name in ("calendar", "source", "pattern")}
    )
    form = _FORMS[kind](data, instance=registration, user=user, member=member_in(request), initial=initial)
    plan = step_formset(user, member_in(request), registration, data)
    if data is not None and _are_valid(form, plan) and not _is_held_up(form, _steps(form, plan)):
        with transaction.atomic():
            changed = form.prepare()
            changed.save()
            if form.has_plan:
                plan.save(changed)
            else:
                changed.steps.all().delete()
        messages.success(request, f"“{changed}” is saved.")
        return redirect("registration:registration-list")
    context = {"form": form, "plan": plan, "registration": registration, "kind": kind}
    return render(request, "registration/registration_form.html", context)


def _is_held_up(form: DateForm | StandingForm, steps: list[Step]) -> bool:
    return form.refuse_too_many(steps) or form.must_ask(steps)


def _steps(form: DateForm | StandingForm, plan: BaseStepFormSet) -> list[Step]:
    return plan.steps_for(form.instance) if form.has_plan else []


def _are_valid(form: DateForm | StandingForm, plan: BaseStepFormSet) -> bool:
    is_valid = form.is_valid()
    plan.is_needed = form.needs_plan
    return is_valid & (plan.is_valid() or not form.has_plan)


@login_required
@require_POST
def registration_decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Decline a registration that another member added for this one."""
    registration = get_object_or_404(declinable_registrations_for(request.user), pk=pk)
    Registration.objects.filter(pk=registration.pk, declined_at=None).changed(declined_at=now())
    messages.info(request, f"You declined “{registration}”. Its notices stop.")
    return redirect("registration:registration-list")


@login_required
@require_POST
def registration_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept a registration that was declined."""
    registration = get_object_or_404(declinable_registrations_for(request.user), pk=pk)
    Registration.objects.filter(pk=registration.pk).changed(declined_at=None)
    messages.success(request, f"You accepted “{registration}”.")
    return redirect("registration:registration-list")


@login_required
@require_POST
def registration_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a registration off or on, as ``is_active`` in the form says."""
    registration = get_object_or_404(editable_registrations_for(request.user), pk=pk)
    is_active = request.POST.get("is_active") == "1"
    Registration.objects.filter(pk=registration.pk).changed(is_active=is_active)
    return redirect("registration:registration-list")


@login_required
@require_POST
def registration_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a registration; what is still pending of it is not sent any more."""
    registration = get_object_or_404(editable_registrations_for(request.user), pk=pk)
    registration.delete()
    messages.success(request, f"“{registration}” is deleted.")
    return redirect("registration:registration-list")
