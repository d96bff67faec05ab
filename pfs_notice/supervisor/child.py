"""One child process: how it is started, what it says, how it ends."""

import contextlib
import ctypes
import os
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
_LONGEST_LINE: Final = 65_536
_FIRST_DELAY: Final = 1.0
_LONGEST_DELAY: Final = 30.0
_STEADY_SECONDS: Final = 60.0
"""A child that ran for this long is restarted with a short delay."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a child runs: a program of the machine, or a Python module that is run as a script."""

    name: str
    argv: tuple[str, ...]
    """The command line; with ``is_module`` the module's name is first."""
    is_module: bool = False
    is_once: bool = False
    """It runs once and is not restarted."""
    is_last: bool = False
    """It is ended after the others, which need it until then."""
    hint: str = ""
    """Where to look when it died, in a few words."""
    needs: Path | None = None
    """A file (a socket) that has to be there before it is started."""


@dataclass(slots=True)
class Child:
    """A program and the process that runs it now, if any. Times are of the monotonic clock."""

    program: Program
    pid: int = 0
    output: int = -1
    """The file descriptor on which the process's output is read; -1 when there is none."""
    started_at: float = 0.0
    start_at: float | None = 0.0
    """When to start it next; None while it runs, and when it need not run again."""
    delay: float = _FIRST_DELAY
    is_killed: bool = False
    _rest: bytes = field(default=b"", repr=False)

    def start(self, *, forget: Callable[[], None]) -> None:
        """Start the process. ``forget`` is called in the new process to close what is the parent's."""
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(self.program, parent, reading, writing, forget)
        os.close(writing)
        os.set_blocking(reading, False)
        self.pid, self.output = pid, reading
        self.started_at, self.start_at = time.monotonic(), None

    @property
    def is_due(self) -> bool:
        """Say whether it is to be started now."""
        return self.start_at is not None and self.start_at <= time.monotonic()

    @property
    def is_held(self) -> bool:
        """Say whether it is due but lacks what it needs."""
        return self.is_due and self.program.needs is not None and not self.program.needs.exists()

    def read(self) -> list[str] | None:
        """Return the whole lines that came since, or None at the end of the output."""
        try:
            chunk = os.read(self.output, _LONGEST_LINE)
        except BlockingIOError:
            return []
        if not chunk:
            return None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        return [line.decode(errors="replace") for line in lines]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self.pid:
            os.kill(self.pid, number)

    def ended(self, status: int) -> str:
        """Note the end of the process, plan its next start, and return what happened in words."""
        _sweep(self.pid)
        lived = time.monotonic() - self.started_at
        code = os.waitstatus_to_exitcode(status)
        self.pid = 0
        if self.program.is_once:
            self.start_at = None
            return f"ended with code {code}" if code else "done"
        if lived > _STEADY_SECONDS:
            self.delay = _FIRST_DELAY
        delay, self.delay = self.delay, min(self.delay * 2, _LONGEST_DELAY)
        self.start_at = time.monotonic() + delay
        reason = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        hint = f" ({self.program.hint})" if self.program.hint else ""
        return f"{reason}{hint}; starting it again in {delay:.0f} s"


def _sweep(group: int) -> None:
    """Kill what a dead child left behind in its process group (the web server's own workers)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _become(
    program: Program, parent: int, reading: int, writing: int, forget: Callable[[], None]
) -> None:  # pragma: no cover - runs in the forked process
    """Turn a freshly forked process into the program. Never returns."""
    code = 1
    try:
        os.setsid()  # Ctrl-C in a terminal goes to the parent only, which ends all in good order
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            _LIBC.prctl(_PR_SET_NAME, f"pfsn-{program.name}".encode())  # what ps and top show
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the kernel was asked to tell us
        os.close(reading)
        forget()
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (writing, 1), (writing, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(writing)
        sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115 - line by line, into the pipe
        if not program.is_module:
            os.execvp(program.argv[0], program.argv)  # noqa: S606 - our own command line
        code = _run_module(program)
    except FileNotFoundError as error:
        sys.stderr.write(f"{program.argv[0]} can't be started: {error.strerror}\n")
    except BaseException:  # noqa: BLE001 - a forked process must never return into the parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run_module(program: Program) -> int:  # pragma: no cover - runs in the forked process
    sys.argv = list(program.argv)
    try:
        runpy.run_module(program.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    return 0
