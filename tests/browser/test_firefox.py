"""Web push in a real Firefox, the whole loop: subscribed, pushed to, decrypted, shown, answered, renewed, ended."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client
from pytest_django import Settings

from common import channels
from common.channels import Severity
from common.clock import now
from common.errors import ProviderError
from common.states import State
from eventinvoke.models import Answer, Delivery, Receipt
from eventinvoke.sending.closing import close_in_browsers
from eventinvoke.sending.deliver import fire
from eventinvoke.tests.factories import DeliveryFactory
from registration.direct import send_test
from registration.membership import member_of
from registration.models import Member, Target
from registration.tests.factories import UserFactory
from tests.autopush import Autopush
from tests.fixtures.processes import wait_until
from tests.push_service import PushService
from tests.servers.firefox import Firefox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


class Panel:
    """The panel in Firefox."""

    def __init__(self, firefox: Firefox, origin: str) -> None:
        self.firefox = firefox
        self.origin = origin

    def sign_in(self, member: Member) -> None:
        self.firefox.open(f"{self.origin}/accounts/login/")
        self.firefox.evaluate(
            "document.getElementById('id_username').value = args[0];"
            "document.getElementById('id_password').value = 'a long password';"
            "document.querySelector('form').submit();",
            member.user.username,
        )
        wait_until(lambda: self.firefox.url.endswith("/upcoming/"), what="signing in")

    def subscribe(self, member: Member) -> Target:
        """Press "Notify me in this browser"; return the member's target once it is there."""
        self.firefox.open(f"{self.origin}/targets/")
        self.firefox.evaluate("window.isOld = true; document.querySelector('[data-push]').click()")
        is_new = "return !window.isOld && document.readyState === 'complete'"
        wait_until(lambda: self.firefox.evaluate(is_new), what="the page that follows")
        found: Target = Target.objects.usable().get(member=member, kind="webpush")
        assert self.owner() == str(member.user_id)
        return found

    def owner(self) -> str:
        """Whose notices the browser shows, as its service worker knows."""
        return str(
            self.firefox.evaluate(
                "const {active} = await navigator.serviceWorker.ready; const {port1, port2} = new MessageChannel();"
                "const said = new Promise((done) => { port1.onmessage = ({data}) => done(data.result); });"
                "active.postMessage({what: 'owner'}, [port2]); return said;"
            )
        )

    def sign_out(self, choice: str) -> None:
        """Press "Sign out" and a button of the question that follows."""
        self.firefox.evaluate("document.querySelector('[data-sign-out] button').click()")
        is_asked = "return document.getElementById('sign-out').open"
        wait_until(lambda: self.firefox.evaluate(is_asked), what="the question")
        self.firefox.evaluate("document.querySelector(`#sign-out [value=${args[0]}]`).click()", choice)
        is_out = "return !document.querySelector('[data-sign-out]')"
        wait_until(lambda: self.firefox.evaluate(is_out), what="signing out")

    def leave(self) -> None:
        """Leave the panel: what the service worker does then, it does by itself."""
        self.firefox.open("about:blank")

    def shown(self) -> list[str]:
        """The titles of the notifications that Firefox shows."""
        found: list[str] = self.firefox.evaluate_inside(
            "return [...Services.wm.getEnumerator('alert:alert')]"
            ".map((one) => one.document.getElementById('alertTitleLabel').value)"
        )
        return found

    def clean(self) -> None:
        self.firefox.open(f"{self.origin}/accounts/login/")
        self.firefox.evaluate(
            "for (const one of await navigator.serviceWorker.getRegistrations()) { await one.unregister(); }"
            "for (const name of await caches.keys()) { await caches.delete(name); }"
        )
        self.firefox.do("WebDriver:DeleteAllCookies")
        self.firefox.close_alerts()


@pytest.fixture
def panel(
    firefox: Firefox, firefox_push: PushService, live_server: Any, settings: Settings
) -> Iterator[Panel]:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    settings.NOTICE_EXTRA_CA_FILE = str(firefox_push.ca_file)
    channels.registry.cache_clear()
    panel = Panel(firefox, live_server.url)
    panel.clean()
    yield panel
    panel.leave()


@pytest.fixture
def target(panel: Panel, member: Member) -> Target:
    """Firefox, subscribed by a member who is signed in there."""
    panel.sign_in(member)
    return panel.subscribe(member)


def new_vapid_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def push(target: Target) -> Delivery:
    """Send a notice that is due now by our own engine; return it when Firefox has shown it."""
    # A critical one stays on the screen until it is answered.
    delivery: Delivery = DeliveryFactory.create(target=target, severity=Severity.CRITICAL)
    fire("webpush")
    shown = Delivery.objects.filter(pk=delivery.pk, state=State.DELIVERED)
    wait_until(shown.exists, what="showing the notice")
    return delivery


