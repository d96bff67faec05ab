"""The simulated provider as a child process."""

import os
import secrets
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from tests.servers.base import die_with_parent

TIME_SCALE: Final = 0.02
_DEADLINE: Final = 20.0
_ROOT: Final = Path(__file__).resolve().parent.parent


class ProviderProcess:
    """The provider as a child process."""

    def __init__(self, **environment: str) -> None:
        """Start it on a free port; ``environment`` is added to the usual one."""
        self.account_sid = f"AC{secrets.token_hex(16)}"
        self.auth_token = secrets.token_hex(16)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        own = {
            "SIMULATOR_HOST": "127.0.0.1",
            "SIMULATOR_PORT": "0",
            "SIMULATOR_ACCOUNT_SID": self.account_sid,
            "SIMULATOR_AUTH_TOKEN": self.auth_token,
            "SIMULATOR_TIME_SCALE": str(TIME_SCALE),
        }
        command: Sequence[str] = [sys.executable, "-m", "simulator.provider"]
        self._process = subprocess.Popen(
            command,
            cwd=_ROOT,
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=self._log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
        )
        try:
            self.url = self._first_line().rsplit(" ", 1)[-1]
        except BaseException:
            self.stop()
            raise

    def _first_line(self) -> str:
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("the provider has no stdout")
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(_DEADLINE):
                raise RuntimeError(f"the provider did not start: {self.log()}")
        line = stdout.readline().decode().strip()
        if not line:
            raise RuntimeError(f"the provider ended at once: {self.log()}")
        return line

    def log(self) -> str:
        """Return what it logged."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> int:
        """End it; return its exit status."""
        self._process.terminate()
        try:
            status = self._process.wait(_DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        return status
