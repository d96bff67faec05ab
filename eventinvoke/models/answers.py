"""Answers: what a member said to a notice."""

from typing import ClassVar

from django.db import models

from common.clock import now
from common.db.loose import LOOSE, loose
from eventinvoke.models.deliveries import Delivery
from eventinvoke.models.events import Event
from registration.models import Member


@loose("member")
class Answer(models.Model):
    """What a member said about an event, by a key, a button or a link.

    ``CONFIRMED`` is the acknowledgement: it ends what is still pending for the event.
    """

    class Kind(models.TextChoices):
        """What was said."""

        CONFIRMED = "confirmed", "acknowledged"
        SNOOZED = "snoozed", "snoozed"
        PASSED_ON = "passed_on", "passed on to the next person"
        STOPPED = "stopped", "stopped"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="answers")
    member = models.ForeignKey(Member, related_name="answers", **LOOSE)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="answers", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    starts_at = models.DateTimeField(help_text="The start that the member was told.")
    way = models.CharField(
        max_length=20, help_text="By what it was said: a key, a link, a button, the inbox."
    )
    channel = models.CharField(
        max_length=20, blank=True, default="", help_text="The kind of channel of the notice that it answers."
    )
    member_name = models.CharField(max_length=150, blank=True, default="")
    at = models.DateTimeField(default=now)

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["delivery", "kind", "starts_at"], name="answer_once_a_start"),
        ]
        indexes: ClassVar = [models.Index(fields=["member", "at"], name="answer_of_member")]

    def __str__(self) -> str:
        """Return what was said."""
        return self.get_kind_display()
