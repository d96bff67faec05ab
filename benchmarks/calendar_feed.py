"""A large calendar, registrations for it, and the server of the feed.

All random choices have a fixed seed, so that each run does the same work.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from icalendar import Timezone

ENTRIES, RECURRING = 5_000, 1_000
REGISTRATIONS, MEMBERS = 1_000, 100
SEED: Final = 20_261_121

ZONES: Final = ("Asia/Tokyo", "Pacific/Honolulu", "Europe/Berlin", "America/New_York")
PROJECTS: Final = (
    "PFS", "HSC", "FMOS", "MOIRCS", "IRD", "SCExAO", "GLAO", "ULTIMATE", "PFI", "SpS", "Metrology", "Cobra",
    "Fiber", "Guider", "Dome", "Mirror", "Cryostat", "Detector", "Calibration", "Archive", "Pipeline", "Survey",
    "Target", "Ops", "Summit", "Network", "Software", "Safety", "Outreach", "Proposal", "Weather", "Laser",
    "Spectrum", "Filter", "Shutter", "Enclosure", "Cooling", "Power", "Control", "Alignment",
)  # fmt: skip
TOPICS: Final = (
    "commissioning", "integration", "readiness", "planning", "schedule", "budget", "interface", "telescope",
    "firmware", "database", "simulation", "throughput", "vibration", "astrometry", "photometry", "sky", "exposure",
    "queue", "training", "documentation", "quality", "vendor", "shipping", "acceptance", "science",
)  # fmt: skip
KINDS: Final = ("telecon", "meeting", "review", "observing run", "maintenance", "workshop", "seminar")


@dataclass
class Entry:
    """One entry of the calendar, with the components that replace some of its occurrences."""

    uid: str
    title: str
    starts_at: datetime
    """In local time of its zone."""
    zone: str
    lines: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def text(self, stamp: str) -> str:
        """Return its VEVENTs."""
        start = f"DTSTART;TZID={self.zone}:{self.starts_at:%Y%m%dT%H%M%S}"
        end = f"DTEND;TZID={self.zone}:{self.starts_at + timedelta(hours=1):%Y%m%dT%H%M%S}"
        whole = [f"UID:{self.uid}", f"SUMMARY:{self.title}", start, end, *self.lines]
        return "".join(
            "\r\n".join(["BEGIN:VEVENT", f"DTSTAMP:{stamp}", *lines, "END:VEVENT", ""])
            for lines in (whole, *(part.split("\n") for part in self.parts))
        )


class Feed:
    """The calendar."""

    def __init__(self, today: datetime) -> None:
        """Draw the entries: all begin within the year after ``today``, the recurring ones soon."""
        draw = random.Random(SEED)  # noqa: S311 - the same for each run
        self.entries = [_entry(number, today, draw) for number in range(ENTRIES)]
        self._zones = "".join(Timezone.from_tzid(zone).to_ical().decode() for zone in ZONES)
        self._exports = 0

    def export(self) -> bytes:
        """Return the calendar as text. Each export has a new DTSTAMP in all entries, as with most servers."""
        self._exports += 1
        stamp = f"{datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._exports):%Y%m%dT%H%M%SZ}"
        head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Calendar//EN\r\n"
        return (
            head + self._zones + "".join(e.text(stamp) for e in self.entries) + "END:VCALENDAR\r\n"
        ).encode()


def _entry(number: int, today: datetime, draw: random.Random) -> Entry:
    project, topic, kind = (draw.choice(words) for words in (PROJECTS, TOPICS, KINDS))
    is_recurring = number % (ENTRIES // RECURRING) == 0
    day = today + timedelta(days=draw.randrange(7) if is_recurring else draw.randrange(1, 360))
    starts_at = day.replace(hour=draw.randrange(24), minute=draw.choice((0, 15, 30, 45)), tzinfo=None)
    title = f"{project} {topic} {kind}" + ("" if is_recurring else f" {draw.randrange(1, 40)}")
    entry = Entry(
        f"{number:06d}-{draw.getrandbits(48):x}@calendar.example", title, starts_at, draw.choice(ZONES)
    )
    about = f"{topic.capitalize()} of the {project} team.\\nhttps://wiki.example/{project.lower()}/{topic}/{number}"
    about += f"\\nJoin: https://meet.example/j/{number}"
    entry.lines = [
        f"LOCATION:Room {draw.randrange(100, 400)}",
        f"DESCRIPTION:{about}",
        f"ORGANIZER;CN={project} team:mailto:{project.lower()}@example.com",
        f"SEQUENCE:{draw.randrange(3)}",
        "STATUS:CONFIRMED",
    ]
    if is_recurring:
        _repeat(entry, draw)
    return entry


def _repeat(entry: Entry, draw: random.Random) -> None:
    """Make an entry weekly with two exclusions; in half of the series one occurrence is moved."""
    weeks = draw.sample(range(1, 50), 3)
    times = [entry.starts_at + timedelta(weeks=week) for week in weeks]
    entry.lines.append("RRULE:FREQ=WEEKLY")
    entry.lines += [f"EXDATE;TZID={entry.zone}:{at:%Y%m%dT%H%M%S}" for at in times[:2]]
    if draw.random() < 0.5:  # noqa: PLR2004 - every other
        moved = times[2] + timedelta(hours=2)
        entry.parts.append(
            f"UID:{entry.uid}\nRECURRENCE-ID;TZID={entry.zone}:{times[2]:%Y%m%dT%H%M%S}\n"
            f"SUMMARY:{entry.title} (moved)\nDTSTART;TZID={entry.zone}:{moved:%Y%m%dT%H%M%S}\n"
            f"DTEND;TZID={entry.zone}:{moved + timedelta(hours=1):%Y%m%dT%H%M%S}"
        )


def patterns() -> list[str]:
    """Return the patterns of the registrations, each of which matches some titles."""
    draw = random.Random(SEED + 1)  # noqa: S311
    found = []
    for number in range(REGISTRATIONS):
        project, topic, other = draw.choice(PROJECTS), draw.choice(TOPICS), draw.choice(TOPICS)
        kind = draw.choice(KINDS)
        found.append(
            (
                rf"\b{project}\b.*\b{topic}\b",
                f"^{project} {topic} ",
                f"{project} ({topic}|{other}) (telecon|meeting)",
                rf"{project} .*{kind} \d*7$",
                f"{project}.*{topic}.*{kind}",
            )[number % 5]
        )
    return found


class Server:
    """Serves its content with an ETag."""

    def __init__(self, url: str) -> None:
        """Start without content."""
        self.url = url
        self.content = b""
        self.statuses: list[int] = []

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        etag = f'"{sha256(self.content).hexdigest()}"'
        is_known = handler.headers.get("If-None-Match") == etag
        self.statuses.append(304 if is_known else 200)
        handler.send_response(self.statuses[-1])
        handler.send_header("ETag", etag)
        handler.send_header("Content-Type", "text/calendar; charset=utf-8")
        if not is_known:
            handler.send_header("Content-Length", str(len(self.content)))
        handler.end_headers()
        if not is_known:
            handler.wfile.write(self.content)


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *args: Any) -> None:
            """Print nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http.server_port}/calendar.ics")
    thread = Thread(target=http.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
