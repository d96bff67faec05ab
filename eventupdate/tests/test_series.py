"""The name of a series: the same wherever a calendar shows the same meeting."""

from importlib import import_module

import pytest
from django.apps import apps

from eventinvoke.models import Event
from eventupdate.models import Entry
from eventupdate.resources import series_of
from eventupdate.sync import sync
from eventupdate.tests.texts import AT, entry, single
from eventupdate.tests.texts import calendar as feed
from registration.models import Calendar
from registration.tests.factories import CalendarFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

WEEKLY = entry("DTSTART:20261123T090000Z", "RRULE:FREQ=WEEKLY;COUNT=2")


def read(text: str) -> Calendar:
    made: Calendar = CalendarFactory(kind=Calendar.Kind.ICAL_FILE, content=feed(text))
    sync(made, at=AT)
    return made


@pytest.mark.parametrize("text", [single(), WEEKLY])
def test_a_uid_has_the_same_series_in_two_calendars(text: str) -> None:
    read(text)
    read(text)
    found = set(Event.objects.values_list("series", flat=True))
    assert found == {series_of("one@test")} == set(Entry.objects.values_list("series", flat=True))
    assert set(Event.objects.values_list("source", flat=True)) == {c.source for c in Calendar.objects.all()}


def test_two_uids_have_two_series() -> None:
    assert series_of("one@test") != series_of("two@test")
    assert series_of("a" * 300) != series_of("a" * 301)


def test_an_id_of_google_s_has_the_series_of_its_uid_in_an_export() -> None:
    assert series_of("4bq1weekly") == series_of("4bq1weekly@google.com")


@pytest.mark.parametrize("uid", ["one@test", "x" * 300 + "@google.com", "id@google.com"])
def test_stored_series_get_their_new_names(uid: str) -> None:
    read(single(uid=uid))
    Entry.objects.update(series="old")
    Event.objects.update(series="old")
    import_module("eventupdate.migrations.0003_series_of_all_calendars").name_series(apps)
    assert Entry.objects.get().series == Event.objects.get().series == series_of(uid)