def renewed(target: Target) -> Target:
    """Wait until Firefox has another subscription for the same target."""
    rows = Target.objects.filter(pk=target.pk).exclude(fingerprint=target.fingerprint)
    found: Target = wait_until(rows.first, what="the renewal")
    return found


def test_a_push_is_decrypted_shown_and_acknowledged_by_its_button(panel: Panel, target: Target) -> None:
    delivery = push(target)
    assert panel.shown() == [delivery.event.title]
    panel.firefox.press("confirm")
    wait_until(Answer.objects.filter(delivery=delivery, way="push").exists, what="the answer")
    wait_until(Delivery.objects.filter(state=State.ACKNOWLEDGED).exists, what="the state")
    wait_until(lambda: panel.shown() == [], what="closing")
    assert not Receipt.objects.filter(status="closed").exists(), "Firefox reports a closing that was none"


def test_a_click_opens_the_notice_and_is_no_closing(panel: Panel, target: Target) -> None:
    push(target)
    panel.firefox.press()
    wait_until(Receipt.objects.filter(status="clicked").exists, what="the click")
    assert set(Receipt.objects.values_list("status", flat=True)) == {"shown", "clicked"}


def test_what_is_closed_by_its_cross_is_reported(panel: Panel, target: Target) -> None:
    push(target)
    panel.firefox.dismiss()
    wait_until(Receipt.objects.filter(status="closed").exists, what="the closing")


def test_what_was_acknowledged_elsewhere_is_closed_in_the_browser(panel: Panel, target: Target) -> None:
    delivery = push(target)
    assert close_in_browsers([delivery.pk]) == 1
    wait_until(lambda: panel.shown() == [], what="closing the notification")
    assert not Receipt.objects.filter(status="closed").exists()


def test_an_open_page_closes_what_was_acknowledged(panel: Panel, target: Target) -> None:
    inbox = target.member.targets.get(kind="inbox")
    DeliveryFactory.create(target=inbox, state=State.DELIVERED, sent_at=now())
    push(target)
    panel.firefox.open(f"{panel.origin}/upcoming/")
    has_polled = "return document.querySelector('#inbox-poll').getAttribute('hx-get').endsWith('-1')"
    wait_until(lambda: panel.firefox.evaluate(has_polled), what="the first poll")
    Delivery.objects.update(state=State.ACKNOWLEDGED)
    wait_until(lambda: panel.shown() == [], what="closing the notification")


def test_a_subscription_is_renewed_while_signed_out(
    panel: Panel, target: Target, firefox_autopush: Autopush
) -> None:
    panel.sign_out("keep")
    panel.leave()
    firefox_autopush.lose_everything()
    again = renewed(target)
    assert (again.address, again.is_usable) == (firefox_autopush.endpoints[0], True)
    push(again)


def test_a_renewal_while_another_member_is_signed_in_stays_the_first_member_s(
    panel: Panel, target: Target, firefox_autopush: Autopush
) -> None:
    panel.sign_out("keep")
    bob = member_of(UserFactory.create(username="bob"))
    panel.sign_in(bob)
    panel.leave()
    firefox_autopush.lose_everything()
    assert renewed(target).member == target.member
    assert not Target.objects.filter(member=bob, kind="webpush").exists()


def test_signing_out_ends_the_subscription(panel: Panel, target: Target, firefox_autopush: Autopush) -> None:
    panel.sign_out("end")
    wait_until(lambda: not Target.objects.get(pk=target.pk).is_usable, what="ending it")
    wait_until(lambda: firefox_autopush.endpoints == [], what="ending it in the browser")


def test_another_member_of_this_browser_gets_a_subscription_apart(panel: Panel, target: Target) -> None:
    panel.sign_out("keep")
    bob = member_of(UserFactory.create(username="bob"))
    panel.sign_in(bob)
    second = panel.subscribe(bob)
    assert second.address != target.address
    with pytest.raises(ProviderError, match="does not exist any more"):
        send_test(target)
    push(second)


def test_a_browser_that_is_bound_to_another_key_subscribes_again_when_a_page_opens(
    panel: Panel, target: Target, settings: Settings
) -> None:
    settings.VAPID_PRIVATE_KEY = new_vapid_key()
    with pytest.raises(ProviderError, match=r"bound to another key.*VAPID public key mismatch"):
        send_test(target)
    panel.firefox.open(f"{panel.origin}/upcoming/")
    push(renewed(target))


def test_a_browser_without_a_token_gets_one_when_a_page_opens(
    panel: Panel, target: Target, settings: Settings
) -> None:
    panel.firefox.evaluate("await caches.delete('push-subscription')")
    settings.VAPID_PRIVATE_KEY = new_vapid_key()
    panel.firefox.open(f"{panel.origin}/upcoming/")
    assert renewed(target).member == target.member
    assert panel.owner() == str(target.member.user_id)


def test_without_scripts_signing_out_works(client: Client, member: Member) -> None:
    client.force_login(member.user)
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/targets/").status_code == 302
