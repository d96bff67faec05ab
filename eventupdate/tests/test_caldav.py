"""Reading a CalDAV calendar from a real server, directly or through a proxy that spoils answers."""

from typing import Any

import pytest

from common.errors import FeedError
from eventupdate.models import Entry
from eventupdate.providers.caldav import members
from eventupdate.providers.caldav.accounts import credentials_of
from eventupdate.providers.caldav.read import read
from eventupdate.reading import Reading, RefusedError
from eventupdate.tests.dav_proxy import Answered, Asked, DavProxy, refuse
from eventupdate.tests.texts import NEW_YORK_ZONE, calendar, entry, single
from registration.models import Calendar
from tests.servers import Radicale
from tests.servers.radicale import USER

TEAM = f"/{USER}/team/"
SERIES = (
    entry("DTSTART:20261124T090000Z", "RRULE:FREQ=DAILY;COUNT=3", uid="daily@test"),
    entry("DTSTART:20261125T100000Z", "RECURRENCE-ID:20261125T090000Z", uid="daily@test", title="Later"),
)


def put(radicale: Radicale, name: str, *parts: str) -> None:
    radicale.put(f"{TEAM}{name}.ics", calendar(*parts))


def keep(row: Calendar, reading: Reading | None) -> Reading:
    """Store a reading as a sync does."""
    assert reading is not None
    rows = Entry.objects.filter(calendar=row)
    gone = rows.exclude(key__in=[one.key for one in reading.resources]) if reading.is_whole else rows
    (gone if reading.is_whole else gone.filter(key__in=reading.removed)).delete()
    for one in reading.resources:
        values = {"version": one.version, "series": one.uid, "text": one.text.encode()}
        rows.update_or_create(calendar=row, key=one.key, defaults=values)
    for name, value in reading.state.items():
        setattr(row, name, value)
    row.save()
    return reading


def keys(reading: Reading | None) -> list[str]:
    assert reading is not None
    return sorted(one.key.removeprefix(TEAM) for one in reading.resources)


def test_a_first_reading_has_everything(radicale: Radicale, caldav_calendar: Calendar) -> None:
    put(radicale, "one", single())
    put(radicale, "two%20words", *SERIES)
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    assert (keys(reading), reading.is_whole) == (["one.ics", "two%20words.ics"], True)
    series = next(one for one in reading.resources if one.uid == "daily@test")
    assert series.text.count("BEGIN:VEVENT") == 2
    assert "SUMMARY:Later" in series.text
    assert series.version.startswith('"')
    assert "VCALENDAR" not in series.text


def test_an_entry_brings_the_rules_of_its_zone(radicale: Radicale, caldav_calendar: Calendar) -> None:
    put(radicale, "one", NEW_YORK_ZONE, entry("DTSTART;TZID=Our office:20261124T090000", "DURATION:PT1H"))
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    assert "TZID:Our office" in reading.resources[0].text


def test_the_calendar_s_own_zone_is_told(
    radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy
) -> None:
    zone = calendar("BEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nEND:VTIMEZONE").replace("\r", "&#13;")
    path = radicale.make("zoned", more=f"<C:calendar-timezone>{zone}</C:calendar-timezone>")
    caldav_calendar.remote_id = f"{dav.url}{path}"
    assert keep(caldav_calendar, read(caldav_calendar, is_fresh=False)).time_zone == "Asia/Tokyo"


def test_tasks_are_left_out(radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy) -> None:
    path = radicale.make("mixed", components=("VEVENT", "VTODO"))
    radicale.put(f"{path}task.ics", calendar("BEGIN:VTODO\nUID:task@test\nSUMMARY:Task\nEND:VTODO"))
    caldav_calendar.remote_id = f"{dav.url}{path}"
    assert keep(caldav_calendar, read(caldav_calendar, is_fresh=False)).resources == []
    assert dav.asked_for("multiget") == []


def test_an_unchanged_calendar_costs_one_request(
    radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy
) -> None:
    put(radicale, "one", single())
    keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    dav.asked.clear()
    assert read(caldav_calendar, is_fresh=True) is None
    assert [(one.method, one.headers["depth"]) for one in dav.asked] == [("PROPFIND", "0")]


def test_only_what_changed_is_asked_for(radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy) -> None:
    for name in ("same", "moved", "deleted"):
        put(radicale, name, single(uid=name))
    keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    put(radicale, "moved", single("20261201T090000Z", uid="moved"))
    put(radicale, "new", *SERIES)
    radicale.delete(f"{TEAM}deleted.ics")
    dav.asked.clear()
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=True))
    assert (keys(reading), reading.removed) == (["moved.ics", "new.ics"], [f"{TEAM}deleted.ics"])
    assert not reading.is_whole
    assert b"same.ics" not in dav.asked_for("multiget")[0].body
    assert read(caldav_calendar, is_fresh=True) is None


def test_what_is_asked_for_anew_comes_as_a_whole(radicale: Radicale, caldav_calendar: Calendar) -> None:
    put(radicale, "one", single())
    keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    assert (keys(reading), reading.is_whole) == (["one.ics"], True)


def test_entries_are_asked_for_in_batches(
    radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "BATCH", 2)
    for number in range(5):
        put(radicale, str(number), single(uid=str(number)))
    assert len(keys(read(caldav_calendar, is_fresh=False))) == 5
    assert len(dav.asked_for("multiget")) == 3


