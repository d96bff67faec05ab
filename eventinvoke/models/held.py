"""Held: notices that were held back and that their member has not been told of yet."""

from typing import ClassVar

from django.db import models

from eventinvoke.models.deliveries import Delivery
from eventinvoke.models.periods import Period
from registration.models import Member, Registration


class Held(models.Model):
    """One notice that the next summary lists. The row goes when the summary is made, in the same transaction.

    ``until`` is when that is to be: the end of the period, or of the last one that covered it.
    """

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, primary_key=True, related_name="held")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="held")
    registration = models.ForeignKey(
        Registration,
        on_delete=models.CASCADE,
        related_name="held",
        null=True,
        help_text="The mute; none for what quiet hours held back.",
    )
    period = models.ForeignKey(Period, on_delete=models.SET_NULL, related_name="held", null=True)
    until = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["delivery"]
        verbose_name_plural = "held"
        indexes: ClassVar = [models.Index(fields=["until"], name="held_until")]

    def __str__(self) -> str:
        """Say until when."""
        return f"until {self.until:%Y-%m-%d %H:%M}"
