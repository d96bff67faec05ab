"""A notice that was sent, and requests as Twilio makes them."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from common.clock import now
from common.process_ids import Purpose, sign
from common.states import State
from eventinvoke.models import Attempt, Delivery
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.tests.factories import MemberFactory, TargetFactory

PUBLIC = "https://notice.example.org"
ACCOUNT = "AC" + "1" * 32
TOKEN, OLD_TOKEN = "token" * 6, "older" * 6
CALL = "CA" + "2" * 32
SMS = "SM" + "3" * 32


class Notice:
    """A delivery that was sent, its attempt and its process id."""

    def __init__(self, kind: str, **member: Any) -> None:
        person = MemberFactory.create(**({"name": "Anna", "time_zone": "Asia/Tokyo"} | member))
        target = TargetFactory.create(
            member=person, kind=kind, address="+4915123456789", shown="+49 1512 3456789"
        )
        event = EventFactory.create(title="Weekly telecon", starts_at=now() + timedelta(minutes=5))
        self.delivery: Delivery = DeliveryFactory.create(
            target=target,
            event=event,
            state=State.SENDING,
            attempts=1,
            lease_until=now() + timedelta(minutes=1),
        )
        self.attempt = Attempt.objects.create(delivery=self.delivery)
        self.process_id = sign(self.attempt.pk)
        self.answer_id = sign(self.attempt.pk, Purpose.ANSWER)
        self.unsubscribe_id = sign(self.attempt.pk, Purpose.UNSUBSCRIBE)

    @property
    def state(self) -> str:
        """Where the delivery stands."""
        self.delivery.refresh_from_db()
        return self.delivery.state

    @property
    def reason(self) -> str:
        """Why it stands there."""
        self.delivery.refresh_from_db()
        return self.delivery.reason

    def change_event(self, **changes: object) -> None:
        """Let the event be another."""
        type(self.delivery.event).objects.filter(pk=self.delivery.event_id).update(**changes)


@pytest.fixture
def account(settings: Settings) -> None:
    """An account with Twilio, while its token is rotated."""
    settings.NOTICE_PUBLIC_URL = PUBLIC
    settings.TWILIO_ACCOUNT_SID = ACCOUNT
    settings.TWILIO_AUTH_TOKENS = [TOKEN, OLD_TOKEN]


@pytest.fixture
def call(db: None, account: None) -> Notice:
    """A notice by phone."""
    return Notice("voice")


@pytest.fixture
def sms(db: None, account: None) -> Notice:
    """A notice by text message."""
    return Notice("sms")


def signature(url: str, parameters: Mapping[str, str], token: str = TOKEN) -> str:
    """Return what Twilio's own library computes."""
    return str(RequestValidator(token).compute_signature(url, parameters))


Ask = Callable[..., HttpResponse]


@pytest.fixture
def ask(client: Client) -> Ask:
    """Ask for a page as Twilio does: ``ask("call-status", notice, CallStatus="busy")``."""

    def ask_as_twilio(
        name: str, notice: Notice | str, query: str = "", token: str = TOKEN, **parameters: str
    ) -> HttpResponse:
        process_id = notice if isinstance(notice, str) else notice.process_id
        path = reverse(f"notification:{name}", args=[process_id]) + query
        told = {"AccountSid": ACCOUNT, "CallSid": CALL, **parameters}
        response = client.post(
            path,
            urlencode(told),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signature(django_settings.NOTICE_PUBLIC_URL + path, told, token)},
        )
        assert isinstance(response, HttpResponse)
        return response

    return ask_as_twilio


def said(response: HttpResponse) -> str:
    """Return all that a call says, and check that it is TwiML."""

    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"].startswith("text/xml")
    root = ET.fromstring(response.content)  # noqa: S314 - our own answer
    assert root.tag == "Response"
    return " ".join(element.text or "" for element in root.iter("Say"))
