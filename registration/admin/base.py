"""What the administration's pages have in common."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows that only the program writes: they may be looked at and deleted, not changed."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are never added by hand."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are never changed by hand."""
        del request, obj
        return False
