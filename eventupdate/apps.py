"""The configuration of the Django app."""

from django.apps import AppConfig


class EventUpdateConfig(AppConfig):
    """Calendars: read, expanded, and published as events."""

    name = "eventupdate"
    verbose_name = "Calendars"
    default_auto_field = "django.db.models.BigAutoField"
