"""Prepared: what a channel made ready of a notice in the minute before its time."""

from django.db import models

from eventinvoke.models.deliveries import Delivery
from eventinvoke.querysets import PreparedQuerySet


class Prepared(models.Model):
    """A notice that is ready to be sent (an encrypted push). A cache: without it, it is made at the instant.

    On PostgreSQL the table is not logged, as a crash may well empty it.
    """

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, primary_key=True, related_name="prepared", db_constraint=False
    )
    attempt_id = models.UUIDField(help_text="The id that its first attempt will have.")
    body = models.BinaryField(help_text="As the channel made it; the channel knows whether it still holds.")

    objects = PreparedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "prepared"

    def __str__(self) -> str:
        """Name the delivery."""
        return f"prepared {self.pk}"
