"""A calendar's page, what changed, and how many entries are coming."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from eventinvoke.models import Event, EventChange
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Calendar, Member
from registration.tests.factories import CalendarFactory, RegistrationFactory, TargetFactory
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def calendar(member: Member) -> Calendar:
    made: Calendar = CalendarFactory.create(owner=member, name="Work", synced_at=now())
    return made


def entry(calendar: Calendar, title: str, **more: Any) -> Event:
    fields = {"starts_at": now() + timedelta(days=2)} | more
    made: Event = EventFactory.create(source=calendar.source, title=title, **fields)
    return made


def change(event: Event, kind: str, before: Any = None, after: Any = None, **more: Any) -> EventChange:
    return EventChange.objects.create(
        event=event, kind=kind, before=before or {}, after=after or {}, **({"at": now()} | more)
    )


def test_a_calendar_s_page_shows_what_is_coming_and_who_is_told(
    page: Client, member: Member, calendar: Calendar
) -> None:
    one = entry(calendar, "Weekly telecon", location="Room 1")
    entry(calendar, "Over", starts_at=now() - timedelta(days=1))
    entry(calendar, "Off", canceled_at=now())
    entry(CalendarFactory.create(owner=member), "Of another calendar")
    DeliveryFactory.create(event=one, target=TargetFactory.create(member=member, kind="calllike"))
    RegistrationFactory.create(member=member, calendar=calendar, name="My telecons")
    shown = text_of(page.get(f"/calendars/{calendar.pk}/"))
    for word in ("Weekly telecon Room 1 Call-like", "My telecons", "1 upcoming", "Owner You"):
        assert word in shown
    for word in ("Over ", "Off ", "Of another calendar"):
        assert word not in shown


def test_a_calendar_s_entries_are_searched_by_title_and_place(page: Client, calendar: Calendar) -> None:
    entry(calendar, "Telecon")
    entry(calendar, "Dentist", location="Telegraph Road")
    entry(calendar, "Lunch")
    shown = text_of(page.get(f"/calendars/{calendar.pk}/?q=TELE"))
    assert "Telecon" in shown
    assert "Dentist" in shown
    assert "Lunch" not in shown
    assert "No matches" in text_of(page.get(f"/calendars/{calendar.pk}/?q=zebra"))


def test_a_calendar_s_entries_go_on_on_a_second_page(page: Client, calendar: Calendar) -> None:
    for number in range(51):
        entry(calendar, f"Entry {number:02}", starts_at=now() + timedelta(days=1, minutes=number))
    assert "Entry 50" not in text_of(page.get(f"/calendars/{calendar.pk}/"))
    assert "Entry 50" in text_of(page.get(f"/calendars/{calendar.pk}/?page=2"))


def test_a_calendar_s_page_costs_the_same_for_many_entries(
    page: Client, member: Member, calendar: Calendar, django_assert_max_num_queries: Any
) -> None:
    for number in range(25):
        one = entry(calendar, f"Entry {number}")
        change(one, "moved")
        DeliveryFactory.create(event=one, target=TargetFactory.create(member=member))
    with django_assert_max_num_queries(13):
        page.get(f"/calendars/{calendar.pk}/")


@pytest.mark.parametrize("query", ["q=%00", "q=%25_", "page=x", "page=99999"])
def test_a_mangled_query_is_passed_over(page: Client, calendar: Calendar, query: str) -> None:
    entry(calendar, "Telecon")
    assert page.get(f"/calendars/{calendar.pk}/?{query}").status_code == 200


def test_another_member_s_calendar_is_not_found_and_a_shared_one_is(page: Client, staff_page: Client) -> None:
    other, public = CalendarFactory.create(), CalendarFactory.create(owner=None)
    assert page.get(f"/calendars/{other.pk}/").status_code == 404
    assert staff_page.get(f"/calendars/{other.pk}/").status_code == 200
    assert "Shared with everyone" in text_of(page.get(f"/calendars/{public.pk}/"))


def test_the_list_of_calendars_asks_how_many_entries_are_coming(page: Client, calendar: Calendar) -> None:
    entry(calendar, "Telecon")
    entry(calendar, "Over", starts_at=now() - timedelta(days=1))
    other = CalendarFactory.create()
    entry(other, "Secret")
    html = page.get("/calendars/").content.decode()
    found = re.search(r'hx-get="(/calendars/counts[^"]*)"', html)
    assert found is not None
    query = f"{found[1].replace('&amp;', '&')}pk={other.pk}&pk=x&pk={'9' * 40}"
    answer = page.get(query).content.decode()
    assert f'<span id="calendar-{calendar.pk}-count" hx-swap-oob="true"> · 1 upcoming event</span>' in answer
    assert f"calendar-{other.pk}-" not in answer


def test_an_open_list_of_calendars_is_told_nothing_while_nothing_changed(
    page: Client, calendar: Calendar
) -> None:
    found = re.search(r"token=(\w+)", page.get("/calendars/").content.decode())
    assert found is not None
    live = {"HX-Request": "true"}
    assert page.get("/calendars/", {"token": found[1]}, headers=live).status_code == 204
    Calendar.objects.filter(pk=calendar.pk).update(problem="The server is away.")
    assert page.get("/calendars/", {"token": found[1]}, headers=live).status_code == 200


def told(event: Event, member: Member, **more: Any) -> None:
    DeliveryFactory.create(event=event, target=TargetFactory.create(member=member), **more)


def test_what_changed_says_from_what_to_what(page: Client, member: Member, calendar: Calendar) -> None:
    one = entry(calendar, "Telecon")
    told(one, member)
    moved = {"starts_at": "2026-03-10T13:30:00+00:00"}, {"starts_at": "2026-03-10T14:30:00+00:00"}
    change(one, "moved", *moved)
    change(one, "retitled", {"title": "Meeting"}, {"title": "Telecon"})
    change(one, "edited", {"location": "Room 1", "url": ""}, {"location": "", "url": "https://example.org"})
    change(one, "canceled")
    change(one, "reinstated")
    shown = text_of(page.get("/changes/"))
    for sentence in (
        "Tue 10 Mar, 13:30 now → Tue 10 Mar, 14:30",
        "Title: Meeting now → Telecon",
        "Location: Room 1 now → none The link changed.",
        "Telecon canceled:",
        "Telecon takes place after all:",
    ):
        assert sentence in shown


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "UTC"])
def test_what_lasts_all_day_is_on_the_same_day_in_every_zone(
    page: Client, member: Member, calendar: Calendar, zone: str
) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone=zone)
    # Midnight in Tokyo.
    midnight = datetime(2031, 3, 9, 15, 0, tzinfo=UTC)
    one = entry(calendar, "Holiday", starts_at=midnight, is_all_day=True, starts_on=date(2031, 3, 10))
    change(one, "moved", {"starts_at": "2031-03-10T15:00:00+00:00"}, {"starts_at": midnight.isoformat()})
    for path in (f"/calendars/{calendar.pk}/", f"/events/{one.pk}/"):
        shown = text_of(page.get(path))
        assert "Mon 10 Mar 2031 , all day" in shown
        assert "Tue 11 Mar 2031 now → Mon 10 Mar 2031" in shown
        assert "Sun 9 Mar" not in shown


def test_what_a_source_changes_is_shown_as_it_was_published(
    page: Client, member: Member, calendar: Calendar
) -> None:
    at = now().replace(microsecond=0) + timedelta(days=3)
    publish([EventDraft(source=calendar.source, external_id="1", title="Telecon", starts_at=at)])
    told(Event.objects.get(), member)
    later = at + timedelta(hours=1)
    publish([EventDraft(source=calendar.source, external_id="1", title="Review", starts_at=later)])
    withdraw(calendar.source, ["1"])
    shown = text_of(page.get("/changes/"))
    assert "Review canceled:" in shown
    assert f"{at:%H:%M} now →" in shown
    assert f", {later:%H:%M} Title: Telecon now → Review" in shown


def test_what_changed_for_others_is_not_shown(page: Client, staff_page: Client, other: Member) -> None:
    secret = EventFactory.create(title="Secret")
    told(secret, other)
    change(secret, "canceled")
    assert "No changes" in text_of(page.get("/changes/"))
    assert "Secret" not in text_of(page.get("/changes/?all=1"))
    assert "Secret" not in text_of(staff_page.get("/changes/"))
    assert "Secret" in text_of(staff_page.get("/changes/?all=1"))


def test_what_changed_of_a_calendar_is_shown_to_members_who_may_see_it(
    page: Client, calendar: Calendar
) -> None:
    other = CalendarFactory.create()
    change(entry(calendar, "Mine"), "canceled")
    change(entry(other, "Secret"), "canceled")
    assert "Mine" in text_of(page.get(f"/changes/?calendar={calendar.pk}"))
    for key in (other.pk, "x", "9" * 40):
        assert "Secret" not in text_of(page.get(f"/changes/?calendar={key}"))


def test_what_changed_long_ago_is_left_out(page: Client, calendar: Calendar) -> None:
    change(entry(calendar, "Telecon"), "canceled", at=now() - timedelta(days=61))
    assert "No changes" in text_of(page.get(f"/changes/?calendar={calendar.pk}"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], "x"),
        ({"starts_at": 7}, {"starts_at": "soon"}),
        ({"starts_at": None}, {"starts_at": "2026-03-10T13:30:00"}),
        ({}, {"new_column": {"a": 1}, "location": None}),
    ],
)
def test_a_change_that_makes_no_sense_is_no_fault(
    page: Client, calendar: Calendar, before: Any, after: Any
) -> None:
    change(entry(calendar, "Telecon"), "moved", before, after)
    assert "Telecon moved" in text_of(page.get(f"/changes/?calendar={calendar.pk}"))


def test_an_event_shows_its_history_and_its_calendar(page: Client, calendar: Calendar) -> None:
    one = entry(calendar, "Telecon")
    change(one, "retitled", {"title": "Meeting"}, {"title": "Telecon"})
    shown = text_of(page.get(f"/events/{one.pk}/"))
    assert "Changes Renamed Title: Meeting now → Telecon" in shown
    assert "Work" in shown


def test_an_entry_leads_to_a_registration_of_such_entries(page: Client, calendar: Calendar) -> None:
    one = entry(calendar, 'R&D/"weekly" 50%')
    html = page.get(f"/events/{one.pk}/").content.decode()
    found = re.search(r'href="(/registrations/add/[^"]*)"', html)
    assert found is not None
    form = page.get(found[1].replace("&amp;", "&")).content.decode()
    assert 'value="&quot;R&amp;D/weekly 50%&quot;"' in form
    assert f'<option value="{calendar.pk}" selected>' in form


def test_an_entry_of_another_member_s_calendar_is_not_found(page: Client) -> None:
    one = entry(CalendarFactory.create(), "Secret")
    assert page.get(f"/events/{one.pk}/").status_code == 404


def test_who_is_no_longer_told_of_an_entry_is_not_shown_what_becomes_of_it(
    page: Client, member: Member
) -> None:
    event = entry(CalendarFactory.create(), "Board meeting")
    change(event, "retitled", {"title": "Board meeting"}, {"title": "Dismissals"})
    one = DeliveryFactory.create(event=event, target=TargetFactory.create(member=member))
    assert "Dismissals" in text_of(page.get("/changes/"))
    one.state = "canceled"
    one.save()
    assert "Dismissals" not in text_of(page.get("/changes/"))
    assert page.get(f"/events/{event.pk}/").status_code == 404
    Event.objects.update(canceled_at=now())
    assert page.get(f"/events/{event.pk}/").status_code == 200


def test_words_with_accents_are_found_as_they_are_written(page: Client, calendar: Calendar) -> None:
    entry(calendar, "Übung")
    assert "Übung" in text_of(page.get(f"/calendars/{calendar.pk}/", {"q": "Übung"}))
