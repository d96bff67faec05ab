"""The app's name and place in Django."""

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """Members, their targets and their registrations: the control panel."""

    name = "registration"
    verbose_name = "Members and registrations"
    default_auto_field = "django.db.models.BigAutoField"
