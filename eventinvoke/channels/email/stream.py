"""A stream of mails over a few connections: one while the server is fast, more while it is slow."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from time import monotonic
from typing import Final, NamedTuple

from django.conf import settings

from common.channels import Message, Outcome, SendResult
from eventinvoke.channels.email.post import Post, Verdict

_IDLE_SECONDS: Final = 0.05
_BUSY_SECONDS: Final = 0.5
"""After so long another connection is added: a fast server has taken a hundred mails by then."""
_USUAL_TIMEOUT: Final = 20
_PAUSE: Final = timedelta(seconds=10)
"""A server that could not be reached is left alone so long, or each mail of a batch would wait for it."""


def mail_seconds() -> float:
    """Return how long one mail may take, connection included: twice the time for one answer."""
    return 2.0 * (settings.EMAIL_TIMEOUT or _USUAL_TIMEOUT)


def at_once(connections: int, lease_seconds: float, seconds: float) -> int:
    """Return how many mails are sent within half of a lease when each takes as long as it may."""
    return max(1, int(connections * lease_seconds / 2 / seconds))


class _Flight(NamedTuple):
    """A mail that is being sent."""

    post: Post
    message: Message
    since: float


class Stream:
    """The mails of one call of ``send``, and the connections that they go over."""

    def __init__(self, messages: Iterable[Message]) -> None:
        """Read no message yet and open no connection."""
        self._messages = iter(messages)
        self._handed_back: deque[Message] = deque()
        self._posts = [Post()]
        self._idle = list(self._posts)
        self._flying: dict[Future[SendResult | None], _Flight] = {}
        self._most = max(1, settings.EMAIL_CONNECTIONS)
        self._grows_at = monotonic() + _BUSY_SECONDS
        self._down = Verdict(Outcome.RETRY, "")
        self._down_until = 0.0

    def results(self) -> Iterator[SendResult | None]:
        """Yield a result for each mail, as soon as it is known; None whenever there is none for 50 ms."""
        with ThreadPoolExecutor(self._most, thread_name_prefix="mail") as threads:
            try:
                while True:
                    yield from self._start(threads)
                    if not self._flying:
                        return
                    done, _waiting = wait(self._flying, _IDLE_SECONDS, FIRST_COMPLETED)
                    self._look_after_slow_server()
                    if not done:
                        yield None
                    yield from filter(None, map(self._land, done))
            finally:
                self._end(threads)

    def _start(self, threads: ThreadPoolExecutor) -> Iterator[SendResult]:
        """Give each idle connection a mail; while the server is down, yield that instead."""
        while self._idle:
            message = self._handed_back.popleft() if self._handed_back else next(self._messages, None)
            if message is None:
                return
            if monotonic() < self._down_until:
                yield self._not_sent(message)
                continue
            post = self._idle.pop()
            self._flying[threads.submit(post.deliver, message)] = _Flight(post, message, monotonic())

    def _land(self, future: Future[SendResult | None]) -> SendResult | None:
        """Return the result of a mail; None when another connection takes it."""
        post, message, since = self._flying.pop(future)
        result = future.result()
        if result is not None:
            self._idle.append(post)
            return result
        if len(self._posts) > 1:
            # The server takes fewer connections than we may make: go on with those that there are.
            self._posts.remove(post)
            self._most = len(self._posts)
            if monotonic() - since < mail_seconds() / 4:
                self._handed_back.append(message)
                return None
            return SendResult(message, post.refusal.outcome, reason=post.refusal.reason)
        self._idle.append(post)
        self._most = max(1, settings.EMAIL_CONNECTIONS)
        self._down, self._down_until = post.refusal, monotonic() + _PAUSE.total_seconds()
        return self._not_sent(message)

    def _end(self, threads: ThreadPoolExecutor) -> None:
        """Close the connections; where the caller gave up, after the mails that are being sent."""
        for late in wait(self._flying, mail_seconds()).not_done:
            self._flying[late].post.abort()
        for post in self._posts:
            threads.submit(post.close)

    def _not_sent(self, message: Message) -> SendResult:
        return SendResult(message, self._down.outcome, reason=self._down.reason, retry_after=_PAUSE)

    def _look_after_slow_server(self) -> None:
        """Add a connection where all have been busy for a while; end those that take too long."""
        instant = monotonic()
        is_busy = not self._idle and any(post.is_open for post in self._posts)
        if is_busy and instant > self._grows_at and len(self._posts) < self._most:
            self._posts.append(Post())
            self._idle.append(self._posts[-1])
            self._grows_at = instant + _BUSY_SECONDS
        for flight in self._flying.values():
            if instant - flight.since > mail_seconds():
                flight.post.abort()
