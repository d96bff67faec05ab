"""``/metrics``: numbers for Prometheus, read from the database, so that every web process says the same.

``due`` and ``late`` are counted up to ``MOST``; the totals are sums over few rows (``eventinvoke.models.tallies``). The
labels are the installed channels and fixed words.
"""

from collections.abc import Iterator
from itertools import accumulate
from threading import Lock
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from common.channels import registry
from common.clock import now
from eventinvoke.models import Tally
from eventinvoke.models.tallies import BOUNDS
from eventinvoke.sending.due import overdue
from eventinvoke.sending.heartbeats import OVERDUE, signs, silence
from eventinvoke.sending.wake import next_due

MOST: Final = 10_000
"""So many due notices of a channel are counted."""
SECONDS: Final = 5.0
"""How long an answer is kept."""
_LABEL: Final = ["channel"]
_FAILED: Final = (Tally.Topic.FAILED, Tally.Topic.UNDELIVERED, Tally.Topic.EXPIRED)


class _Notices(Collector):
    """What the database says of notices, by channel."""

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics. Raises the database's error."""
        yield from _waiting()
        yield from _counted()
        quiet = silence()
        age = GaugeMetricFamily(
            "pfs_notice_wake_up_age_seconds", "Time since the workers were woken up; -1 after a day."
        )
        age.add_metric([], -1.0 if quiet is None else quiet.total_seconds())
        yield age
        skew = GaugeMetricFamily(
            "pfs_notice_clock_skew_seconds",
            "By how much the clock of a machine differs most from the database's.",
        )
        skew.add_metric([], max((abs(one.skew) for one in signs() if one.skew is not None), default=0.0))
        yield skew


def _waiting() -> Iterator[Metric]:
    due = GaugeMetricFamily(
        "pfs_notice_due", f"Notices that are due and wait, at most {MOST}.", labels=_LABEL
    )
    late = GaugeMetricFamily(
        "pfs_notice_late", f"Those that have waited for more than a minute, at most {MOST}.", labels=_LABEL
    )
    oldest = GaugeMetricFamily(
        "pfs_notice_oldest_due_seconds", "How long the first of them waits.", labels=_LABEL
    )
    instant, first = now(), next_due()
    for kind in registry():
        waits = max(0.0, (instant - first[kind]).total_seconds()) if kind in first else 0.0
        due.add_metric([kind], overdue(kind, MOST, instant) if waits else 0)
        is_late = waits > OVERDUE.total_seconds()
        late.add_metric([kind], overdue(kind, MOST, instant - OVERDUE) if is_late else 0)
        oldest.add_metric([kind], waits)
    yield from (due, late, oldest)


def _counted() -> Iterator[Metric]:
    sent = CounterMetricFamily("pfs_notice_sent", "Messages that a provider took.", labels=_LABEL)
    reached = CounterMetricFamily(
        "pfs_notice_reached", "Notices that reached a person, with evidence of it.", labels=_LABEL
    )
    failed = CounterMetricFamily(
        "pfs_notice_failed",
        "Notices that could not be sent, that were not delivered, or whose time was over.",
        labels=[*_LABEL, "state"],
    )
    lateness = HistogramMetricFamily(
        "pfs_notice_lateness_seconds", "From the due time until a provider took the message.", labels=_LABEL
    )
    totals = {
        (topic, kind, place): (amount, late) for topic, kind, place, amount, late in Tally.objects.totals()
    }
    for kind in registry():
        classes = [totals.get((Tally.Topic.SENT, kind, place), (0, 0.0)) for place in range(len(BOUNDS) + 1)]
        sums = list(accumulate(amount for amount, _late in classes))
        bounds = [*map(str, BOUNDS), "+Inf"]
        lateness.add_metric(
            [kind], list(zip(bounds, sums, strict=True)), sum(late for _amount, late in classes)
        )
        sent.add_metric([kind], sums[-1])
        reached.add_metric([kind], totals.get((Tally.Topic.REACHED, kind, 0), (0, 0.0))[0])
        for topic in _FAILED:
            failed.add_metric([kind, topic.value], totals.get((topic, kind, 0), (0, 0.0))[0])
    yield from (sent, reached, failed, lateness)


_registry: Final = CollectorRegistry(auto_describe=False)
_registry.register(_Notices())
_lock: Final = Lock()
_made: tuple[float, bytes] = (float("-inf"), b"")


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format, at most ``SECONDS`` old. Raises the database's error."""
    global _made  # noqa: PLW0603 - one answer for the whole process
    with _lock:
        if monotonic() - _made[0] > SECONDS:
            _made = monotonic(), generate_latest(_registry)
        return _made[1]
