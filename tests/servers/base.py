"""The base of all servers: a folder, a port, an unprivileged account, a clean end."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from tests.servers import packages
from tests.servers.ports import free_port

_ACCOUNT: Final = "nobody"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


class Missing(Exception):  # noqa: N818 - it is read as a sentence: "PostgreSQL is missing"
    """A server can't be had on this machine; the message names the program and the package."""


def die_with_parent() -> None:
    """Ask the kernel to end this process with its parent (run in the child, before it starts its program)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def program(name: str) -> str:
    """Return the path of a program, installed if we may. Raises ``Missing``."""
    packages.ensure(name)
    path = packages.find(name)
    if path is None:
        package = packages.PACKAGES.get(name, name)
        msg = f"{name} is missing (Debian: apt-get install {package})"
        raise Missing(msg)
    return path


class Server:
    """One server process. A subclass says how to prepare, to start and to ask whether it is ready."""

    label: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    drops_privileges: ClassVar[bool] = True

    def __init__(self, *, port: int = 0) -> None:
        self.port = port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="pfsn-", dir=_temporary_root()))
        self.process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root, and most others need not.
        self._account = _account() if self.drops_privileges else {}
        if self._account:
            shutil.chown(self.folder, _ACCOUNT, _group())

    def command(self) -> list[str]:
        """Return the command line that runs the server in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the first start needs."""

    def is_ready(self) -> bool:
        """Say whether the server answers."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def run(self, command: list[str]) -> None:
        """Run a command to its end in the server's account. Raises ``RuntimeError`` with what it printed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._account,  # type: ignore[call-overload]
        )
        if done.returncode:
            msg = f"{command[0]} failed:\n{done.stdout.decode(errors='replace')}"
            raise RuntimeError(msg)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        if self._account:
            for file in self.folder.iterdir():  # our own files are closed to other accounts
                shutil.chown(file, _ACCOUNT, _group())
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
                **self._account,  # type: ignore[call-overload]
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "log").read_text(errors="replace")[-4000:]
                self.kill()
                msg = f"{self.label} did not start:\n{said}"
                raise RuntimeError(msg)
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server in good order; kill it if it takes too long."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start it again, with its data and on its port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _temporary_root() -> str:
    """Return a folder that the account without privileges can enter."""
    root = tempfile.gettempdir()
    others_may_enter = Path(root).stat().st_mode & 0o001
    return root if others_may_enter or os.geteuid() != 0 else "/tmp"  # noqa: S108 - with a name of its own


def _group() -> str:
    import grp  # noqa: PLC0415 - not on every system
    import pwd  # noqa: PLC0415

    return grp.getgrgid(pwd.getpwnam(_ACCOUNT).pw_gid).gr_name


def _account() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": _ACCOUNT, "group": _group(), "extra_groups": []}