def test_another_zone_of_ours_has_everything_read_anew(radicale: Radicale, caldav_calendar: Calendar) -> None:
    put(radicale, "one", single())
    keep(caldav_calendar, read(caldav_calendar, is_fresh=False))
    caldav_calendar.default_time_zone = "Asia/Tokyo"
    assert keep(caldav_calendar, read(caldav_calendar, is_fresh=True)).is_whole


def changed_a_little(radicale: Radicale, row: Calendar) -> None:
    """Let a calendar be stored, and then one entry be moved, one deleted and one be new."""
    for name in ("same", "moved", "deleted"):
        put(radicale, name, single(uid=name))
    keep(row, read(row, is_fresh=False))
    put(radicale, "moved", single("20261201T090000Z", uid="moved"))
    put(radicale, "new", *SERIES)
    radicale.delete(f"{TEAM}deleted.ics")


def test_a_token_that_is_no_longer_good_has_all_names_compared(
    radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy
) -> None:
    changed_a_little(radicale, caldav_calendar)
    caldav_calendar.sync_token = "sync http://radicale.org/ns/sync/" + "0" * 64
    dav.asked.clear()
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=True))
    assert (keys(reading), reading.removed) == (["moved.ics", "new.ics"], [f"{TEAM}deleted.ics"])
    assert b"same.ics" not in dav.asked_for("multiget")[0].body
    assert read(caldav_calendar, is_fresh=True) is None


@pytest.mark.parametrize("status", [400, 403, 405, 409, 501, 507])
def test_without_sync_collection_the_ctag_tells(
    radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy, status: int
) -> None:
    dav.spoil = refuse("sync-collection", status)
    changed_a_little(radicale, caldav_calendar)
    assert caldav_calendar.sync_token.startswith("ctag ")
    dav.asked.clear()
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=True))
    assert (keys(reading), reading.removed) == (["moved.ics", "new.ics"], [f"{TEAM}deleted.ics"])
    assert b"same.ics" not in dav.asked_for("multiget")[0].body
    dav.asked.clear()
    assert read(caldav_calendar, is_fresh=True) is None
    assert len(dav.asked) == 1


def bare(asked: Asked, answered: Answered) -> Answered:
    """Let a server have neither sync-collection nor a ctag."""
    if b"sync-collection" in asked.body:
        return Answered(403, b"")
    body = answered.body
    for name in (b"sync-token", b"CS:getctag"):
        body = body.replace(b"<%b>" % name, b"<x>").replace(b"</%b>" % name, b"</x>")
    return answered._replace(body=body)


def test_without_ctag_all_names_are_compared_each_time(
    radicale: Radicale, caldav_calendar: Calendar, dav: DavProxy
) -> None:
    dav.spoil = bare
    changed_a_little(radicale, caldav_calendar)
    assert caldav_calendar.sync_token == "list"
    reading = keep(caldav_calendar, read(caldav_calendar, is_fresh=True))
    assert (keys(reading), reading.removed) == (["moved.ics", "new.ics"], [f"{TEAM}deleted.ics"])
    dav.asked.clear()
    assert read(caldav_calendar, is_fresh=True) is None
    assert dav.asked_for("multiget") == []


def test_a_calendar_that_is_gone_is_told_of(radicale: Radicale, caldav_calendar: Calendar) -> None:
    radicale.delete(TEAM)
    with pytest.raises(FeedError, match="no calendar at this address any more"):
        read(caldav_calendar, is_fresh=False)


def test_a_wrong_password_asks_to_connect_again(caldav_calendar: Calendar) -> None:
    account = caldav_calendar.account
    assert account is not None
    account.credentials = credentials_of(USER, "wrong")
    with pytest.raises(RefusedError, match="rejects this user name and password"):
        read(caldav_calendar, is_fresh=True)


def test_a_sign_in_that_is_lost_asks_to_connect_again(caldav_calendar: Calendar) -> None:
    account = caldav_calendar.account
    assert account is not None
    account.credentials = ""
    with pytest.raises(RefusedError, match="missing"):
        read(caldav_calendar, is_fresh=True)


def test_another_user_s_calendar_asks_to_connect_again(caldav_calendar: Calendar, dav: DavProxy) -> None:
    caldav_calendar.remote_id = f"{dav.url}/bert/private/"
    with pytest.raises(RefusedError, match="does not let this user"):
        read(caldav_calendar, is_fresh=False)


def test_a_private_address_is_refused(caldav_calendar: Calendar, dav: DavProxy, settings: Any) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["10.0.0.0/8"]
    account = caldav_calendar.account
    assert account is not None
    account.url = dav.url.replace("http:", "https:")
    caldav_calendar.remote_id = f"{account.url}{TEAM}"
    with pytest.raises(FeedError, match="private network"):
        read(caldav_calendar, is_fresh=False)
    assert dav.asked == []


def test_the_password_goes_to_no_other_server(caldav_calendar: Calendar, dav: DavProxy) -> None:
    caldav_calendar.remote_id = f"http://127.0.0.2{TEAM}"
    with pytest.raises(FeedError, match="on another server"):
        read(caldav_calendar, is_fresh=False)
    assert dav.asked == []


def test_the_password_does_not_go_over_the_internet_in_clear(caldav_calendar: Calendar) -> None:
    account = caldav_calendar.account
    assert account is not None
    account.url = "http://8.8.8.8/"
    caldav_calendar.remote_id = "http://8.8.8.8/team/"
    with pytest.raises(FeedError, match="would be sent unencrypted"):
        read(caldav_calendar, is_fresh=False)


def test_what_is_read_over_http_is_told_of(caldav_calendar: Calendar) -> None:
    assert "Use https" in keep(caldav_calendar, read(caldav_calendar, is_fresh=False)).notes[0]
