"""Registering for another member in a real browser: the plan follows the member, and a decline is told."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from common.clock import now
from eventinvoke.models import Delivery
from eventinvoke.planning.replan import follow_changes
from registration.models import Member, Registration
from registration.tests.factories import TargetFactory
from tests.fixtures.people import new_member, signed_in
from tests.fixtures.processes import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture
def member(db: None) -> Member:
    """An administrator, who registers for others."""
    return new_member(username="alice", first_name="Alice", is_staff=True)


@pytest.fixture
def bob(db: None) -> Member:
    """The member who is told."""
    return new_member(username="bob", first_name="Bob")


def fill(page: "Page", url: str) -> None:
    page.goto(f"{url}/registrations/add/")
    page.get_by_role("textbox", name="Title").fill("Feed the cat")
    page.get_by_label("Starts").fill((now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))


def chosen(page: "Page") -> str:
    """Return what the closed select of the first step says."""
    select = page.locator(".plan-row:visible").first.get_by_label("Contact method")
    return str(select.evaluate("(one) => one.selectedOptions[0].text"))


def test_the_preset_step_follows_the_chosen_member_and_names_the_person(
    panel: "Page", live_server: Any, bob: Member
) -> None:
    fill(panel, live_server.url)
    assert chosen(panel) == "Alice: Inbox"
    panel.get_by_label("For", exact=True).select_option(label="Bob")
    assert chosen(panel) == "Bob: Inbox"
    panel.get_by_role("button", name="Save").click()
    panel.get_by_text("“Feed the cat” is saved.").wait_for()
    (step,) = Registration.objects.get().steps.all()
    assert step.target.member == bob


def test_a_step_to_the_same_kind_follows_and_one_to_a_third_member_stays(
    panel: "Page", live_server: Any, member: Member, bob: Member
) -> None:
    carol = new_member(username="carol", first_name="Carol")
    phone, _other = (TargetFactory.create(member=one, kind="voice") for one in (member, bob))
    fill(panel, live_server.url)
    panel.get_by_role("button", name="Add step").click()
    panel.get_by_role("button", name="Add step").click()
    rows = panel.locator(".plan-row:visible")
    rows.nth(1).get_by_label("Contact method").select_option(value=str(phone.pk))
    rows.nth(2).get_by_label("Contact method").select_option(label="Carol: Inbox")
    panel.get_by_label("For", exact=True).select_option(label="Bob")
    panel.get_by_role("button", name="Save").click()
    panel.get_by_text("“Feed the cat” is saved.").wait_for()
    told = {(step.target.member, step.target.kind) for step in Registration.objects.get().steps.all()}
    assert told == {(bob, "inbox"), (bob, "voice"), (carol, "inbox")}


def test_a_plan_that_does_not_reach_the_member_asks(panel: "Page", live_server: Any, bob: Member) -> None:
    fill(panel, live_server.url)
    panel.get_by_label("For", exact=True).select_option(label="Bob")
    first = panel.locator(".plan-row:visible").first
    first.get_by_label("Contact method").select_option(label="Alice: Inbox")
    panel.get_by_role("button", name="Save").click()
    panel.get_by_role("alert").get_by_text("No step of the plan reaches Bob.").wait_for()
    assert not Registration.objects.exists()
    panel.get_by_role("button", name="Save anyway").click()
    panel.get_by_text("“Feed the cat” is saved.").wait_for()
    assert Registration.objects.get().member == bob


def test_the_member_who_registered_learns_of_a_decline(panel: "Page", live_server: Any, bob: Member) -> None:
    fill(panel, live_server.url)
    panel.get_by_label("For", exact=True).select_option(label="Bob")
    panel.get_by_role("button", name="Save").click()
    panel.get_by_text("“Feed the cat” is saved.").wait_for()
    one = Registration.objects.get()
    follow_changes()
    signed_in(bob).post(f"/registrations/{one.pk}/decline")
    wait_until(follow_changes, what="the decline to be planned")
    told = Delivery.objects.get(origin=Delivery.Origin.DIRECT)
    assert told.member == one.created_by
    Delivery.objects.filter(pk=told.pk).update(state="sent", sent_at=now(), attempts=1)
    panel.locator(".toast", has_text="Bob declined “Feed the cat”").wait_for()
