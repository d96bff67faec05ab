"""The admin pages of stored calendar entries; they are read-only, as only syncs write entries."""

import zlib

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from eventupdate.models import Entry
from registration.admin import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """The entries of calendars as they were last read."""

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
        """Return the rows without their texts, which only the page of one entry needs."""
        rows: QuerySet[Entry] = super().get_queryset(request)
        return rows.defer("text", "calendar__content")

    @admin.display(description="text")
    def written(self, entry: Entry) -> str:
        """The UID in the first line, then the text as the source wrote it."""
        try:
            return zlib.decompress(bytes(entry.text)).decode(errors="replace")
        except zlib.error:
            return "This can't be read."
