"""What the form of a standing registration shows while it is typed."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils.html import escape

from common.clock import now
from eventinvoke.models import Event
from eventinvoke.planning.replan import follow_changes
from eventinvoke.tests.factories import EventFactory
from registration.models import Calendar, Member, Registration, Target
from registration.tests.factories import (
    CalendarFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)
from registration.tests.form_data import plan, standing
from registration.tests.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_berlin")]
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_march() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def target(member: Member) -> Target:
    made: Target = TargetFactory.create(member=member, kind="calllike")
    return made


@pytest.fixture
def calendar(member: Member) -> Calendar:
    made: Calendar = CalendarFactory.create(owner=member, name="Work")
    return made


def entry(calendar: Calendar, title: str, hours: float = 24, **more: Any) -> Event:
    made: Event = EventFactory.create(
        source=calendar.source, title=title, starts_at=NOW + timedelta(hours=hours), **more
    )
    return made


def test_what_fits_is_shown_of_the_calendars_that_one_sees(
    page: Client, target: Target, calendar: Calendar
) -> None:
    entry(calendar, "Weekly telecon")
    entry(calendar, "Dentist")
    entry(CalendarFactory.create(owner=None), "Telecon of all")
    entry(CalendarFactory.create(), "Secret telecon")
    shown = text_of(page.post("/matches/", standing(target)))
    assert "2 of 3 upcoming events match." in shown
    assert "Weekly" in shown
    assert "Secret" not in shown


def test_the_matching_part_is_marked_and_the_rest_is_text(
    page: Client, target: Target, calendar: Calendar
) -> None:
    entry(calendar, "A <b>Telecon</b> today")
    html = page.post("/matches/", standing(target)).content.decode()
    assert 'A &lt;b&gt;<mark class="match">Telecon</mark>&lt;/b&gt; today' in html


def test_what_is_found_in_another_field_is_shown_with_some_text_around_it(
    page: Client, target: Target, calendar: Calendar
) -> None:
    long = "x" * 200
    entry(calendar, "Meeting", description=f"{long} the telecon room {long}")
    html = page.post("/matches/", standing(target, searched=["title", "description"])).content.decode()
    assert re.search(r'Description: …x{35} the <mark class="match">telecon</mark> room x{34}…', html)


def test_each_target_is_said_with_its_time_in_the_reader_s_zone(
    page: Client, target: Target, calendar: Calendar
) -> None:
    entry(calendar, "Telecon", 24.5)
    steps = plan((target.pk, 10, "minutes", "before"), (target.pk, 1, "days", "before"))
    shown = text_of(page.post("/matches/", standing(target) | steps))
    assert "Telecon Tomorrow, 09:30 Call-like today, 09:30 Call-like 09:20" in shown


def test_an_event_too_late_for_a_notice_says_so(page: Client, target: Target, calendar: Calendar) -> None:
    entry(calendar, "Telecon", -0.5)
    assert "too late for a notice" in text_of(page.post("/matches/", standing(target)))


def test_an_entry_that_no_step_tells_of_says_so(page: Client, target: Target, calendar: Calendar) -> None:
    entry(calendar, "Telecon")
    rows = plan(("", 10, "minutes", "before"))  # type: ignore[arg-type]
    assert "the plan has no steps" in text_of(page.post("/matches/", standing(target) | rows))


def test_a_registration_that_is_off_says_so(page: Client, target: Target, stored: Registration) -> None:
    Registration.objects.update(is_active=False)
    shown = text_of(page.post(f"/matches/?registration={stored.pk}", standing(target)))
    assert "no notice: the registration is off" in shown


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({"pattern": "(", "syntax": "regex"}, "pattern", "not a valid pattern"),
        ({"pattern": "(?=x)", "syntax": "regex"}, "pattern", "Lookahead"),
        ({"pattern": '""'}, "pattern", "Enter at least one word."),
        ({"exclude": "(", "syntax": "regex"}, "exclude", "not a valid pattern"),
    ],
)
def test_what_can_not_be_searched_for_is_told_next_to_its_field_and_keeps_the_last_preview(
    page: Client, target: Target, more: dict[str, str], field: str, said: str
) -> None:
    answer = page.post("/matches/", standing(target, **more))
    html = answer.content.decode()
    place = re.search(rf'<div id="id_{field}_errors" hx-swap-oob="innerHTML">(.*?)</div>', html, re.DOTALL)
    assert place is not None
    assert said in place[1]
    assert answer["HX-Reswap"] == "none"
    assert "data-stale" in html


def test_a_text_with_a_wrong_field_is_told_at_once_and_the_preview_goes_on(
    page: Client, target: Target, calendar: Calendar
) -> None:
    entry(calendar, "Telecon")
    shown = text_of(page.post("/matches/", standing(target, text="{tilte}")))
    assert "There is no {tilte}; did you mean {title}?" in shown
    assert "1 of 1 upcoming event matches." in shown


def test_an_empty_pattern_is_no_error(page: Client, target: Target) -> None:
    answer = page.post("/matches/", standing(target, pattern=""))
    assert "This field is required." not in text_of(answer)
    assert "as you type" in text_of(answer)
    assert "HX-Reswap" not in answer


@pytest.mark.parametrize(
    ("title", "said"), [("Dentist", "No matches among 1 upcoming event."), ("", "No upcoming events yet")]
)
def test_that_nothing_fits_is_said(
    page: Client, target: Target, calendar: Calendar, title: str, said: str
) -> None:
    if title:
        entry(calendar, title)
    assert said in text_of(page.post("/matches/", standing(target)))


def test_an_example_says_what_the_first_notice_will_say(
    page: Client, target: Target, calendar: Calendar
) -> None:
    entry(calendar, "Telecon", location="Room 1")
    answer = page.post("/matches/", standing(target, text="Go to {place} at {time}: <{title}>"))
    assert escape("Go to Room 1 at 09:00: <Telecon>") in answer.content.decode()


@pytest.mark.parametrize(("action", "word"), [("mute", "muted"), ("away", "away")])
def test_what_mutes_or_makes_away_says_from_when_until_when(
    page: Client, target: Target, calendar: Calendar, action: str, word: str
) -> None:
    entry(calendar, "Telecon", ends_at=NOW + timedelta(hours=26), deadline_at=NOW + timedelta(hours=26))
    shown = text_of(page.post("/matches/", standing(target, action=action)))
    assert f"{word} from tomorrow, 09:00 until 11:00" in shown


@pytest.fixture
def stored(member: Member, target: Target, calendar: Calendar) -> Registration:
    """A registration for telecons that is planned: two entries come."""
    one: Registration = RegistrationFactory.create(member=member, syntax="words", planned_version=0)
    StepFactory.create(registration=one, target=target)
    entry(calendar, "Telecon one", 24)
    entry(calendar, "Telecon two", 48)
    entry(calendar, "Review", 72)
    follow_changes()
    return one


def test_an_edit_says_what_it_adds_and_removes(page: Client, target: Target, stored: Registration) -> None:
    answer = page.post(f"/matches/?registration={stored.pk}", standing(target, pattern="review"))
    shown = text_of(answer)
    assert "After saving: +1 \N{MINUS SIGN}2" in shown
    html = answer.content.decode()
    assert re.findall(r'class="match-added[^>]*>(\w+)', html) == ["Review"]
    assert re.findall(r'class="match-removed[^>]*>(\w+ \w+)', html) == ["Telecon one", "Telecon two"]


def test_an_edit_that_changes_nothing_says_so(page: Client, target: Target, stored: Registration) -> None:
    shown = text_of(page.post(f"/matches/?registration={stored.pk}", standing(target, pattern="TELECON")))
    assert "Saving changes no notices." in shown


def test_a_preview_stores_nothing(page: Client, target: Target, stored: Registration) -> None:
    page.post(f"/matches/?registration={stored.pk}", standing(target, pattern="review"))
    stored.refresh_from_db()
    assert (stored.pattern, stored.is_planned) == ("telecon", True)
    assert Registration.objects.count() == 1


@pytest.mark.parametrize("key", ["x", "999999", "9" * 40, "-1"])
def test_a_registration_that_is_none_is_not_found(page: Client, target: Target, key: str) -> None:
    assert page.post(f"/matches/?registration={key}", standing(target)).status_code == 404


def test_another_member_s_registration_is_not_found(page: Client, target: Target) -> None:
    other = RegistrationFactory.create()
    assert page.post(f"/matches/?registration={other.pk}", standing(target)).status_code == 404


@pytest.mark.parametrize("calendar", ["x", "999999", "9" * 40])
def test_a_calendar_that_is_none_finds_nothing(page: Client, target: Target, calendar: str) -> None:
    answer = page.post("/matches/", standing(target, calendar=calendar))
    assert answer.status_code == 200
    assert "coming" not in text_of(answer)


def test_another_member_s_calendar_is_not_looked_into(page: Client, target: Target) -> None:
    other = CalendarFactory.create()
    entry(other, "Secret telecon")
    assert "Secret" not in text_of(page.post("/matches/", standing(target, calendar=other.pk)))


@pytest.mark.parametrize("data", [{}, {"pattern": "a", "steps-TOTAL_FORMS": "x"}, {"searched": "x"}])
def test_mangled_fields_are_no_fault(page: Client, data: dict[str, str]) -> None:
    assert page.post("/matches/", data).status_code == 200


def test_a_visitor_who_is_not_signed_in_gets_no_preview(client: Client) -> None:
    assert client.post("/matches/").status_code == 403


def fill(calendar: Calendar, count: int) -> None:
    starts = [now() + timedelta(minutes=7 * number) for number in range(count)]
    Event.objects.bulk_create(
        Event(
            source=calendar.source,
            external_id=f"many-{number}",
            title=f"{('Telecon', 'Review', 'Shift')[number % 3]} {number}",
            description="Some words about it. " * 20,
            starts_at=at,
            deadline_at=at + timedelta(hours=1),
        )
        for number, at in enumerate(starts)
    )


@pytest.mark.parametrize("count", [30, 600])
@pytest.mark.parametrize("is_edit", [False, True])
def test_a_preview_costs_the_same_for_many_entries(
    page: Client,
    target: Target,
    calendar: Calendar,
    stored: Registration,
    count: int,
    is_edit: bool,  # noqa: FBT001 - a parameter of the test
    django_assert_max_num_queries: Any,
) -> None:
    fill(calendar, count)
    query = f"?registration={stored.pk}" if is_edit else ""
    with django_assert_max_num_queries(28 if is_edit else 20):
        page.post(f"/matches/{query}", standing(target, pattern="e"))
