"""Readings that tell only what changed, of series whose parts are resources of their own."""

from datetime import timedelta

import pytest

from eventinvoke.planning.publish import publish, withdraw
from eventupdate.expand import Window
from eventupdate.models import Entry
from eventupdate.reading import Reading, Resource
from eventupdate.tests.texts import AT, WINDOW, entry
from eventupdate.update import Update, has_rolled, work_out
from registration.models import Calendar
from registration.tests.factories import CalendarFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

MASTER = entry("DTSTART:20261124T090000Z", "RRULE:FREQ=WEEKLY;COUNT=3")
MOVED = entry("RECURRENCE-ID:20261201T090000Z", "DTSTART:20261202T150000Z")


def resource(key: str, text: str, version: str = "1", uid: str = "one") -> Resource:
    return Resource(key, uid, version, text)


@pytest.fixture
def known() -> Calendar:
    """Return a calendar that was read: a series with one occurrence that was moved, and a single entry."""
    made: Calendar = CalendarFactory()
    lunch = entry("DTSTART:20261125T120000", uid="lunch", title="Lunch")
    resources = [resource("m", MASTER), resource("p", MOVED), resource("l", lunch, uid="lunch")]
    store(made, Reading(resources, time_zone="Europe/Berlin"))
    return made


def store(calendar: Calendar, reading: Reading) -> Update:
    """Work out a reading and write it."""
    update = work_out(calendar, reading, WINDOW, AT)
    update.rows.write()
    withdraw(calendar.source, [event.external_id for event in update.difference.removed])
    publish([*update.difference.added, *update.difference.changed])
    calendar.expanded_until, calendar.expanded_in = update.window.stop, update.expanded_in
    calendar.source_time_zone = update.zone
    calendar.save()
    return update


def partly(*resources: Resource, removed: list[str] | None = None, zone: str = "Europe/Berlin") -> Reading:
    return Reading(list(resources), removed or [], is_whole=False, time_zone=zone)


def lines(update: Update) -> list[str]:
    return list(update.difference.lines())


def test_the_parts_of_a_series_are_expanded_together(known: Calendar) -> None:
    assert len(set(Entry.objects.filter(key__in=["m", "p"]).values_list("series", flat=True))) == 1
    update = work_out(known, partly(resource("p", MOVED.replace("T15", "T16"), "2")), WINDOW, AT)
    assert lines(update) == ["~ 2026-12-02 16:00 UTC  PFS telecon"]
    assert [row.key for row in update.rows.stored] == ["p"]
    assert update.unchanged == 2


def test_a_part_that_is_gone_gives_its_occurrence_back_to_the_series(known: Calendar) -> None:
    update = store(known, partly(removed=["p"]))
    assert lines(update) == ["~ 2026-12-01 09:00 UTC  PFS telecon"]
    assert set(Entry.objects.values_list("key", flat=True)) == {"m", "l"}


def test_what_a_partial_reading_does_not_name_stays(known: Calendar) -> None:
    update = work_out(known, partly(), WINDOW, AT)
    assert update.difference.is_empty
    assert (update.rows.stored, update.rows.noted, update.rows.gone) == ([], [], [])


def test_a_series_that_is_gone_with_all_its_parts_is_withdrawn(known: Calendar) -> None:
    update = work_out(known, partly(removed=["m", "p", "never heard of"]), WINDOW, AT)
    assert [line[:12] for line in lines(update)] == ["- 2026-11-24", "- 2026-12-02", "- 2026-12-08"]


def test_a_part_that_comes_to_belong_to_another_series_leaves_the_first(known: Calendar) -> None:
    other = entry("DTSTART:20261203T100000Z", title="Talk")
    update = work_out(known, partly(resource("p", other, "2", uid="talk")), WINDOW, AT)
    assert lines(update) == ["~ 2026-12-01 09:00 UTC  PFS telecon", "+ 2026-12-03 10:00 UTC  Talk"]


def test_one_broken_part_leaves_its_whole_series_as_it_was(known: Calendar) -> None:
    update = store(known, partly(resource("p", MOVED.replace("20261202T15", "soon"), "2")))
    assert update.difference.is_empty
    assert update.broken == 2
    assert "can't be read and were left as they were" in update.problem
    mended = store(known, partly(resource("p", MOVED, "3")))
    assert (mended.broken, mended.problem) == (0, "")


def test_a_source_that_tells_only_changes_need_not_repeat_its_zone(known: Calendar) -> None:
    assert work_out(known, partly(zone=""), WINDOW, AT).difference.is_empty


def test_another_zone_of_the_source_moves_what_depends_on_it(known: Calendar) -> None:
    assert lines(work_out(known, partly(zone="Asia/Tokyo"), WINDOW, AT))[0] == "~ 2026-11-25 03:00 UTC  Lunch"


def test_a_horizon_rolls_once_a_day(known: Calendar) -> None:
    assert not has_rolled(known, WINDOW)
    assert has_rolled(known, Window(WINDOW.start, WINDOW.stop + timedelta(days=1)))
