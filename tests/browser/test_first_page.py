"""The first page in a real browser: what goes on at this moment, and a list with pages, a search and filters."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Period
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.views.upcoming import PAGE
from registration.models import Member
from registration.tests.factories import RegistrationFactory, TargetFactory
from tests.fixtures.people import new_member

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def event(title: str, begins: timedelta, lasts: timedelta = timedelta(hours=1)) -> Any:
    """Make an event that begins so long from now."""
    starts_at = now() + begins
    times = {"starts_at": starts_at, "ends_at": starts_at + lasts, "deadline_at": starts_at + lasts}
    return EventFactory.create(source="calendar:1", title=title, **times)


def plan(member: Member, one: Any, kind: str = "inbox", **more: Any) -> Delivery:
    """Have a plan tell a member ten minutes before the start of an event."""
    target = member.targets.filter(kind=kind).first() or TargetFactory.create(member=member, kind=kind)
    due_at = one.starts_at - timedelta(minutes=10)
    times = {
        "starts_at": one.starts_at,
        "due_at": due_at,
        "next_attempt_at": due_at,
        "deadline_at": one.deadline_at,
    }
    made: Delivery = DeliveryFactory.create(target=target, event=one, **times | more)
    return made


def test_the_page_shows_what_rings_what_runs_and_until_when_notices_are_muted(
    panel: "Page", member: Member
) -> None:
    panel.get_by_text("Nothing scheduled").wait_for()
    # A page that is open shows it by itself.
    running = event("Observing run", timedelta(minutes=-5))
    plan(member, running, state=State.SENT, sent_at=now())
    mute = RegistrationFactory.create(member=member, action="mute")
    until = now() + timedelta(hours=2)
    Period.objects.create(
        member=member, registration=mute, event=running, kind="mute", starts_at=now(), ends_at=until
    )
    call = plan(member, event("PFS telecon", timedelta(minutes=5)), "voice", state=State.SENT, attempts=1)
    Delivery.objects.filter(pk=call.pk).update(lease_until=now() + timedelta(minutes=3))
    present = panel.get_by_role("region", name="Now")
    present.get_by_text("ringing").wait_for()
    shown = " ".join(present.inner_text().split())
    assert "ringing PFS telecon: Phone call" in shown
    assert "running Observing run, until " in shown
    assert f"muted until today, {until:%H:%M}: Observing run" in shown or "muted until tomorrow" in shown
    assert panel.get_by_text("Nothing else scheduled").is_visible()
    Delivery.objects.filter(pk=call.pk).update(state=State.DELIVERED, lease_until=None)
    present.get_by_text("ringing").wait_for(state="detached")


def test_quiet_hours_are_shown_with_their_end(panel: "Page", member: Member) -> None:
    local = now().astimezone(member.zone)
    until = (local + timedelta(hours=2)).replace(second=0, microsecond=0)
    member.quiet_from, member.quiet_until = (local - timedelta(hours=1)).time(), until.time()
    member.save()
    panel.get_by_text("Quiet hours until").wait_for()
    assert f"{until:%H:%M}" in panel.get_by_role("region", name="Now").inner_text()


def test_a_long_list_has_pages_a_search_and_filters(panel: "Page", member: Member) -> None:
    for number in range(PAGE + 5):
        plan(member, event(f"Telecon {number:02}", timedelta(hours=number + 1)))
    plan(member, event("Dentist", timedelta(days=9)), "voice")
    panel.reload()
    titles = panel.locator("#upcoming .fw-medium")
    seen = titles.all_inner_texts()
    assert len(seen) == PAGE
    panel.get_by_role("link", name="Later").click()
    panel.wait_for_url("**after=**")
    seen += titles.all_inner_texts()
    assert seen == [*(f"Telecon {number:02}" for number in range(PAGE + 5)), "Dentist"]
    panel.get_by_role("link", name="Earliest").click()
    panel.get_by_text("Telecon 00").wait_for()
    panel.get_by_label("Search titles").fill("dent")
    panel.get_by_role("button", name="Search").click()
    panel.wait_for_url("**q=dent**")
    assert titles.all_inner_texts() == ["Dentist"]
    panel.get_by_label("Channel").select_option(label="Inbox")
    panel.get_by_text("No matches").wait_for()
    panel.get_by_label("Search titles").fill("")
    panel.get_by_label("Channel").select_option(label="Phone call")
    panel.wait_for_url("**q=&kind=voice**")
    assert titles.all_inner_texts() == ["Dentist"]


def test_the_staff_goes_through_the_events_of_all_members(
    panel: "Page", live_server: Any, member: Member
) -> None:
    member.user.is_staff = True
    member.user.save()
    others = [new_member() for _ in range(7)]
    for number in range(10):
        one = event(f"Telecon {number:02}", timedelta(hours=number + 1))
        for other in others:
            plan(other, one)
    panel.goto(f"{live_server.url}/upcoming/?all=1")
    seen = panel.locator("#upcoming .fw-medium").all_inner_texts()
    panel.get_by_role("link", name="Later").click()
    panel.wait_for_url("**after=**")
    seen += panel.locator("#upcoming .fw-medium").all_inner_texts()
    assert seen == [f"Telecon {number:02}" for number in range(10)]
