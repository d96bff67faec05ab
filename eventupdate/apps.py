"""The configuration of the Django app."""

from importlib import import_module

from django.apps import AppConfig


class EventUpdateConfig(AppConfig):
    """Calendars: read, expanded, and published as events."""

    name = "eventupdate"
    verbose_name = "Calendars"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what a job of this app does, in every process."""
        import_module("eventupdate.connecting")
