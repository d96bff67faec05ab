"""Registrations of matching events in a real browser: the preview while one types, and what an edit changes.

With NOTICE_SCREENSHOTS set to a folder, the pages are kept there as pictures, wide and narrow, light and dark.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from common.clock import now
from eventinvoke.models import Event, EventChange
from eventinvoke.planning.replan import follow_changes
from eventinvoke.tests.factories import EventFactory
from registration.models import Calendar, Member, Registration
from registration.tests.factories import CalendarFactory, RegistrationFactory, StepFactory
from tests.fixtures.processes import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
TITLES = ("PFS telecon", "Review of the report", "Observing run", "Telecon: calculator", "Dentist")


@pytest.fixture
def calendar(member: Member) -> Calendar:
    """A calendar with an entry a day."""
    made: Calendar = CalendarFactory.create(owner=member, name="Observatory", synced_at=now())
    for number, title in enumerate(TITLES):
        starts_at = now() + timedelta(days=number + 1)
        EventFactory.create(
            source=made.source, title=title, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2)
        )
    return made


@pytest.fixture
def new(panel: "Page", live_server: Any, calendar: Calendar) -> "Page":
    """The form of a new registration."""
    panel.goto(f"{live_server.url}/registrations/add/?kind=standing")
    panel.get_by_text("Matches appear as you type.").wait_for()
    return panel


@pytest.fixture
def stored(member: Member, calendar: Calendar) -> Registration:
    """A registration for telecons, planned."""
    one: Registration = RegistrationFactory.create(member=member, syntax="words", planned_version=0)
    StepFactory.create(registration=one, target=member.targets.get(kind="inbox"))
    follow_changes()
    return one


def keep(page: "Page", name: str) -> None:
    """Keep pictures of the page, if pictures are wanted."""
    folder = os.environ.get("NOTICE_SCREENSHOTS")
    if not folder:
        return
    for size, width in (("wide", 1280), ("narrow", 390)):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            path = str(Path(folder) / f"{name}-{size}-{scheme}.png")
            page.screenshot(path=path, full_page=True, animations="disabled")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def marks(page: "Page") -> list[str]:
    return page.locator("#preview-list mark").all_inner_texts()


def test_typing_shows_what_fits_with_its_marks_and_its_times(new: "Page") -> None:
    field = new.get_by_label("Search terms")
    field.press_sequentially("TELE")
    new.locator("#preview-summary", has_text="2 of 5 upcoming events match.").wait_for()
    assert marks(new) == ["tele", "Tele"]
    times = new.locator("#preview-list .match-times li")
    assert times.count() == 2
    shown = Event.objects.get(title="PFS telecon").starts_at - timedelta(minutes=10)
    assert times.first.inner_text().split()[-1] == f"{shown:%H:%M}"
    # The page was not loaded again: the cursor is where it was.
    field.press_sequentially("con:")
    new.locator("#preview-summary", has_text="1 of 5 upcoming events matches.").wait_for()
    assert field.input_value() == "TELEcon:"
    assert marks(new) == ["Telecon:"]
    keep(new, "preview")


def test_the_preview_follows_the_plan_and_the_calendar(new: "Page", member: Member) -> None:
    CalendarFactory.create(owner=member, name="Empty")
    new.reload()
    new.get_by_label("Search terms").fill("tele")
    new.locator("#preview-list .match-times li").first.wait_for()
    new.get_by_role("button", name="Add step").click()
    row = new.locator(".plan-row:visible").nth(1)
    row.get_by_label("Contact method").select_option(label="Inbox")
    row.get_by_label("When", exact=True).fill("2")
    wait_until(lambda: new.locator("#preview-list .match-times li").count() == 4, what="two times an entry")
    row.get_by_role("button", name="Delete this step").click()
    wait_until(lambda: new.locator("#preview-list .match-times li").count() == 2, what="one time an entry")
    new.get_by_label("Calendar", exact=True).select_option(label="Empty")
    new.locator("#preview-summary", has_text="No upcoming events yet.").wait_for()


def test_an_invalid_expression_is_told_at_once_and_keeps_the_last_preview(new: "Page") -> None:
    field = new.get_by_label("Search terms")
    new.get_by_label("Match using").select_option(label="regular expression")
    field.fill("^pfs|run$")
    new.locator("#preview-summary", has_text="2 of 5").wait_for()
    field.fill("^pfs|run$(")
    new.locator("#id_pattern_errors", has_text="This is not a valid pattern").wait_for()
    wait_until(lambda: field.get_attribute("aria-invalid") == "true", what="the mark on the field")
    assert "id_pattern_error" in (field.get_attribute("aria-describedby") or "").split()
    assert marks(new) == ["PFS", "run"]
    faded = "getComputedStyle(document.querySelector('#preview-list')).opacity"
    wait_until(lambda: float(new.evaluate(faded)) < 1, what="a faded list")
    keep(new, "invalid")
    field.fill("^pfs")
    new.locator("#preview-summary", has_text="1 of 5").wait_for()
    wait_until(lambda: field.get_attribute("aria-invalid") is None, what="no mark on the field")
    assert float(new.evaluate(faded)) == 1
    assert new.locator("#id_pattern_errors .errorlist").count() == 0


def test_a_text_is_put_together_by_clicks_and_its_example_shown(new: "Page") -> None:
    new.get_by_label("Search terms").fill("run")
    new.get_by_text("Text of the notice, all-day").click()
    text = new.get_by_label("Text of the notice", exact=True)
    text.fill("Go: ")
    new.get_by_role("button", name="title", exact=True).click()
    new.locator("#text-example", has_text="Go: Observing run").wait_for()
    assert text.input_value() == "Go: {title}"
    text.fill("Go: {titel}")
    new.get_by_text("There is no {titel}; did you mean {title}?").wait_for()
    keep(new, "text")


def test_an_edit_shows_what_it_adds_and_removes(
    panel: "Page", live_server: Any, stored: Registration
) -> None:
    panel.goto(f"{live_server.url}/registrations/{stored.pk}/")
    panel.locator("#preview-summary", has_text="Saving changes no notices.").wait_for()
    panel.get_by_label("Search terms").fill("review")
    panel.locator(".match-figures", has_text="+1 \N{MINUS SIGN}2").wait_for()
    assert panel.locator(".match-added").count() == 1
    assert panel.locator(".match-added").inner_text().startswith("Review of the report")
    removed = panel.locator(".match-removed").all_inner_texts()
    assert [text.split(",")[0] for text in removed] == ["PFS telecon", "Telecon: calculator"]
    keep(panel, "difference")
    panel.get_by_role("button", name="Save").click()
    panel.get_by_text("“Telecons” is saved.").wait_for()
    stored.refresh_from_db()
    assert stored.pattern == "review"


def test_a_mute_is_registered(new: "Page", calendar: Calendar) -> None:
    new.get_by_label("Search terms").fill("observing run")
    new.get_by_label("Mute other notices during the event").check()
    new.get_by_text("muted from").wait_for()
    row = new.locator(".plan-row:visible")
    assert row.get_by_label("Contact method").is_visible()
    assert not row.get_by_label("When", exact=True).is_visible()
    assert not new.get_by_text("Text of the notice, all-day").is_visible()
    new.get_by_label("Observatory").check()
    keep(new, "mute")
    new.get_by_role("button", name="Save").click()
    new.get_by_text("“observing run” is saved.").wait_for()
    one = Registration.objects.get()
    assert (one.action, one.muted_sources) == ("mute", [calendar.source])
    assert [step.target.kind for step in one.steps.all()] == ["inbox"]
    keep(new, "registrations")


def test_an_absence_is_registered_without_a_plan(new: "Page") -> None:
    new.get_by_label("Search terms").fill("dentist")
    new.get_by_label("I am away during the event").check()
    new.get_by_text("away from").wait_for()
    assert not new.get_by_role("button", name="Add step").is_visible()
    new.get_by_role("button", name="Save").click()
    new.get_by_text("“dentist” is saved.").wait_for()
    assert Registration.objects.get().action == "away"


def test_the_form_is_filled_in_with_the_keyboard_alone(new: "Page") -> None:
    new.get_by_label("Search terms").focus()
    new.keyboard.type("telecon")
    order = []
    for _ in range(6):
        new.keyboard.press("Tab")
        order.append(new.evaluate("document.activeElement.id || document.activeElement.className"))
    assert order == [
        "id_syntax",
        "id_calendar",
        "",  # the summary of what is folded away
        "card-body preview-body",
        "id_action_0",
        "id_steps-0-target",
    ]
    new.keyboard.press("Enter")
    assert new.evaluate("document.querySelector('#preview-summary').getAttribute('aria-live')") == "polite"


def test_every_field_has_a_name(new: "Page") -> None:
    nameless = new.evaluate(
        "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
        ".filter((one) => !one.labels.length && !one.ariaLabel).map((one) => one.name)"
    )
    assert nameless == []


def test_nothing_is_wider_than_a_phone(
    panel: "Page", live_server: Any, stored: Registration, calendar: Calendar
) -> None:
    panel.set_viewport_size({"width": 390, "height": 844})
    for path in (
        f"/registrations/{stored.pk}/",
        "/registrations/add/?kind=standing",
        "/registrations/",
        "/calendars/",
        f"/calendars/{calendar.pk}/",
        f"/calendars/{calendar.pk}/edit/",
        "/changes/",
    ):
        panel.goto(f"{live_server.url}{path}")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert panel.evaluate(wide) <= 0, path


def test_a_calendar_s_page_leads_to_a_registration_of_its_entries(
    panel: "Page", live_server: Any, calendar: Calendar, stored: Registration
) -> None:
    event = Event.objects.get(title="Dentist")
    before = {"starts_at": (event.starts_at - timedelta(hours=3)).isoformat()}
    EventChange.objects.create(
        event=event, kind="moved", before=before, after={"starts_at": event.starts_at.isoformat()}
    )
    panel.get_by_role("link", name="Calendars").click()
    panel.get_by_text("5 upcoming events").wait_for()
    keep(panel, "calendars")
    panel.get_by_role("link", name="Observatory").click()
    panel.get_by_text("Dentist moved").wait_for()
    keep(panel, "calendar")
    panel.get_by_placeholder("Search").fill("tele")
    panel.get_by_role("button", name="Search").click()
    panel.get_by_text("2 upcoming matching the search").wait_for()
    panel.get_by_role("link", name="Add registration", exact=True).click()
    chosen = panel.get_by_label("Calendar", exact=True)
    assert chosen.input_value() == str(calendar.pk)


def test_the_list_of_calendars_says_by_itself_that_one_was_read(
    panel: "Page", live_server: Any, calendar: Calendar
) -> None:
    Calendar.objects.filter(pk=calendar.pk).update(synced_at=None)
    panel.goto(f"{live_server.url}/calendars/")
    panel.get_by_text("not synced yet").wait_for()
    Calendar.objects.filter(pk=calendar.pk).update(synced_at=now())
    panel.get_by_text("synced today").wait_for()
