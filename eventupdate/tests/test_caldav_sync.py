"""A CalDAV calendar brought in step: what is stored, what follows, and what a refusal leaves alone."""

import pytest
import time_machine

from common.clock import now
from eventinvoke.models import Event
from eventupdate.models import Entry
from eventupdate.providers.caldav.accounts import credentials_of
from eventupdate.sync import Outcome, SyncReport, sync
from eventupdate.tests.dav_proxy import DavProxy, refuse
from eventupdate.tests.test_caldav import TEAM, put
from eventupdate.tests.test_caldav_answers import spoil_entry
from eventupdate.tests.texts import entry, single
from registration.models import Calendar, CalendarAccount
from tests.servers import Radicale
from tests.servers.radicale import PASSWORD, USER

DAILY = entry(
    "DTSTART:20261124T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3", uid="daily", title="Daily"
)


def step(row: Calendar) -> SyncReport:
    return sync(row, at=now())


def starts() -> list[str]:
    events = Event.objects.filter(canceled_at=None, source__startswith="calendar:").order_by(
        "starts_at", "title"
    )
    return [f"{event.starts_at:%m-%d %H:%M} {event.title}" for event in events]


@pytest.fixture
def team(clock: time_machine.Traveller, radicale: Radicale, caldav_calendar: Calendar) -> Calendar:
    """A calendar that was read once, with an entry and a series."""
    put(radicale, "one", single(uid="one", title="One"))
    put(radicale, "daily", DAILY)
    assert step(caldav_calendar).outcome == Outcome.SYNCED
    return caldav_calendar


ALL = ["11-24 09:00 Daily", "11-24 09:00 One", "11-25 09:00 Daily", "11-26 09:00 Daily"]


def test_a_first_sync_stores_everything(team: Calendar) -> None:
    assert starts() == ALL
    assert Entry.objects.filter(calendar=team).count() == 2


def test_an_unchanged_calendar_is_left_alone(team: Calendar, dav: DavProxy) -> None:
    dav.asked.clear()
    assert step(team).outcome == Outcome.UNCHANGED
    assert len(dav.asked) == 1


@pytest.mark.parametrize("has_sync", [True, False])
def test_what_changed_follows_and_nothing_else(
    radicale: Radicale, team: Calendar, dav: DavProxy, *, has_sync: bool
) -> None:
    if not has_sync:
        dav.spoil = refuse("sync-collection", 403)
    gone = entry(
        "RECURRENCE-ID:20261125T090000Z", "DTSTART:20261125T090000Z", "STATUS:CANCELLED", uid="daily"
    )
    moved = entry("RECURRENCE-ID:20261126T090000Z", "DTSTART:20261126T110000Z", uid="daily", title="Late")
    put(radicale, "daily", DAILY, gone, moved)
    report = step(team)
    assert starts() == ["11-24 09:00 Daily", "11-24 09:00 One", "11-26 11:00 Late"]
    assert (report.added, report.changed, report.removed) == (0, 1, 1)
    radicale.delete(f"{TEAM}one.ics")
    put(radicale, "new", single("20261130T090000Z", uid="new", title="New"))
    step(team)
    assert starts() == ["11-24 09:00 Daily", "11-26 11:00 Late", "11-30 09:00 New"]


def test_an_expired_token_notifies_no_member_twice(radicale: Radicale, team: Calendar) -> None:
    before = list(Event.objects.order_by("pk").values_list("pk", "external_id", "starts_at"))
    Calendar.objects.filter(pk=team.pk).update(sync_token="sync no-longer-good")
    report = step(team)
    assert (report.added, report.changed, report.removed) == (0, 0, 0)
    assert list(Event.objects.order_by("pk").values_list("pk", "external_id", "starts_at")) == before


def test_names_that_differ_in_case_are_different_entries(radicale: Radicale, team: Calendar) -> None:
    put(radicale, "ONE", single("20261201T090000Z", uid="ONE", title="Other"))
    step(team)
    assert starts() == [*ALL, "12-01 09:00 Other"]


def test_an_entry_that_can_not_be_read_keeps_its_events(
    radicale: Radicale, team: Calendar, dav: DavProxy
) -> None:
    put(radicale, "one", single("20261201T090000Z", uid="one", title="One"))
    dav.spoil = spoil_entry
    assert "can't be read" in step(team).notes[0]
    assert starts() == ALL


def test_a_refusal_changes_nothing_and_asks_to_connect_again(team: Calendar, radicale: Radicale) -> None:
    CalendarAccount.objects.update(credentials=credentials_of(USER, "wrong"))
    radicale.delete(f"{TEAM}one.ics")
    report = step(team)
    assert report.outcome == Outcome.FAILED
    assert "user name and password" in report.problem
    assert CalendarAccount.objects.get().refused_at is not None
    assert starts() == ALL
    CalendarAccount.objects.update(credentials=credentials_of(USER, PASSWORD), refused_at=None)
    Calendar.objects.update(lease_until=None)
    assert step(team).removed == 1
