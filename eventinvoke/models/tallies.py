"""Tallies: how many notices were sent, failed and reached a person, by channel, for ``/metrics``.

A tally is inserted in the transaction of what it counts: nothing is counted twice or lost, and no two workers wait
for the same row. A few times a minute the rows are added up, so that there are never many.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from django.db import connection, models, transaction
from django.db.models import Sum

from common.db import bulk

BOUNDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of lateness, in seconds, by which what was sent is counted; the last class has none."""
_MANY: Final = 200
"""So many rows are worth adding up."""
_MOST: Final = 5000
"""So many are added up at once."""


class TallyQuerySet(models.QuerySet["Tally"]):
    """Sets of tallies."""

    def note(self, kind: str, counts: "dict[Tally.Topic, int]", lateness: Iterable[float] = ()) -> None:
        """Count some notices of one kind; ``lateness`` has the seconds by which each that was sent was late."""
        rows = [(topic.value, kind, 0, amount, 0.0) for topic, amount in counts.items() if amount]
        classes: Counter[int] = Counter()
        seconds: defaultdict[int, float] = defaultdict(float)
        for one in lateness:
            late = max(0.0, one)
            place = bisect_left(BOUNDS, late)
            classes[place] += 1
            seconds[place] += late
        rows += [
            (Tally.Topic.SENT.value, kind, place, amount, seconds[place]) for place, amount in classes.items()
        ]
        bulk.insert(Tally, ("topic", "kind", "place", "amount", "seconds"), rows)

    def totals(self) -> list[tuple[str, str, int, int, float]]:
        """Return topic, kind, class, number and seconds of all that was counted."""
        sums = self.order_by().values_list("topic", "kind", "place")
        return list(sums.annotate(Sum("amount"), Sum("seconds")))

    def add_up(self) -> int:
        """Replace many rows by their sums; return how many were replaced. No other transaction waits for it."""
        if len(self.order_by("pk").values_list("pk", flat=True)[:_MANY]) < _MANY:
            return 0
        with transaction.atomic():
            rows = self.order_by("pk")
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True)
            found = list(rows[:_MOST])
            sums: dict[tuple[str, str, int], Tally] = {}
            for row in found:
                key = row.topic, row.kind, row.place
                total = sums.setdefault(key, Tally(topic=row.topic, kind=row.kind, place=row.place, amount=0))
                total.amount += row.amount
                total.seconds += row.seconds
            self.filter(pk__in=[row.pk for row in found]).delete()
            self.bulk_create(sums.values())
        return len(found)


class Tally(models.Model):
    """How many notices of one kind had the same fate; all rows of a topic, kind and class add up."""

    class Topic(models.TextChoices):
        """What is counted."""

        SENT = "sent", "a provider took it"
        FAILED = "failed", "it could not be sent"
        UNDELIVERED = "undelivered", "it was sent and did not reach the person"
        EXPIRED = "expired", "its time was over before it could be sent"
        REACHED = "reached", "a person was reached"

    topic = models.CharField(max_length=12, choices=Topic.choices)
    kind = models.CharField(max_length=20)
    place = models.SmallIntegerField(default=0, help_text="The class of lateness: an index of BOUNDS.")
    amount = models.BigIntegerField()
    seconds = models.FloatField(default=0, help_text="The sum of lateness.")

    objects = TallyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        """Say what was counted."""
        return f"{self.amount} {self.topic} by {self.kind}"
