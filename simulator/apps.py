"""The app's name and place in Django."""

from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    """A telephone company and a phone for those who have no account with a real one."""

    name = "simulator"
    verbose_name = "Simulated phone"
    default_auto_field = "django.db.models.BigAutoField"
