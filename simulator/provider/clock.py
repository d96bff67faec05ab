"""Simulated time: dates are the real ones, waiting is scaled."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """A clock on which a simulated second takes ``scale`` real ones."""

    def __init__(self, scale: float) -> None:
        """Start it."""
        self.scale = scale

    def now(self) -> datetime:
        """Return the real instant, in UTC."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """Return simulated seconds since an arbitrary moment; they never go back."""
        return time.monotonic() / self.scale

    async def sleep(self, seconds: float) -> None:
        """Let so many simulated seconds pass."""
        await asyncio.sleep(max(seconds, 0.0) * self.scale)

    def real(self, seconds: float) -> float:
        """Return how many real seconds so many simulated ones take."""
        return seconds * self.scale
