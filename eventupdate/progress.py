"""A progress bar for a command on a terminal; without a terminal it prints nothing."""

from types import TracebackType
from typing import Final, Self

from django.core.management.base import OutputWrapper

_WIDTH: Final = 30
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """A bar below the printed lines; use it as a context manager."""

    def __init__(self, stream: OutputWrapper, total: int, what: str) -> None:
        """Count up to ``total``; show it only if the stream is a terminal."""
        self._stream = stream
        self._total = total
        self._what = what
        self._done = 0
        self._is_shown = total > 1 and stream.isatty()

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def hide(self) -> None:
        """Remove the bar, so that a line can be printed."""
        if self._is_shown:
            self._stream.write(_CLEAR, ending="")
            self._stream.flush()

    def step(self) -> None:
        """Count one more and redraw the bar."""
        self._done += 1
        self._draw()

    def _draw(self) -> None:
        if not self._is_shown:
            return
        filled = _WIDTH * self._done // self._total
        bar = "#" * filled + "." * (_WIDTH - filled)
        self._stream.write(f"{_CLEAR}[{bar}] {self._done} of {self._total} {self._what}", ending="")
        self._stream.flush()
