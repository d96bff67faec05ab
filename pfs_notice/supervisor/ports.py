"""Ports and locks: checks, with plain messages, that no other process uses them."""

import fcntl
import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Final

_HIGHEST_PORT: Final = 65_535


class StartError(Exception):
    """The stack can't be started; the message says why and what to do."""


def read_port(given: str) -> int:
    """Return the port that the variable PORT names. Raises ``StartError``."""
    if given.isascii() and given.isdigit() and 1 <= int(given) <= _HIGHEST_PORT:
        return int(given)
    raise StartError(f"PORT is {given!r}; it has to be a number from 1 to {_HIGHEST_PORT}.")


def assure_free(host: str, port: int) -> None:
    """Raise ``StartError`` when the address can't be listened on."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except PermissionError as error:
        raise StartError(f"Port {port} needs privileges; choose one above 1023, e.g. PORT=8000.") from error
    except OSError as error:
        raise StartError(
            f"Port {port} on {host} can't be used ({error.strerror or error}). "
            f"Choose another one: PORT={port % _HIGHEST_PORT + 1} script/server",
        ) from error


def warn_of_plain_http(host: str, public_url: str) -> str:
    """Return a warning where other machines can reach the pages, and passwords would cross the network readably; else ""."""
    if public_url.startswith("https:") or _is_of_this_machine(host):
        return ""
    return (
        f"Warning: HOST is {host}, so other machines reach this server, and it has no TLS: passwords, codes and notices "
        "can be read and changed on the way. Put a web server with a certificate before it and set "
        "NOTICE_PUBLIC_URL=https://…, or leave HOST out (docs/operations.md, Production)."
    )


def _is_of_this_machine(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def free_port() -> int:
    """Return a port on the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lock(var: Path) -> int:
    """Take the folder for this process; return the descriptor that holds the lock.

    Raises ``StartError`` when another one has it.
    """
    descriptor = os.open(var / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StartError(
            f"PFS Notice is running on {var} already (process {holder}). End that one, or give this one "
            "a folder of its own: PFS_NOTICE_VAR=/path/to/folder script/server",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
