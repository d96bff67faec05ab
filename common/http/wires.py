"""One libcurl multi handle with its easy handles: requests in, replies out."""

import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pycurl

from common.http.exchanges import Failure, Reply, Request
from common.http.fetching import SENTENCES
from common.http.handles import Guard, new_handle, set_headers

MAX_BODY: Final = 65_536
_MAX_HOST_CONNECTIONS: Final = 32
_MAX_KEPT_CONNECTIONS: Final = 128
_MAX_STREAMS: Final = 256
_FIRST_FINAL_STATUS: Final = 200
_FIRST_REFUSAL: Final = 400
_LONGEST_WISH: Final = 86_400
"""Seconds; larger numbers in a header would overflow a date."""
_POLL_SECONDS: Final = 0.001
_PRIVATE: Final = "the address leads into a private network"


_Shape = tuple[str, bool, bool, bool]
"""Method, is it repeatable, has it a body, are headers wanted: what a handle is made for."""


class _Slot:
    """One easy handle and its current request."""

    __slots__ = (
        "curl",
        "guard",
        "head",
        "is_over_full",
        "is_read",
        "kept",
        "kept_size",
        "lines",
        "position",
        "request",
        "shape",
        "timeout_ms",
        "url",
    )

    def __init__(self, ca_path: str, shape: _Shape, *, is_guarded: bool) -> None:
        self.shape = shape
        self.head: list[bytes] = []
        self.guard = Guard() if is_guarded else None
        self.curl = curl = new_handle(self.guard, ca_path)
        # Wait whether the first connection to a server turns out to be HTTP/2, rather than open many.
        curl.setopt(pycurl.PIPEWAIT, 1)
        curl.setopt(pycurl.WRITEFUNCTION, self.take_body)
        method, is_repeatable, has_body, is_header_wanted = shape
        if has_body or method == "POST":
            curl.setopt(pycurl.POST, 1)
            if has_body and not is_repeatable:
                curl.setopt(pycurl.READFUNCTION, self.give_body)
            else:
                curl.setopt(pycurl.POSTFIELDS, b"")
        if method != ("POST" if has_body else "GET"):
            curl.setopt(pycurl.CUSTOMREQUEST, method)
        if is_header_wanted:
            curl.setopt(pycurl.HEADERFUNCTION, self.head.append)
        if not (is_repeatable or has_body or method == "GET"):
            # Without a body, libcurl would repeat it on a second connection.
            curl.setopt(pycurl.FRESH_CONNECT, 1)
        self.request = Request("")
        self.url: str | None = None
        self.lines: tuple[str, ...] | None = None
        self.timeout_ms = -1
        self.kept: list[bytes] = []
        self.kept_size = 0
        self.is_over_full = False
        self.is_read = False
        self.position = 0

    def load(self, request: Request, timeout: float) -> None:
        """Set the options in which this request differs from the previous one.

        Raises ``ValueError`` (``UnicodeError`` among them) or ``pycurl.error`` for a URL or a
        header that can't be used.
        """
        curl, body = self.curl, request.body
        lines = request.headers
        if request.url != self.url:
            self.url = None
            curl.setopt(pycurl.URL, request.url)
            self.url = request.url
        if lines is not self.lines:
            self.lines = None
            set_headers(curl, lines)
            self.lines = lines
        if body:
            if request.is_repeatable:
                curl.setopt(pycurl.POSTFIELDS, body)
            else:
                curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
        timeout_ms = int((request.timeout or timeout) * 1000)
        if timeout_ms != self.timeout_ms:
            curl.setopt(pycurl.TIMEOUT_MS, max(1, timeout_ms))
            self.timeout_ms = timeout_ms
        self.request = request
        if self.kept:
            self.kept = []
        self.kept_size = self.position = 0
        self.is_over_full = self.is_read = False
        self.head.clear()
        if self.guard is not None:
            self.guard.has_refused = False

    def give_body(self, size: int) -> bytes:
        """Give libcurl the next piece of the body; from now on the request counts as sent."""
        self.is_read = True
        piece = self.request.body[self.position : self.position + size]
        self.position += len(piece)
        return piece

    def take_body(self, chunk: bytes) -> int:
        """Store a piece of the answer, or return -1 ("stop") at the limit."""
        room = MAX_BODY - self.kept_size
        self.kept.append(chunk[:room])
        self.kept_size += len(chunk)
        if self.kept_size > MAX_BODY:
            self.is_over_full = True
            return -1
        return len(chunk)

    def headers(self) -> Mapping[str, str]:
        """Return the wanted headers of the answer. libcurl takes at most 300 kB of headers."""
        wanted = self.request.wanted_headers
        found = {}
        for line in self.head:
            name, _, value = line.partition(b":")
            if (name := name.lower()) in wanted:
                found[name.decode()] = value.strip().decode("latin-1")
        return found

    def reply(self, code: int) -> Reply:
        """Return the reply for the code with which libcurl ended the request."""
        curl, request = self.curl, self.request
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        if status < _FIRST_FINAL_STATUS:
            status = 0
        retry_after = None
        if status >= _FIRST_REFUSAL:
            seconds = curl.getinfo(pycurl.RETRY_AFTER)
            retry_after = timedelta(seconds=min(seconds, _LONGEST_WISH)) if seconds > 0 else None
        body = b"".join(self.kept) if self.kept else b""
        if code == pycurl.E_OK or (status and (self.is_over_full or status >= _FIRST_REFUSAL)):
            return Reply(request.tag, status, body, retry_after, None, "", self.headers())
        if self.guard is not None and self.guard.has_refused and not self._was_written():
            return Reply(request.tag, error=Failure.PRIVATE, reason=_PRIVATE)
        error = Failure.UNKNOWN if self._was_written() else Failure.NOT_SENT
        reason = SENTENCES.get(code, "the server gave no answer that can be read")
        is_timeout = code == pycurl.E_OPERATION_TIMEDOUT
        return Reply(request.tag, status, body, retry_after, error, reason, self.headers(), is_timeout)

    def _was_written(self) -> bool:
        if self.request.body and not self.request.is_repeatable:
            return self.is_read
        # Counted once libcurl has given the connection a part of the request. (Its times don't tell:
        # the one until the transfer began is also set when it never did.)
        return bool(self.curl.getinfo(pycurl.REQUEST_SIZE) > 0)


