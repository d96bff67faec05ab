"""Answers of a CalDAV server that come in parts, that are spoiled, or that mean harm."""

import re
from typing import Any

import pytest

from common.errors import FeedError
from eventupdate.models import Entry
from eventupdate.providers.caldav import xml
from eventupdate.providers.caldav.client import Account
from eventupdate.providers.caldav.read import read
from eventupdate.tests.dav_proxy import Answered, Asked, DavProxy, refuse, replace
from eventupdate.tests.test_caldav import TEAM, keep, keys, put
from eventupdate.tests.texts import single
from registration.models import Calendar
from tests.servers import Radicale
from tests.servers.radicale import USER

_RESPONSE = re.compile(rb"<response>.*?</response>", re.DOTALL)
_TOKEN = re.compile(rb"<sync-token>(.*?)</sync-token>", re.DOTALL)


class InParts:
    """Gives the result of a sync-collection report out in parts (RFC 6578 section 3.6).

    A part's token names the rest; a request with it returns the next part.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting: dict[bytes, tuple[list[bytes], bytes]] = {}

    def __call__(self, asked: Asked, answered: Answered) -> Answered:
        if b"sync-collection" not in asked.body or b"<D:sync-level>" not in asked.body:
            return answered
        asked_token = re.search(rb"<D:sync-token>(.*?)</D:sync-token>", asked.body)
        token = asked_token[1] if asked_token else b""
        if token in self.waiting:
            responses, last_token = self.waiting[token]
        else:
            found = _TOKEN.search(answered.body)
            assert found is not None, answered
            responses, last_token = _RESPONSE.findall(answered.body), found[1]
        part, rest = responses[: self.size], responses[self.size :]
        if rest:
            last_token, final = b"http://proxy/part/%d" % len(self.waiting), last_token
            self.waiting[last_token] = rest, final
            part.append(
                b"<response><href>%b</href><status>HTTP/1.1 507 Insufficient Storage</status>"
                b"<error><number-of-matches-within-limits/></error></response>" % asked.path.encode()
            )
        body = b'<multistatus xmlns="DAV:">%b<sync-token>%b</sync-token></multistatus>'
        return Answered(207, body % (b"".join(part), last_token))


@pytest.fixture
def team(radicale: Radicale, caldav_calendar: Calendar) -> Calendar:
    """A calendar with five entries that are stored."""
    for number in range(5):
        put(radicale, str(number), single(uid=str(number)))
    keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    return caldav_calendar


def test_a_first_result_in_parts_is_put_together(team: Calendar, dav: DavProxy) -> None:
    dav.spoil = InParts(2)
    dav.asked.clear()
    reading = keep(team, read(team, is_fresh=False))
    assert (len(reading.resources), reading.is_whole) == (5, True)
    assert len(dav.asked_for("<D:sync-level>")) == 3
    dav.spoil = lambda _asked, answered: answered
    assert read(team, is_fresh=True) is None


def test_changes_in_parts_are_put_together(radicale: Radicale, team: Calendar, dav: DavProxy) -> None:
    dav.spoil = InParts(1)
    radicale.delete(f"{TEAM}0.ics")
    for number in (1, 2, 7):
        put(radicale, str(number), single("20261201T090000Z", uid=str(number)))
    reading = keep(team, read(team, is_fresh=True))
    assert (keys(reading), reading.removed) == (["1.ics", "2.ics", "7.ics"], [f"{TEAM}0.ics"])
    assert not reading.is_whole


def test_parts_without_end_are_given_up(radicale: Radicale, team: Calendar, dav: DavProxy) -> None:
    body = (
        b'<multistatus xmlns="DAV:"><response><href>%b</href><status>HTTP/1.1 507 Full</status></response>'
        b"<sync-token>again</sync-token></multistatus>"
    )
    put(radicale, "0", single("20261201T090000Z", uid="0"))
    dav.spoil = replace("<D:sync-level>", body % TEAM.encode())
    with pytest.raises(FeedError, match="in parts without an end"):
        read(team, is_fresh=True)


def test_an_entry_that_goes_while_it_is_read_is_gone(
    radicale: Radicale, team: Calendar, dav: DavProxy
) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        if b"<D:sync-level>" in asked.body:
            radicale.delete(f"{TEAM}0.ics")
        return answered

    put(radicale, "0", single("20261201T090000Z", uid="0"))
    dav.spoil = spoil
    reading = keep(team, read(team, is_fresh=True))
    assert (reading.resources, reading.removed) == ([], [f"{TEAM}0.ics"])


_ENTITIES = b"""<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<multistatus xmlns="DAV:"><response><href>&b;</href></response></multistatus>"""
_FILE = b"""<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<multistatus xmlns="DAV:"><response><href>&a;</href></response></multistatus>"""
_NO_ADDRESS = (
    b'<multistatus xmlns="DAV:"><response><href>http://[/a</href></response>'
    b"<sync-token>a</sync-token></multistatus>"
)
_DEEP = b'<multistatus xmlns="DAV:">' + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</multistatus>"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b'<multistatus xmlns="DAV:"><response><href>/a</href>',
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><multistatus xmlns="DAV:"/>',
        b'<multistatus xmlns="DAV:"><response><status>HTTP/1.1 404 Gone</status></response></multistatus>',
        _NO_ADDRESS,
        _ENTITIES,
        _FILE,
        _DEEP,
    ],
    ids=[
        "empty",
        "page",
        "broken off",
        "binary",
        "charset",
        "nameless",
        "no address",
        "bomb",
        "file",
        "deep",
    ],
)
@pytest.mark.parametrize("report", ["supported-report-set", "<D:sync-level>", "multiget"])
def test_a_spoiled_answer_is_refused(
    radicale: Radicale, team: Calendar, dav: DavProxy, body: bytes, report: str
) -> None:
    put(radicale, "0", single("20261201T090000Z", uid="0"))
    dav.spoil = replace(report, body)
    with pytest.raises(FeedError):
        read(team, is_fresh=True)
    assert Entry.objects.filter(calendar=team).count() == 5


def test_more_elements_than_any_calendar_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "_MAX_ELEMENTS", 1000)
    with pytest.raises(FeedError, match="too large for a calendar"):
        xml.read_multistatus(b'<multistatus xmlns="DAV:">' + b"<a/>" * 1000 + b"</multistatus>")


def test_an_answer_that_never_ends_is_refused(team: Calendar, dav: DavProxy) -> None:
    dav.spoil = replace("supported-report-set", b" " * 21_000_000)
    with pytest.raises(FeedError, match="too large"):
        read(team, is_fresh=True)


def test_a_list_that_lacks_the_calendar_itself_takes_nothing_back(team: Calendar, dav: DavProxy) -> None:
    def spoil(asked: Asked, answered: Answered) -> Answered:
        if b"sync-collection" in asked.body:
            return Answered(403, b"")
        is_list = asked.headers["depth"] == "1"
        return Answered(207, b'<multistatus xmlns="DAV:"/>') if is_list else answered

    team.sync_token = "sync no-longer-good"
    dav.spoil = spoil
    with pytest.raises(FeedError, match="does not list all"):
        read(team, is_fresh=True)


def test_an_entry_that_is_kept_back_changes_nothing(
    radicale: Radicale, team: Calendar, dav: DavProxy
) -> None:
    put(radicale, "0", single("20261201T090000Z", uid="0"))
    dav.spoil = replace("multiget", b'<multistatus xmlns="DAV:"/>')
    with pytest.raises(FeedError, match="does not send all"):
        read(team, is_fresh=True)


@pytest.mark.parametrize(
    ("status", "said"), [(500, "has an error"), (429, "fewer requests"), (302, "no CalDAV server")]
)
@pytest.mark.parametrize("report", ["supported-report-set", "<D:sync-level>", "multiget"])
def test_a_fault_of_the_server_changes_nothing(
    radicale: Radicale, team: Calendar, dav: DavProxy, status: int, said: str, report: str
) -> None:
    put(radicale, "0", single("20261201T090000Z", uid="0"))
    dav.spoil = refuse(report, status)
    with pytest.raises(FeedError, match=said):
        read(team, is_fresh=True)


def spoil_entry(asked: Asked, answered: Answered) -> Answered:
    """Cut the first entry of an answer in its middle."""
    if b"multiget" not in asked.body:
        return answered
    return answered._replace(body=re.sub(rb"END:VEVENT\s+END:VCALENDAR", b"", answered.body, count=1))


def test_one_entry_that_can_not_be_read_spoils_no_other(
    radicale: Radicale, team: Calendar, dav: DavProxy
) -> None:
    put(radicale, "0", single("20261201T090000Z", uid="0"))
    put(radicale, "1", single("20261201T090000Z", uid="1"))
    dav.spoil = spoil_entry
    reading = keep(team, read(team, is_fresh=True))
    assert (len(reading.resources), reading.removed) == (1, [])
    assert "1 of the calendar's entries can't be read" in reading.notes[0]


def test_a_whole_reading_takes_nothing_back_that_can_not_be_read(
    radicale: Radicale, team: Calendar, dav: DavProxy
) -> None:
    radicale.delete(f"{TEAM}4.ics")
    dav.spoil = spoil_entry
    reading = read(team, is_fresh=False)
    assert reading is not None
    assert not reading.is_whole
    assert (len(reading.resources), reading.removed) == (3, [f"{TEAM}4.ics"])
    keep(team, reading)
    assert Entry.objects.filter(calendar=team).count() == 4


EMPTY = b'<multistatus xmlns="DAV:"><sync-token>http://radicale.org/ns/sync/x</sync-token></multistatus>'


@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_report_that_has_lost_everything_takes_nothing_back(
    team: Calendar, dav: DavProxy, is_fresh: Any
) -> None:
    team.sync_token = "sync no-longer-good"

    def spoil(asked: Asked, answered: Answered) -> Answered:
        if b"no-longer-good" in asked.body:
            return Answered(403, b"")
        return Answered(207, EMPTY) if b"sync-collection" in asked.body else answered

    dav.spoil = spoil
    reading = keep(team, read(team, is_fresh=is_fresh))
    assert reading.removed == []
    assert Entry.objects.filter(calendar=team).count() == 5
    assert team.sync_token == "sync http://radicale.org/ns/sync/x"


def test_a_password_is_not_shown_with_what_holds_it() -> None:
    assert "pass:w" not in repr(Account("https://example.org/", USER, "pass:word"))
