"""The app's name and place in Django."""

from importlib import import_module

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """Members, their targets and their registrations: the control panel."""

    name = "registration"
    verbose_name = "Members and registrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what a job of this app does, in every process."""
        for name in ("registration.direct", "registration.verification"):
            import_module(name)
