"""The loop: starts the children, prints their output, restarts them, ends them."""

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from pfs_notice.supervisor.child import Child, Program

PATIENCE_SECONDS: Final = 8.0
"""How long a child may take to end before it is killed."""
_ASK_AGAIN_SECONDS: Final = 1.0
"""A program that is just starting may lose a signal, so it is repeated."""
_POLL_SECONDS: Final = 0.05


class Supervisor:
    """Keeps a set of programs running until SIGINT or SIGTERM. It has one thread, so that it may fork."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        poll: Callable[["Supervisor"], bool] | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the programs to run.

        ``poll`` is called again and again until it returns True (to find out when the stack is up);
        ``close`` is called in each child, to close what belongs to the parent.
        """
        self.children = [Child(program) for program in programs]
        self._poll = poll
        self._close = close
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._is_ending = False
        self._width = max(len(program.name) for program in programs)

    def say(self, name: str, line: str) -> None:
        """Print a line with the name of its child; end the stack when the terminal or pipe is closed."""
        try:
            sys.stdout.write(f"{name:<{self._width}} | {line}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for what is still to be said
            self._is_ending = True

    def add(self, program: Program) -> None:
        """Take one more program."""
        self.children.append(Child(program))

    def run(self) -> None:
        """Run until a signal ends it; return when no child is left."""
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` and a shell's background jobs have some of them ignored, and that is to stay so.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._end_requested)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        try:
            while not self._is_ending:
                self._start_due()
                self._step(self._next_timeout())
                if self._poll is not None and self._poll(self):
                    self._poll = None
        finally:
            self._end_all()

    def _end_requested(self, _number: int, _frame: FrameType | None) -> None:
        self._is_ending = True

    def _start_due(self) -> None:
        for child in self.children:
            if child.is_due and not child.is_held:
                child.start(forget=self._forget)
                self._selector.register(child.output, selectors.EVENT_READ, child)

    def _forget(self) -> None:
        """Close the parent's descriptors, in a child."""
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        os.close(self._wake_write)
        self._selector.close()
        self._close()

    def _next_timeout(self) -> float | None:
        waits = [_POLL_SECONDS] if self._poll is not None else []
        for child in self.children:
            if child.is_held:
                waits.append(_POLL_SECONDS)
            elif child.start_at is not None:
                waits.append(max(0.0, child.start_at - time.monotonic()))
        return min(waits, default=None)

    def _step(self, timeout: float | None) -> None:
        """Wait for output, for a signal or for the time; deal with what came."""
        for key, _events in self._selector.select(timeout):
            if isinstance(key.data, Child):
                self._pass_on(key.data)
            else:
                os.read(self._wake_read, 4096)
        self._reap()

    def _pass_on(self, child: Child) -> None:
        lines = child.read()
        if lines is None:
            self._selector.unregister(child.output)
            os.close(child.output)
            child.output = -1
            return
        for line in lines:
            self.say(child.program.name, line)

    def _reap(self) -> None:
        for child in self.children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._drain(child)
                words = child.ended(status)
                if not self._is_ending:
                    self.say(child.program.name, words)

    def _drain(self, child: Child) -> None:
        """Pass on the last words of a child that is dead.

        Its own children may hold the pipe open: what is there is read, the end is not waited for.
        """
        while child.output != -1:
            lines = child.read()
            for line in lines or []:
                self.say(child.program.name, line)
            if not lines:
                self._selector.unregister(child.output)
                os.close(child.output)
                child.output = -1

    def _end_all(self) -> None:
        self._is_ending = True
        for is_last in (False, True):
            chosen = [child for child in self.children if child.program.is_last is is_last]
            for child in chosen:
                child.start_at = None
            began = asked = 0.0
            while any(child.pid for child in chosen):
                now = time.monotonic()
                began = began or now
                if now - began > PATIENCE_SECONDS:
                    self._kill(chosen)
                elif now - asked > _ASK_AGAIN_SECONDS:
                    asked = now
                    for child in chosen:
                        child.signal(signal.SIGTERM)
                self._step(_POLL_SECONDS)
        signal.set_wakeup_fd(-1)

    def _kill(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.pid and not child.is_killed:
                child.is_killed = True
                self.say(child.program.name, f"did not end within {PATIENCE_SECONDS:.0f} s; it is killed")
                child.signal(signal.SIGKILL)
