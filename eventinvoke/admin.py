"""Django's admin for events and deliveries: to look at, as only the program writes them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from eventinvoke.models import (
    Answer,
    Attempt,
    DailyCount,
    Delivery,
    Event,
    EventChange,
    Held,
    InboxMark,
    Period,
    RateLimit,
    Receipt,
)
from registration.admin import ReadOnlyAdmin


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows below another one, to look at."""

    extra = 0
    can_delete = False
    show_change_link = True
    max_num = 0

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: only the program changes them."""
        del request, obj
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What sources have published."""

    list_display = ("title", "source", "starts_at", "ends_at", "severity", "canceled_at")
    list_filter = ("severity", "is_all_day", ("canceled_at", admin.EmptyFieldListFilter))
    search_fields = ("title", "source", "external_id", "location")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at",)


@admin.register(EventChange)
class EventChangeAdmin(ReadOnlyAdmin):
    """What sources altered of events."""

    list_display = ("at", "kind", "event", "source")
    list_filter = ("kind",)
    list_select_related = ("event",)
    search_fields = ("event__title", "event__source")
    date_hierarchy = "at"
    ordering = ("-at", "-pk")
    show_full_result_count = False

    @admin.display(ordering="event__source")
    def source(self, change: EventChange) -> str:
        """Where the event comes from."""
        return change.event.source


@admin.register(Period)
class PeriodAdmin(ReadOnlyAdmin):
    """When members are muted or away."""

    list_display = ("member", "kind", "starts_at", "ends_at", "event", "registration", "summarised_at")
    list_filter = ("kind", ("summarised_at", admin.EmptyFieldListFilter))
    list_select_related = ("member", "event", "registration")
    search_fields = ("member__name", "event__title", "registration__name")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at", "-pk")
    show_full_result_count = False


@admin.register(Held)
class HeldAdmin(ReadOnlyAdmin):
    """What was held back and is told of in the next summary."""

    list_display = ("delivery", "member", "registration", "until")
    list_select_related = ("delivery", "member", "registration")
    search_fields = ("member__name", "registration__name")
    ordering = ("until", "pk")
    show_full_result_count = False


class AttemptInline(ReadOnlyInline):
    """The tries of a delivery."""

    model = Attempt
    fields = ("number", "started_at", "ended_at", "outcome", "provider_id", "reason")


class AnswerInline(ReadOnlyInline):
    """What the member said to it."""

    model = Answer
    fields = ("at", "member", "kind", "way")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The queue and the history. Only the program changes a state."""

    list_display = ("event", "member", "kind", "target", "due_at", "state", "attempts", "severity", "reason")
    list_filter = ("state", "kind", "severity", "origin")
    list_select_related = ("event", "member", "target")
    search_fields = ("event__title", "member__name", "target__shown", "reason")
    date_hierarchy = "due_at"
    ordering = ("-due_at", "-pk")
    inlines = (AttemptInline, AnswerInline)
    actions = ("cancel",)
    show_full_result_count = False

    @admin.action(
        description="Cancel those of the selected deliveries that are still pending", permissions=["delete"]
    )
    def cancel(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Cancel what was not sent yet."""
        pks = list(deliveries.values_list("pk", flat=True))
        count = Delivery.objects.filter(pk__in=pks).cancel("Canceled by an administrator.", for_good=True)
        messages.success(request, f"{count} of {len(pks)} canceled; the others were not pending any more.")


class ReceiptInline(ReadOnlyInline):
    """What was reported about a try."""

    model = Receipt
    fields = ("received_at", "status", "sequence", "is_applied")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Each try with a provider."""

    list_display = ("started_at", "delivery", "number", "outcome", "provider_id", "reason")
    list_filter = ("outcome", "delivery__kind")
    list_select_related = ("delivery",)
    search_fields = ("provider_id", "reason", "delivery__event__title")
    date_hierarchy = "started_at"
    ordering = ("-started_at",)
    inlines = (ReceiptInline,)
    show_full_result_count = False


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """What providers, phones and browsers reported."""

    list_display = ("received_at", "status", "is_applied", "sequence", "attempt")
    list_filter = ("status", "is_applied")
    list_select_related = ("attempt",)
    search_fields = ("status", "attempt__provider_id")
    date_hierarchy = "received_at"
    ordering = ("-received_at",)
    show_full_result_count = False


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    """What members said to notices."""

    list_display = ("at", "member", "kind", "way", "event")
    list_filter = ("kind", "way")
    list_select_related = ("member", "event")
    search_fields = ("member__name", "event__title")
    date_hierarchy = "at"
    ordering = ("-at",)


@admin.register(InboxMark)
class InboxMarkAdmin(ReadOnlyAdmin):
    """When members last opened the inbox."""

    list_display = ("member", "read_at")
    list_select_related = ("member",)
    search_fields = ("member__name",)


@admin.register(RateLimit)
class RateLimitAdmin(ReadOnlyAdmin):
    """The token buckets of the channels."""

    list_display = ("kind", "tokens", "counted_at")


@admin.register(DailyCount)
class DailyCountAdmin(ReadOnlyAdmin):
    """How many notices each member was sent on each day."""

    list_display = ("day", "member", "used")
    list_select_related = ("member",)
    search_fields = ("member__name",)
    ordering = ("-day",)
