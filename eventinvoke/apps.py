"""The app's name and place in Django."""

from django.apps import AppConfig


class EventInvokeConfig(AppConfig):
    """Events, deliveries and channels: from publishing to the receipt."""

    name = "eventinvoke"
    verbose_name = "Events and deliveries"
    default_auto_field = "django.db.models.BigAutoField"