class Wire:
    """A pool of connections and the requests in flight on them."""

    def __init__(self, ca_path: str, *, is_guarded: bool) -> None:
        """Open nothing yet."""
        self._ca_path = ca_path
        self._is_guarded = is_guarded
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, _MAX_HOST_CONNECTIONS)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _MAX_KEPT_CONNECTIONS)
        self._multi.setopt(pycurl.M_MAX_CONCURRENT_STREAMS, _MAX_STREAMS)
        self._free: defaultdict[_Shape, list[_Slot]] = defaultdict(list)
        self._flying: dict[pycurl.Curl, _Slot] = {}

    @property
    def in_flight(self) -> int:
        """The number of requests in flight."""
        return len(self._flying)

    def start(self, request: Request, timeout: float) -> Reply | None:
        """Start a request; return its reply if it can't be started."""
        shape = (request.method, request.is_repeatable, bool(request.body), bool(request.wanted_headers))
        free = self._free[shape]
        slot = free.pop() if free else _Slot(self._ca_path, shape, is_guarded=self._is_guarded)
        try:
            slot.load(request, timeout)
        except (ValueError, pycurl.error):
            free.append(slot)
            return Reply(request.tag, error=Failure.NOT_SENT, reason="the address or a header can't be used")
        self._multi.add_handle(slot.curl)
        self._flying[slot.curl] = slot
        return None

    def advance(self, replies: list[Reply]) -> None:
        """Read and write without waiting; append the replies of requests that have ended."""
        multi = self._multi
        multi.perform()
        waiting = 1
        while waiting:
            waiting, ended, failed = multi.info_read()
            replies.extend([self._end(curl, pycurl.E_OK) for curl in ended])
            replies.extend([self._end(curl, code) for curl, code, _ in failed])

    def _end(self, curl: pycurl.Curl, code: int) -> Reply:
        slot = self._flying.pop(curl)
        reply = slot.reply(code)
        self._multi.remove_handle(curl)
        self._free[slot.shape].append(slot)
        return reply

    def wait(self, seconds: float) -> None:
        """Wait until a socket is ready, at most so many seconds."""
        soon = self._multi.timeout()
        if soon >= 0:
            seconds = min(seconds, soon / 1000)
        if seconds <= 0:
            return
        began = time.monotonic()
        if not self._multi.select(seconds) and time.monotonic() - began < _POLL_SECONDS < seconds:
            # No socket to wait for (a name is being looked up): select returned at once.
            time.sleep(_POLL_SECONDS)

    def abandon(self) -> None:
        """Abort the requests in flight."""
        for curl, slot in self._flying.items():
            self._multi.remove_handle(curl)
            self._free[slot.shape].append(slot)
        self._flying.clear()
