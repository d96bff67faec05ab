"""The beat: it goes on when the machine's clock is set, and sends nothing where too much waits.

Celery's own reckons by the machine's clock. Set two days ahead and back, that would have it wait for
two days; and what it stores for its next start may lie in the future.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from celery.beat import PersistentScheduler, ScheduleEntry

from common.broker import WAKE_UPS, waiting
from common.clock import steady

_STARTED: Final = datetime.now(UTC), steady()


def steady_now() -> datetime:
    """Return the time as it was when this process began, plus what has passed since."""
    at, count = _STARTED
    return at + timedelta(microseconds=(steady() - count) // 1000)


class SteadyScheduler(PersistentScheduler):
    """Celery's scheduler, reckoning by a clock that is never set."""

    def setup_schedule(self) -> None:
        """Read what an earlier beat left, less what it believed to have done in the future."""
        super().setup_schedule()
        instant = steady_now()
        entries: dict[str, Any] = self.schedule
        for entry in entries.values():
            entry.schedule.nowfun = steady_now
            entry.last_run_at = min(entry.last_run_at, instant)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a task, unless its queue holds enough messages."""
        options = entry.options or {}
        if not self._is_full(options.get("queue", self.app.conf.task_default_queue)):
            super().apply_entry(entry, producer)

    @staticmethod
    def _is_full(queue: str) -> bool:
        try:
            return waiting(queue) >= WAKE_UPS
        except Exception:  # noqa: BLE001 - the broker is away: sending says so, and must not end the beat
            return False
