"""The app's name and place in Django."""

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    """A simulated telephone company and its phones, for installations without a Twilio account."""

    name = "simulator"
    verbose_name = "Simulated phone"
    default_auto_field = "django.db.models.BigAutoField"
