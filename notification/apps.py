"""The app's name and place in Django."""

from django.apps import AppConfig


class NotificationConfig(AppConfig):
    """What providers fetch and what they call back: call contents, receipts, confirmations."""

    name = "notification"
    verbose_name = "Call contents and callbacks"
    default_auto_field = "django.db.models.BigAutoField"
