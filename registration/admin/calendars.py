"""Calendars, and the accounts that some are read through."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from common.clock import now
from registration.admin.base import ReadOnlyAdmin
from registration.forms.administration import CalendarAdminForm
from registration.models import Calendar, CalendarAccount


@admin.register(Calendar)
class CalendarAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Calendars, and how their last reading went."""

    form = CalendarAdminForm
    list_display = (
        "name",
        "owner",
        "kind",
        "host",
        "is_active",
        "synced_at",
        "next_sync_at",
        "failures",
        "problem",
    )
    list_filter = (
        "kind",
        "is_active",
        ("owner", admin.EmptyFieldListFilter),
        ("account", admin.EmptyFieldListFilter),
        ("problem", admin.EmptyFieldListFilter),
    )
    list_select_related = ("owner", "account")
    search_fields = ("name", "owner__name", "account__name", "problem")
    autocomplete_fields = ("owner", "account")
    date_hierarchy = "created_at"
    readonly_fields = (
        "host",
        "remote_id",
        "synced_at",
        "failed_at",
        "failures",
        "problem",
        "expanded_until",
        "source_time_zone",
        "created_at",
    )
    actions = ("read_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Calendar]:
        """Leave the uploaded texts, which may be large, in the database."""
        return super().get_queryset(request).defer("content")

    def get_readonly_fields(self, request: HttpRequest, obj: Calendar | None = None) -> tuple[str, ...]:
        """Leave a member's calendar with its owner: only the owner gives it to another member, or to everyone."""
        owner = obj.owner if obj is not None else None
        is_of_another = owner is not None and owner.user_id != request.user.pk
        return (*self.readonly_fields, "owner") if is_of_another else self.readonly_fields

    @admin.display(description="server")
    def host(self, calendar: Calendar) -> str:
        """The server alone: the rest of an address is often a secret."""
        return urlsplit(calendar.url).hostname or (str(calendar.account) if calendar.account else "-")

    @admin.action(description="Sync the selected calendars now")
    def read_now(self, request: HttpRequest, calendars: QuerySet[Calendar]) -> None:
        """Have calendars read as soon as possible."""
        count = calendars.update(next_sync_at=now())
        messages.success(request, f"{count} will sync within a minute.")


@admin.register(CalendarAccount)
class CalendarAccountAdmin(ReadOnlyAdmin):
    """Accounts with providers of calendars. What they sign in with is shown nowhere."""

    list_display = ("name", "provider", "owner", "created_at", "refused_at", "calendar_count")
    list_filter = (
        "provider",
        ("refused_at", admin.EmptyFieldListFilter),
        ("owner", admin.EmptyFieldListFilter),
    )
    list_select_related = ("owner",)
    search_fields = ("name", "owner__name")
    date_hierarchy = "created_at"
    fields = ("name", "provider", "owner", "url", "created_at", "refused_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarAccount]:
        """Count the calendars in the same query, and leave the secrets in the database."""
        rows: QuerySet[CalendarAccount] = super().get_queryset(request)
        return rows.defer("credentials").annotate(calendars_counted=Count("calendars"))

    @admin.display(description="calendars", ordering="calendars_counted")
    def calendar_count(self, account: Any) -> int:
        """How many calendars are read through it."""
        return int(account.calendars_counted)
