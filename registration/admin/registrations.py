"""Registrations and their plans."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest

from registration.admin.base import ReadOnlyAdmin
from registration.forms.administration import RegistrationAdminForm, StepAdminForm
from registration.forms.steps import MAX_STEPS
from registration.models import Registration, Step
from registration.offsets import say_offset
from registration.querysets import RegistrationQuerySet


class StepInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """The plan."""

    model = Step
    form = StepAdminForm
    extra = 0
    max_num = MAX_STEPS
    autocomplete_fields = ("target",)


@admin.register(Registration)
class RegistrationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Registrations with their plans; a change is planned again."""

    form = RegistrationAdminForm
    list_display = (
        "name",
        "kind",
        "action",
        "member",
        "starts_at",
        "pattern",
        "exclude",
        "calendar",
        "is_active",
        "declined_at",
        "is_planned",
    )
    list_filter = (
        "kind",
        "action",
        "syntax",
        "is_active",
        "skips_away",
        "severity",
        ("declined_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("member", "calendar")
    search_fields = ("name", "title", "pattern", "exclude", "text", "member__name")
    autocomplete_fields = ("member", "created_by", "calendar")
    readonly_fields = ("is_planned", "created_at", "updated_at")
    date_hierarchy = "created_at"
    inlines = (StepInline,)
    actions = ("switch_on", "switch_off")
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """Have the registration planned again once its steps are stored too."""
        super().save_related(request, form, formsets, change)
        Registration.objects.filter(pk=form.instance.pk).changed()

    @admin.action(description="Switch the selected registrations on")
    def switch_on(self, request: HttpRequest, registrations: RegistrationQuerySet) -> None:
        """Switch registrations on."""
        count = registrations.changed(is_active=True)
        messages.success(request, f"{count} switched on.")

    @admin.action(description="Switch the selected registrations off")
    def switch_off(self, request: HttpRequest, registrations: RegistrationQuerySet) -> None:
        """Switch registrations off."""
        count = registrations.changed(is_active=False)
        messages.success(request, f"{count} switched off.")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    """All steps, to search in; they are changed with their registration."""

    list_display = ("registration", "target", "when", "condition")
    fields = ("registration", "target", "when", "condition", "redials")
    list_filter = ("condition", "target__kind")
    list_select_related = ("registration", "target")
    search_fields = ("registration__name", "target__shown", "target__label")

    @admin.display(description="when", ordering="offset")
    def when(self, step: Step) -> str:
        """Say when it is carried out, in words."""
        return say_offset(step.offset)
