"""The project's own app: system checks and the commands that concern the whole."""

from importlib import import_module

from django.apps import AppConfig

from common.db.instants import read_fast


class ProjectConfig(AppConfig):
    """The project's own app; it has no models."""

    name = "pfs_notice"
    verbose_name = "PFS Notice"

    def ready(self) -> None:
        """Load the system checks and the Celery application, by whose settings every process finds the broker."""
        import_module("pfs_notice.checks")
        import_module("pfs_notice.key_check")
        import_module("pfs_notice.celery")
        import_module("pfs_notice.provider_checks")
        read_fast()
