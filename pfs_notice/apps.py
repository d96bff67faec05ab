"""The project's own app: system checks and the commands that concern the whole."""

from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project's own app; it has no models."""

    name = "pfs_notice"
    verbose_name = "PFS Notice"

    def ready(self) -> None:
        """Load the system checks."""
        import_module("pfs_notice.checks")
