"""Django's admin for what was read of calendars: to look at, as only the program writes it."""

import zlib

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from eventupdate.models import Entry
from registration.admin import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """The entries of calendars as their sources gave them last."""

    list_display = ("key", "calendar", "is_recurring", "starts_at", "problem", "unknown_zone")
    list_filter = (
        "is_recurring",
        ("problem", admin.EmptyFieldListFilter),
        ("unknown_zone", admin.EmptyFieldListFilter),
    )
    list_select_related = ("calendar",)
    search_fields = ("key", "calendar__name", "problem", "unknown_zone")
    ordering = ("-pk",)
    fields = (
        "calendar",
        "key",
        "version",
        "is_recurring",
        "starts_at",
        "problem",
        "unknown_zone",
        "written",
    )
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        """Leave the texts in the database; the page of one entry reads its own."""
        rows: QuerySet[Entry] = super().get_queryset(request)
        return rows.defer("text", "calendar__content")

    @admin.display(description="text")
    def written(self, entry: Entry) -> str:
        """What the source wrote, after a line with its UID."""
        try:
            return zlib.decompress(bytes(entry.text)).decode(errors="replace")
        except zlib.error:
            return "This can't be read."
