"""The panel in a real browser: the live inbox, the rows of a plan, and the service worker."""

import json
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse

from common import process_ids
from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Event
from eventinvoke.tests.factories import DeliveryFactory
from registration.models import Member, Registration
from tests.fixtures.processes import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def arrive(member: Member, **more: Any) -> Attempt:
    """Have a notice arrive in the member's inbox."""
    fields = {"state": State.SENT, "sent_at": now(), "attempts": 1} | more
    delivery = DeliveryFactory.create(target=member.targets.get(kind="inbox"), **fields)
    return Attempt.objects.create(delivery=delivery, outcome="accepted")


def state_of(attempt: Attempt) -> str:
    return Delivery.objects.values_list("state", flat=True).get(pk=attempt.delivery_id)


def test_a_notice_appears_on_an_open_page_and_is_acknowledged_there(panel: "Page", member: Member) -> None:
    panel.wait_for_selector("#inbox-poll[hx-get*='token=']", state="attached")
    attempt = arrive(member)
    toast = panel.locator(".toast", has_text="PFS telecon")
    toast.wait_for()
    wait_until(lambda: state_of(attempt) == State.DELIVERED, what="seeing it")
    assert panel.locator("#inbox-count").inner_text().startswith("1")
    toast.get_by_role("button", name="Acknowledge").click()
    wait_until(lambda: state_of(attempt) == State.ACKNOWLEDGED, what="confirming it")
    toast.wait_for(state="detached")
    panel.locator("#inbox-count:empty").wait_for(state="attached")


def test_a_notice_appears_in_the_open_inbox(panel: "Page", member: Member) -> None:
    panel.get_by_role("link", name="Inbox").first.click()
    panel.get_by_text("Your inbox is empty").wait_for()
    attempt = arrive(member)
    row = panel.locator(".notice-row", has_text="PFS telecon")
    row.wait_for()
    row.get_by_role("button", name="Snooze").click()
    row.get_by_role("button", name="10 minutes").click()
    panel.get_by_text("Snoozed until").wait_for()
    assert Answer.objects.get().delivery_id == attempt.delivery_id


def test_a_notice_that_is_acknowledged_in_the_inbox_stays_there(panel: "Page", member: Member) -> None:
    pk = arrive(member).delivery_id
    panel.goto(panel.url.replace("/upcoming/", "/inbox/"))
    row = panel.locator(f"#notice-{pk}")
    with panel.expect_response("**/acknowledge"):
        row.get_by_role("button", name="Acknowledge").click()
    # At once, and not only when the list is read again.
    panel.locator(f"#notice-{pk}.is-answered").wait_for(timeout=900)


def test_an_open_page_follows_an_event_that_moves(panel: "Page", member: Member, live_server: Any) -> None:
    attempt = arrive(member)
    one = Delivery.objects.select_related("event").get(pk=attempt.delivery_id)
    panel.goto(f"{live_server.url}/deliveries/{one.pk}/")
    start = one.event.starts_at + timedelta(hours=4)
    Event.objects.filter(pk=one.event_id).update(
        starts_at=start, deadline_at=start + timedelta(hours=1), updated_at=now()
    )
    field = panel.locator(f"#event-actions input[name='starts_at'][value='{start.isoformat()}']").first
    field.wait_for(state="attached")
    panel.locator("#event-when time", has_text=f"{start:%H:%M}").wait_for()


def test_a_toast_of_an_event_that_moved_says_so_and_takes_the_new_start(
    panel: "Page", member: Member
) -> None:
    attempt = arrive(member)
    toast = panel.locator(".toast", has_text="PFS telecon")
    toast.wait_for()
    one = Delivery.objects.select_related("event").get(pk=attempt.delivery_id)
    start = one.event.starts_at + timedelta(hours=4)
    Event.objects.filter(pk=one.event_id).update(
        starts_at=start, deadline_at=start + timedelta(hours=1), updated_at=now()
    )
    toast.get_by_role("button", name="Acknowledge").click()
    toast.get_by_text("since this page was shown").wait_for()
    assert Answer.objects.get().starts_at == one.event.starts_at
    toast.get_by_role("button", name="Acknowledge").click()
    toast.wait_for(state="detached")


