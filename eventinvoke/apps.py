"""The app's name and place in Django."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class EventInvokeConfig(AppConfig):
    """Events, deliveries and channels: from publishing to the receipt."""

    name = "eventinvoke"
    verbose_name = "Events and deliveries"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of registrations that are deleted, by a page, the admin or with their calendar."""
        pre_delete.connect(
            _tell_what_was_held, sender="registration.Registration", dispatch_uid="eventinvoke.held"
        )


def _tell_what_was_held(instance: Any, origin: Any, **_about: object) -> None:
    """Tell what a registration that is deleted holds back, unless it goes with its member."""
    from eventinvoke.sending.digest import summarise_of  # noqa: PLC0415 - models are loaded later

    deleted = getattr(origin, "model", type(origin))
    if deleted._meta.label not in {"registration.Member", "registration.User"}:
        summarise_of(instance)
