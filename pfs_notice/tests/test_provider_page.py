"""The page of the providers: what administrators see of settings, credit and errors."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from common.clock import now
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.views.providers import last_troubles
from registration.jobs import run_waiting
from registration.models import Job
from registration.tests.factories import TargetFactory
from tests.fixtures.people import new_member, signed_in
from tests.simulated_twilio import FROM_NUMBER, SimulatedTwilio

pytestmark = pytest.mark.django_db
PAGE = "eventinvoke:provider-list"


@pytest.fixture
def staff() -> Client:
    return signed_in(new_member(is_staff=True))


def show(client: Client) -> str:
    response = client.get(reverse(PAGE))
    assert response.status_code == 200
    return response.content.decode()


def check(client: Client) -> str:
    """Press "Check now", let a worker do it, and return the page."""
    client.post(reverse("eventinvoke:provider-check"))
    run_waiting()
    return show(client)


def test_the_credit_is_shown(staff: Client, simulated_twilio: SimulatedTwilio) -> None:
    assert "Not asked yet" in show(staff)
    simulated_twilio.control("POST", "balance", {"balance": "4.20"})
    assert "4.20 USD" in check(staff)
    assert [one.operation for one in simulated_twilio.requests] == ["get-balance"]


def test_an_account_that_is_refused_is_said(
    staff: Client, simulated_twilio: SimulatedTwilio, settings: Any
) -> None:
    settings.TWILIO_AUTH_TOKENS = ["wrong"]
    page = check(staff)
    assert "Twilio does not accept our account or token." in page
    assert "Not asked yet" in page


def test_a_twilio_that_is_out_of_reach_is_said(staff: Client, settings: Any) -> None:
    settings.TWILIO_API_URL = "http://127.0.0.1:9"
    assert "Twilio was not reached" in check(staff)


def test_where_texts_to_a_number_are_brought_is_said(
    staff: Client, simulated_twilio: SimulatedTwilio, settings: Any
) -> None:
    settings.IS_SIMULATED, settings.NOTICE_PUBLIC_URL = False, "https://notice.example.org"
    settings.TWILIO_TEXT_FROM = "DE=+4930901820,PFS Notice"
    simulated_twilio.set_up_number(FROM_NUMBER, "https://notice.example.org/n/texts")
    page = check(staff)
    assert f"Texts to {FROM_NUMBER} come here." in page
    assert "+4930901820 is no number of this Twilio account." in page
    simulated_twilio.set_up_number(FROM_NUMBER, "https://demo.twilio.com/welcome/sms/reply/")
    page = check(staff)
    assert f"Texts to {FROM_NUMBER} don&#x27;t come here" in page
    assert "DE: +4930901820" in page


def test_settings_that_can_not_work_are_said_in_a_sentence(staff: Client, settings: Any) -> None:
    settings.TWILIO_TEXT_FROM = "A name that is too long"
    settings.VAPID_SUBJECT = "mailto:notice@localhost"
    page = show(staff)
    assert "A name that is too long" in page
    assert "mailto:notice@localhost" in page
    settings.TWILIO_TEXT_FROM, settings.VAPID_SUBJECT = "PFS Notice", "mailto:you@example.org"
    assert "None found." in show(staff)


def test_errors_are_counted_by_sentence_the_latest_first() -> None:
    for minutes, outcome, reason in [
        (30, "misconfigured", "Twilio does not accept our account or token."),
        (20, "misconfigured", "Twilio does not accept our account or token."),
        (10, "rejected", "The phone number is not valid."),
        (5, "accepted", ""),
    ]:
        delivery = DeliveryFactory.create(target=TargetFactory.create(kind="voice"))
        Attempt.objects.create(
            delivery=delivery, outcome=outcome, reason=reason, started_at=now() - timedelta(minutes=minutes)
        )
    found = [(one.kind, one.reason, one.count) for one in last_troubles()]
    assert found == [
        ("voice", "The phone number is not valid.", 1),
        ("voice", "Twilio does not accept our account or token.", 2),
    ]


@pytest.mark.parametrize(
    ("kind", "reason", "is_shown"),
    [
        ("sms", "The carrier took the text message for spam.", True),
        ("voice", "The call could not be put through.", True),
        ("voice", "No answer.", False),
        ("webpush", "No browser has shown it.", False),
    ],
)
def test_what_a_provider_took_and_could_not_bring_is_an_error_of_it(
    kind: str, reason: str, *, is_shown: bool
) -> None:
    delivery = DeliveryFactory.create(target=TargetFactory.create(kind=kind))
    Delivery.objects.filter(pk=delivery.pk).update(state=State.UNDELIVERED, reason=reason, settled_at=now())
    assert [one.reason for one in last_troubles()] == [reason] * is_shown


def test_errors_of_last_week_are_not_shown() -> None:
    delivery = DeliveryFactory.create(target=TargetFactory.create(kind="sms"))
    old = now() - timedelta(days=7)
    Delivery.objects.filter(pk=delivery.pk).update(state=State.UNDELIVERED, reason="Old.", settled_at=old)
    assert last_troubles() == []


def test_a_test_is_sent_from_the_page(simulated_twilio: SimulatedTwilio) -> None:
    member = new_member(is_staff=True)
    target = TargetFactory.create(
        member=member, kind="sms", address="+4915112345678", shown="+49 1511 2345678"
    )
    staff = signed_in(member)
    address = reverse("registration:target-test", args=[target.pk])
    assert f'action="{address}"' in show(staff)
    staff.post(address)
    run_waiting()
    assert [one.to for one in simulated_twilio.messages()] == ["+4915112345678"]


def test_other_members_find_no_such_page() -> None:
    client = signed_in(new_member())
    assert client.get(reverse(PAGE)).status_code == 404
    assert client.post(reverse("eventinvoke:provider-check")).status_code == 404
    assert not Job.objects.exists()
    assert reverse(PAGE) not in client.get(reverse("registration:target-list")).content.decode()


def test_the_page_takes_a_constant_number_of_queries(
    staff: Client, django_assert_max_num_queries: Any
) -> None:
    show(staff)
    for _ in range(20):
        delivery = DeliveryFactory.create(target=TargetFactory.create(kind="sms"))
        Attempt.objects.create(delivery=delivery, outcome="rejected", reason=f"Reason {delivery.pk}.")
    with django_assert_max_num_queries(12):
        assert "Reason" in show(staff)
