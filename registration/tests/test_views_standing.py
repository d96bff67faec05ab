"""Registrations of matching events in the panel: how they look, what they bring about, what they say."""

import re
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from registration.models import Member, Registration, Target
from registration.tests.factories import CalendarFactory, RegistrationFactory, StepFactory, TargetFactory
from registration.tests.form_data import plan, standing
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db
ADD = "/registrations/add/?kind=standing"


def test_a_new_one_looks_for_plain_words_in_titles(page: Client, inbox: Target) -> None:
    html = page.get(ADD).content.decode()
    assert '<option value="words" selected>' in html
    checked = re.findall(r'name="(?:searched|action)" value="(\w+)"[^>]* checked', html)
    assert checked == ["title", "notify"]


def test_a_new_plan_begins_with_the_inbox_ten_minutes_before(page: Client, inbox: Target) -> None:
    TargetFactory.create(member=inbox.member, kind="voice", verified_at=now() - timedelta(days=9))
    html = page.get(ADD).content.decode()
    assert f'<option value="{inbox.pk}" selected>' in html
    assert html.count("selected>Inbox") == 1
    assert 'name="steps-0-amount" value="10"' in html


def test_a_new_plan_of_a_member_without_inbox_begins_with_what_was_verified_first(
    page: Client, inbox: Target
) -> None:
    for days in (2, 9, 5):
        TargetFactory.create(member=inbox.member, kind="voice", verified_at=now() - timedelta(days=days))
    Target.objects.filter(pk=inbox.pk).update(disabled_at=now())
    first = Target.objects.filter(kind="voice").order_by("verified_at")[0]
    assert f'<option value="{first.pk}" selected>' in page.get(ADD).content.decode()


def test_everything_that_is_typed_is_stored(page: Client, member: Member, inbox: Target) -> None:
    calendar = CalendarFactory.create(owner=None)
    data = standing(
        inbox,
        syntax="regex",
        pattern="^tele",
        exclude="canceled",
        searched=["title", "attendees"],
        calendar=calendar.pk,
        name="Telecons",
        text="{title} at {time}",
        all_day_at="18:30",
        skips_away="on",
    )
    assert page.post(ADD, data)["Location"] == "/registrations/"
    one = Registration.objects.get()
    assert (one.syntax, one.pattern, one.exclude) == ("regex", "^tele", "canceled")
    assert (one.fields, one.calendar, one.name) == (["title", "attendees"], calendar, "Telecons")
    assert (one.text, one.all_day_at, one.skips_away) == ("{title} at {time}", time(18, 30), True)
    assert (one.action, one.member, one.is_planned) == ("notify", member, False)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("pattern", '" "', "Enter at least one word."),
        ("exclude", '""', "Enter at least one word."),
        ("text", "{tilte}", "There is no {tilte}; did you mean {title}?"),
        ("text", "{", "A { is not closed by a }."),
        ("text", "x" * 2001, "The text is longer than 2000 characters."),
        ("all_day_at", "25:00", "Enter a time, like 22:30."),
        ("all_day_at", "", "This field is required."),
        ("syntax", "x", "Choose one from the list."),
    ],
)
def test_what_can_not_be_taken_is_told_next_to_its_field(
    page: Client, inbox: Target, field: str, value: str, said: str
) -> None:
    assert said in error_at(page.post(ADD, standing(inbox, **{field: value})), field)
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"searched": []},
        {"searched": ["title", "colour"]},
        {"action": "x"},
        {"action": "mute", "muted_sources": ["calendar:999999"]},
    ],
)
def test_what_is_none_of_the_choices_is_refused(page: Client, inbox: Target, more: dict[str, Any]) -> None:
    answer = page.post(ADD, standing(inbox, **more))
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not Registration.objects.exists()


def test_words_are_no_regular_expression(page: Client, inbox: Target) -> None:
    page.post(ADD, standing(inbox, pattern="c++ (draft"))
    assert Registration.objects.get().pattern == "c++ (draft"


def test_a_mute_says_what_it_holds_back_and_where_its_summary_goes(page: Client, inbox: Target) -> None:
    calendar = CalendarFactory.create(owner=inbox.member)
    page.post(ADD, standing(inbox, action="mute", muted_sources=[calendar.source, "registration"]))
    one = Registration.objects.get()
    assert (one.action, one.muted_sources) == ("mute", [calendar.source, "registration"])
    assert [step.target for step in one.steps.all()] == [inbox]


def test_a_mute_needs_no_plan(page: Client, inbox: Target) -> None:
    rows = plan(("", 10, "minutes", "before"))  # type: ignore[arg-type]
    page.post(ADD, standing(inbox, action="mute") | rows)
    assert Registration.objects.get().steps.count() == 0