def test_one_date_is_registered_with_two_steps(panel: "Page", live_server: Any) -> None:
    panel.goto(f"{live_server.url}/registrations/add/")
    panel.get_by_role("textbox", name="Title").fill("Feed the cat")
    panel.get_by_label("Starts").fill((now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
    rows = panel.locator(".plan-row:visible")
    assert rows.count() == 1
    panel.get_by_role("button", name="Add step").click()
    panel.get_by_role("button", name="Add step").click()
    rows.nth(2).get_by_role("button", name="Delete this step").click()
    for number, minutes in enumerate(("10", "2")):
        rows.nth(number).get_by_label("Contact method").select_option(label="Inbox")
        rows.nth(number).get_by_label("When", exact=True).fill(minutes)
    panel.get_by_role("button", name="Save").click()
    panel.get_by_text("“Feed the cat” is saved.").wait_for()
    offsets = Registration.objects.get().steps.values_list("offset", flat=True)
    assert set(offsets) == {timedelta(minutes=-10), timedelta(minutes=-2)}


def test_without_scripts_three_steps_can_be_filled_in(browser: Any, live_server: Any, member: Member) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/?next=/registrations/add/")
    page.fill("#id_username", member.user.username)
    page.fill("#id_password", "a long password")
    page.click("button[type=submit]")
    assert page.locator(".plan-row:visible").count() == 3
    page.fill("#id_title", "Feed the cat")
    page.fill("#id_starts_at", (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
    # The first row has the inbox already.
    page.select_option("#id_steps-2-target", label="Inbox")
    page.fill("#id_steps-2-amount", "2")
    page.click("text=Save")
    assert Registration.objects.get().steps.count() == 2
    context.close()


def test_without_scripts_matching_events_are_registered(
    browser: Any, live_server: Any, member: Member
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/accounts/login/?next=/registrations/add/%3Fkind=standing")
    page.fill("#id_username", member.user.username)
    page.fill("#id_password", "a long password")
    page.click("button[type=submit]")
    assert not page.locator(".preview").is_visible()
    page.fill("#id_pattern", "telecon")
    page.get_by_label("Mute other notices during the event").check()
    assert page.get_by_label("System messages").is_visible()
    page.click("text=Save")
    # The member has no calendar yet, so it is asked about first.
    page.click("text=Save anyway")
    assert Registration.objects.get().action == "mute"
    context.close()


class Worker:
    """The panel's service worker, pushed to through the DevTools protocol."""

    def __init__(self, page: "Page", origin: str) -> None:
        self._page = page
        self._origin = origin
        self._registration = ""
        page.context.grant_permissions(["notifications"], origin=origin)
        self._session = page.context.new_cdp_session(page)
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self._session.send("ServiceWorker.enable")
        page.evaluate(
            "async () => { const {worker} = document.querySelector('script[data-worker]').dataset;"
            " const scope = new URL('.', new URL(worker, location.href)).pathname;"
            " await navigator.serviceWorker.register(worker, {scope});"
            " const {active} = await navigator.serviceWorker.ready;"
            # A push to a worker that is still being activated is lost.
            " while (active.state !== 'activated') { await new Promise((done) => setTimeout(done, 10)); } }"
        )
        while not self._registration:
            page.wait_for_timeout(20)

    def _note(self, event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if not one["isDeleted"]:
                self._registration = one["registrationId"]

    def push(self, data: str) -> None:
        """Push a message, again when DevTools lost it: now and then it does, and says nothing."""
        before = self.shown()
        for _try in range(5):
            message = {"origin": self._origin, "registrationId": self._registration, "data": data}
            self._session.send("ServiceWorker.deliverPushMessage", message)
            until = time.monotonic() + 3
            while time.monotonic() < until:
                if self.shown() != before:
                    return
                self._page.wait_for_timeout(20)

    def shown(self) -> list[dict[str, Any]]:
        """Return the notifications that are shown."""
        found: list[dict[str, Any]] = self._page.evaluate(
            "async () => (await (await navigator.serviceWorker.ready).getNotifications())"
            ".map(({title, body, tag, data, requireInteraction, actions}) =>"
            " ({title, body, tag, data, requireInteraction, actions: actions.map((one) => one.action)}))"
        )
        return found

    def press(self, action: str) -> None:
        """Press a button of the first notification ("" is the notification itself)."""
        script = (
            "async (action) => { const [notification] = await self.registration.getNotifications();"
            " self.dispatchEvent(new NotificationEvent('notificationclick', {notification, action})); }"
        )
        self._page.context.service_workers[0].evaluate(script, action)


@pytest.fixture
def worker(panel: "Page", live_server: Any) -> Worker:
    return Worker(panel, live_server.url)


def payload(attempt: Attempt, **more: Any) -> str:
    process_id = process_ids.sign(attempt.pk)
    data = {
        "title": "PFS telecon",
        "body": "In 10 minutes",
        "tag": "tag-1",
        "severity": "critical",
        "language": "en",
        "url": "",
        "process_id": process_id,
        "report": more.pop("report"),
        "actions": [{"action": "confirm", "title": "Acknowledge"}, {"action": "snooze", "title": "Snooze"}],
    }
    return json.dumps(data | more)


def report_address(attempt: Attempt) -> str:
    return reverse("notification:push-report", args=[process_ids.sign(attempt.pk)])


def test_a_push_is_shown_with_its_buttons_and_reported(worker: Worker, member: Member) -> None:
    attempt = arrive(member, kind="webpush")
    worker.push(payload(attempt, report=report_address(attempt)))
    (shown,) = wait_until(worker.shown, what="the notification")
    assert (shown["title"], shown["body"], shown["tag"]) == ("PFS telecon", "In 10 minutes", "tag-1")
    assert shown["requireInteraction"] is True
    assert shown["actions"] == ["confirm", "snooze"]
    wait_until(lambda: state_of(attempt) == State.DELIVERED, what="the report")


def is_all_that_is_shown(worker: Worker, body: str) -> bool:
    return [one["body"] for one in worker.shown()] == [body]


def test_a_second_push_of_the_same_tag_replaces_the_first(worker: Worker, member: Member) -> None:
    attempt = arrive(member, kind="webpush")
    for body in ("one", "two"):
        worker.push(payload(attempt, report="", body=body))
        wait_until(partial(is_all_that_is_shown, worker, body), what=body)


def test_the_button_of_a_push_confirms(worker: Worker, member: Member) -> None:
    attempt = arrive(member, kind="webpush")
    start = attempt.delivery.starts_at
    worker.push(payload(attempt, report=report_address(attempt), starts_at=f"{start:%Y-%m-%dT%H:%M:%SZ}"))
    wait_until(worker.shown, what="the notification")
    worker.press("confirm")
    wait_until(lambda: state_of(attempt) == State.ACKNOWLEDGED, what="the confirmation")
    answer = Answer.objects.get()
    assert (answer.way, answer.starts_at) == ("push", start)


@pytest.mark.parametrize(
    "data", ["", "{", "[]", "7", "null", '"text"', "{}", '{"title": 7}', '{"title": ""}']
)
def test_a_push_that_makes_no_sense_shows_that_something_came(worker: Worker, data: str) -> None:
    worker.push(data)
    (shown,) = wait_until(worker.shown, what="the notification")
    assert shown["title"] == "PFS Notice"


@pytest.mark.parametrize(
    "more",
    [
        {"actions": "confirm"},
        {"actions": [None, {"action": 7}, {"title": "x"}]},
        {"tag": 7, "body": None, "language": []},
        {"url": "javascript:alert(1)"},
        {"report": "https://evil.example/"},
        {"report": 7},
    ],
)
def test_a_push_with_a_part_that_makes_no_sense_is_shown_without_it(
    worker: Worker, member: Member, live_server: Any, more: dict[str, Any]
) -> None:
    worker.push(payload(arrive(member, kind="webpush"), **({"report": ""} | more)))
    (shown,) = wait_until(worker.shown, what="the notification")
    assert shown["title"] == "PFS telecon"
    assert shown["data"]["url"] == f"{live_server.url}/inbox/"
    assert shown["data"]["report"] == ""
