"""The wire alone, one process and no database: encryption, requests, and both together.

Prints, for each, how many a second and how many microseconds of this process's processor time one
takes; the last line is JSON, with the ratio of web pushes to bare encryptions. ``script/bench wire [N]``.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

import django
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import override_settings
from pywebpush import WebPusher

from benchmarks.sink import Sink, run_sink
from common import clock
from common.channels import Message, Outcome, SendResult
from common.http import Reply, Request, exchange
from eventinvoke.channels.webpush import payload
from eventinvoke.channels.webpush.channel import WebPushChannel
from eventinvoke.channels.webpush.encryption import encode, encrypt

_TARGET: Final = 0.6
"""Of the bare encryption rate, so that recording leaves 0.45 of it."""
_BODY: Final = "The weekly call begins in ten minutes. " * 5


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _measure(name: str, work: Callable[[], int]) -> float:
    """Print how long something takes, and return how often it can be done in a second."""
    cpu, began = _cpu(), time.perf_counter()
    count = work()
    seconds, cpu = time.perf_counter() - began, _cpu() - cpu
    print(f"{name:<46} {count / seconds:>9,.0f} /s   {cpu / count * 1e6:>6.1f} us processor time each")
    return count / seconds


def _subscriptions(count: int) -> list[dict[str, str]]:
    keys = [ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(count)]
    points = [key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for key in keys]
    return [{"p256dh": encode(point), "auth": encode(os.urandom(16))} for point in points]


def _messages(sink: Sink, keys: Iterable[dict[str, str]]) -> Iterator[Message]:
    expires_at, starts_at = clock.now() + timedelta(hours=1), clock.now() + timedelta(minutes=10)
    for number, pair in enumerate(keys):
        yield Message(
            process_id=f"{number:043d}",
            address=f"{sink.url}/push/{number}",
            title=f"Weekly call {number}",
            body=_BODY,
            tag=f"tag{number}",
            expires_at=expires_at,
            config={"keys": pair},
            starts_at=starts_at,
            url="https://example.com/call",
        )


def _all_accepted(results: Iterable[SendResult | None]) -> int:
    outcomes = [result.outcome for result in results if result is not None]
    if any(outcome is not Outcome.ACCEPTED for outcome in outcomes):
        msg = f"not all were accepted: {set(outcomes)}"
        raise RuntimeError(msg)
    return len(outcomes)


def _requests(url: str, count: int, *, is_repeatable: bool) -> Iterator[Request]:
    headers = ("Authorization: Basic QUMwMDA6dG9rZW4=",)
    body = b"To=%2B15005550006&From=%2B15005550001&Body=The+weekly+call+begins+in+ten+minutes." * 3
    for number in range(count):
        yield Request(url, body, headers, number, is_guarded=False, is_repeatable=is_repeatable)


def _all_created(replies: Iterable[Reply | None]) -> int:
    statuses = [reply.status for reply in replies if reply is not None]
    if set(statuses) != {201}:
        msg = f"not all were answered: {set(statuses)}"
        raise RuntimeError(msg)
    return len(statuses)


def _run(sink: Sink, count: int) -> dict[str, Any]:
    keys = _subscriptions(count)
    messages = list(_messages(sink, keys))
    plain = payload.build(messages[0])
    twilio = f"{sink.url}/2010-04-01/Accounts/AC0/Messages.json"
    plain_twilio = f"{sink.plain_url}/2010-04-01/Accounts/AC0/Messages.json"
    print(f"{count:,} each; a payload has {len(plain)} bytes")
    _measure("payload", lambda: sum(1 for message in messages if payload.build(message)))
    bare = _measure(
        "encryption, pywebpush",
        lambda: sum(1 for pair in keys if WebPusher({"endpoint": sink.url, "keys": pair}).encode(plain)),
    )
    _measure(
        "encryption, ours", lambda: sum(1 for pair in keys if encrypt(plain, pair["p256dh"], pair["auth"]))
    )
    channel = WebPushChannel()
    _all_accepted(channel.send(messages[:50]))
    pushes = _measure("web push, whole", lambda: _all_accepted(channel.send(messages)))
    rates: dict[str, float] = {}
    for name, url in (("TLS, HTTP/2", twilio), ("plain HTTP/1.1", plain_twilio)):
        for is_repeatable in (True, False):
            kind = "repeatable" if is_repeatable else "never repeated"
            rates[f"{name}, {kind}"] = _measure(
                f"engine, JSON answer, {name}, {kind}",
                lambda u=url, r=is_repeatable: _all_created(exchange(_requests(u, count, is_repeatable=r))),  # type: ignore[misc]
            )
    ratio = pushes / bare
    return {
        "name": "wire",
        "ratio": round(ratio, 3),
        "target": _TARGET,
        "held": ratio >= _TARGET,
        "pushes_per_second": round(pushes),
        "encryptions_per_second": round(bare),
        "requests_per_second": {name: round(rate) for name, rate in rates.items()},
    }


def main() -> None:
    """Measure against a sink of our own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")
    django.setup()
    with (
        run_sink() as sink,
        override_settings(
            NOTICE_ALLOWED_PRIVATE_NETWORKS=["127.0.0.0/8"],
            NOTICE_EXTRA_CA_FILE=str(sink.ca_file),
        ),
    ):
        figures = _run(sink, count)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
