"""What costs money for each message is counted by day."""

from typing import ClassVar

from django.db import models


class PaidCount(models.Model):
    """How many messages of a kind went out on a day (UTC) to one member, or to all of the installation."""

    day = models.DateField()
    kind = models.CharField(max_length=20)
    member = models.PositiveBigIntegerField(
        help_text="The member's key, which outlives the member; 0: all members."
    )
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "kind", "member"], name="paid_count_once"),
        ]

    def __str__(self) -> str:
        """Say the day, the kind and the number."""
        return f"{self.day} {self.kind}: {self.used}"
