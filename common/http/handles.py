"""Options that all libcurl handles share, and the guard that checks each connection."""

import atexit
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import certifi
import pycurl
from django.conf import settings

from common.http.addresses import is_allowed

CONNECT_SECONDS: Final = 5.0
USER_AGENT: Final = "PFS-Notice"


class _Lent(socket.socket):
    """A socket that pycurl duplicates; this one is closed when its last reference goes."""

    def __del__(self) -> None:
        self.close()


class Guard:
    """Opens the sockets of one handle, and refuses those to private addresses.

    It sees the resolved address that libcurl is about to connect to, so that a name that resolves to
    another address between check and connection (DNS rebinding) gains nothing.
    """

    __slots__ = ("has_refused",)

    def __init__(self) -> None:
        """Start with no refused address."""
        self.has_refused = False

    def open_socket(self, _purpose: int, target: Any) -> socket.socket | int:
        """Return a socket for libcurl to connect, or ``SOCKET_BAD`` where it may not."""
        family, kind, protocol, address = target
        host = address[0] if isinstance(address, tuple) else ""
        if not is_allowed(host if isinstance(host, str) else host.decode()):
            self.has_refused = True
            return pycurl.SOCKET_BAD
        return _Lent(family, kind, protocol)


def new_handle(guard: Guard | None, ca_file: str) -> pycurl.Curl:
    """Return a handle with every option set that never changes.

    It follows no redirect, speaks nothing but HTTP and HTTPS, and takes nothing from the
    environment or the home folder (no proxy, no .netrc, no cookies).
    """
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.NOPROXY, "*")
    curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    curl.setopt(pycurl.CAINFO, os.fsencode(ca_file))  # it takes ASCII alone as text
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(CONNECT_SECONDS * 1000))
    curl.setopt(pycurl.USERAGENT, USER_AGENT)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    if guard is not None:
        curl.setopt(pycurl.OPENSOCKETFUNCTION, guard.open_socket)
    return curl


def set_headers(curl: pycurl.Curl, lines: Sequence[str]) -> None:
    """Replace the header lines of a handle. Raises ``ValueError`` for a line break in one."""
    joined = "".join(lines)
    if "\n" in joined or "\r" in joined or "\0" in joined:
        msg = "a header can't contain a line break"
        raise ValueError(msg)
    if lines:
        curl.setopt(pycurl.HTTPHEADER, lines)
    else:
        # pycurl ignores an empty list, and the lines of the previous request would stay.
        curl.unsetopt(pycurl.HTTPHEADER)


def ca_file() -> str:
    """Return the file of certificates to trust: certifi's, and ``NOTICE_EXTRA_CA_FILE`` with it."""
    extra = settings.NOTICE_EXTRA_CA_FILE
    return _joined_ca_file(extra) if extra else certifi.where()


@lru_cache(maxsize=8)
def _joined_ca_file(extra: str) -> str:
    # One file, because libcurl caches the parsed certificates of a file, but reads a blob or a folder for
    # every connection (milliseconds each). The folder belongs to this process alone, so that no other
    # account can place a file there.
    folder = Path(tempfile.mkdtemp(prefix="notice-ca-"))
    atexit.register(_remove, folder, os.getpid())
    path = folder / "certificates.pem"
    path.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + Path(extra).read_bytes())
    return str(path)


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:  # a forked child goes on using its parent's
        shutil.rmtree(folder, ignore_errors=True)
