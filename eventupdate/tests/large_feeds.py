"""Reads one large feed in a process of its own: ``python -m eventupdate.tests.large_feeds KIND`` writes a line of JSON."""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import django

SIZE = 18_700_000


def event(unit: bytes, begin: bytes = b"", size: int = SIZE) -> bytes:
    """Return a calendar with one event that contains a text again and again."""
    head = (
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:one@test\r\nDTSTART:20261124T090000Z\r\nRRULE:FREQ=DAILY\r\n"
    )
    return head + begin + unit * (size // len(unit)) + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def answer(unit: bytes, size: int = SIZE) -> bytes:
    """Return a response of a CalDAV server that contains a text again and again."""
    return b'<D:multistatus xmlns:D="DAV:">' + unit * max(1, size // len(unit)) + b"</D:multistatus>"


def numbered(pattern: bytes, count: int) -> bytes:
    """Return a text with each number in turn."""
    text = bytearray()
    for number in range(count):
        text += pattern % number
    return bytes(text)


FEEDS: dict[str, Callable[[], bytes]] = {
    "folds": lambda: event(b"\r\n x", b"DESCRIPTION:x"),
    "lines of EXDATE": lambda: event(b"EXDATE:20261124T090000Z\r\n"),
    "folded EXDATE": lambda: event(b"20261124T090000Z,\r\n ", b"EXDATE:"),
    "wide characters": lambda: event(b"x", b"DESCRIPTION:\xf0\x9f\x98\x80"),
}
ANSWERS: dict[str, Callable[[], bytes]] = {
    "attributes of one element": lambda: answer(b"<D:response " + numbered(b'a%d="" ', 1_500_000) + b"/>", 1),
    "attributes": lambda: answer(b'<D:response a="" b=""><D:href c="" d="" e="">/x</D:href></D:response>'),
    "names": lambda: answer(numbered(b"<a%d/>", 1_500_000), 1),
}


def read(kind: str) -> list[str]:
    """Return the ids of the occurrences and the problems of a feed, or the message of a refused answer."""
    from common.errors import FeedError  # noqa: PLC0415 - models need the setup
    from eventupdate.lines import read_feed  # noqa: PLC0415
    from eventupdate.providers.caldav.xml import read_multistatus  # noqa: PLC0415
    from eventupdate.tests.texts import expand, window  # noqa: PLC0415

    if kind in FEEDS:
        found = expand(read_feed(FEEDS[kind]()), window("2026-11-01", "2026-11-26"))
        return [*(one.recurrence_id for one in found.occurrences), *found.broken.values()]
    try:
        return [str(len(read_multistatus(ANSWERS[kind]()).responses))]
    except FeedError as error:
        return [error.message]


def peak_mb() -> float:
    """Return the largest resident memory of this program; Linux's ``ru_maxrss`` is at least that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000_000  # macOS counts in bytes


if __name__ == "__main__":
    django.setup()
    result = read(sys.argv[1])
    sys.stdout.write(json.dumps({"result": result, "peak_mb": peak_mb()}))