def test_another_member_s_calendar_can_not_be_held_back(page: Client, inbox: Target) -> None:
    other = CalendarFactory.create()
    page.post(ADD, standing(inbox, action="mute", muted_sources=[other.source]))
    assert not Registration.objects.exists()


def test_an_absence_has_no_plan(page: Client, inbox: Target) -> None:
    page.post(ADD, standing(inbox, action="away"))
    assert Registration.objects.get().steps.count() == 0


def test_a_registration_that_becomes_an_absence_loses_its_plan(page: Client, inbox: Target) -> None:
    one = RegistrationFactory.create(member=inbox.member)
    StepFactory.create(registration=one, target=inbox)
    rows = {"steps-INITIAL_FORMS": "1", "steps-0-step": str(one.steps.get().pk), "steps-0-target": ""}
    page.post(f"/registrations/{one.pk}/", standing(inbox, action="away") | rows)
    one.refresh_from_db()
    assert (one.action, one.steps.count()) == ("away", 0)


def test_a_notice_forgets_what_a_mute_held_back(page: Client, inbox: Target) -> None:
    one = RegistrationFactory.create(member=inbox.member, action="mute", muted_sources=["system"])
    page.post(f"/registrations/{one.pk}/", standing(inbox, muted_sources=["system"]))
    one.refresh_from_db()
    assert (one.action, one.muted_sources) == ("notify", [])


def test_the_form_of_a_stored_one_shows_what_is_stored(page: Client, inbox: Target) -> None:
    one = RegistrationFactory.create(
        member=inbox.member, exclude="draft", fields=["location"], text="{place}", all_day_at=time(7, 15)
    )
    html = page.get(f"/registrations/{one.pk}/").content.decode()
    for part in ('value="draft"', "{place}</textarea>", 'value="07:15"', '<option value="regex" selected>'):
        assert part in html
    assert html.count("<details") == html.count(" open>") == 2


def test_a_calendar_that_is_switched_off_stays_chosen(page: Client, inbox: Target) -> None:
    calendar = CalendarFactory.create(owner=inbox.member, is_active=False)
    one = RegistrationFactory.create(member=inbox.member, calendar=calendar)
    page.post(f"/registrations/{one.pk}/", standing(inbox, calendar=calendar.pk, pattern="new"))
    one.refresh_from_db()
    assert (one.calendar, one.pattern) == (calendar, "new")


def test_the_calendar_that_one_comes_from_is_chosen_already(page: Client, inbox: Target) -> None:
    calendar = CalendarFactory.create(owner=inbox.member)
    html = page.get(f"{ADD}&calendar={calendar.pk}&pattern=%22A%26B%22").content.decode()
    assert f'<option value="{calendar.pk}" selected>' in html
    assert 'value="&quot;A&amp;B&quot;"' in html
    assert page.get(f"{ADD}&calendar=x&pattern=%00").status_code == 200


def test_the_list_says_what_each_brings_about(page: Client, inbox: Target) -> None:
    RegistrationFactory.create(member=inbox.member, syntax="words", pattern="run", action="mute", name="Runs")
    RegistrationFactory.create(member=inbox.member, pattern="^tele", exclude="draft", name="Telecons")
    shown = text_of(page.get("/registrations/"))
    assert "Mute other notices during the event: “run” in all calendars" in shown
    assert "^tele , but not draft , in all calendars" in shown


def test_the_form_costs_the_same_for_many_calendars(
    page: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    CalendarFactory.create_batch(25, owner=member)
    with django_assert_max_num_queries(8):
        page.get(ADD)


def test_a_source_that_was_removed_does_not_turn_into_all_sources(page: Client, inbox: Target) -> None:
    one = RegistrationFactory.create(member=inbox.member, action="mute", muted_sources=["calendar:999999"])
    shown = page.get(f"/registrations/{one.pk}/").content.decode()
    box = re.search(r'<input[^>]*value="calendar:999999"[^>]*>', shown)
    assert box is not None
    assert "checked" in box[0]
    page.post(f"/registrations/{one.pk}/", standing(inbox, action="mute", muted_sources=["calendar:999999"]))
    one.refresh_from_db()
    assert one.muted_sources == ["calendar:999999"]


def test_a_calendar_that_is_no_longer_shared_is_not_named(page: Client, member: Member) -> None:
    RegistrationFactory.create(member=member, calendar=CalendarFactory.create(name="Dismissals"))
    shown = text_of(page.get("/registrations/"))
    assert f"in a calendar that {member} can't see: no notices" in shown
    assert "Dismissals" not in shown
