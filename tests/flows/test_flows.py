"""Each arrow of the flow, with a real web server, worker, beat and database.

source -> Event -> registrations -> Deliveries -> dispatch -> Channel -> Attempt -> provider
-> callback -> Receipt -> Delivery.state
"""

import json
import re
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Event, Receipt
from eventinvoke.planning.publish import EventDraft, publish
from registration.models import Registration
from registration.models.targets import fingerprint
from registration.tests.factories import DateFactory, MemberFactory, StepFactory
from tests.faults.conftest import once
from tests.fixtures.processes import wait_until
from tests.flows.conftest import OTHER_PHONE, PHONE, Line
from tests.webhook_site import WebhookSite

pytestmark = [pytest.mark.django_db(transaction=True)]

Soon = Callable[[float], datetime]


def telecon(
    line: Line, starts_at: datetime, external_id: str = "1", title: str = "PFS telecon"
) -> EventDraft:
    return EventDraft(
        line.calendar.source, external_id, title, starts_at, deadline_at=starts_at + timedelta(hours=1)
    )


def feed(starts_at: datetime, *, status: str = "CONFIRMED") -> str:
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Observatory//EN", "BEGIN:VEVENT", "UID:telecon@example.org",
        "SUMMARY:PFS telecon", f"DTSTAMP:{now():%Y%m%dT%H%M%SZ}", f"DTSTART:{starts_at:%Y%m%dT%H%M%SZ}",
        "DURATION:PT30M", "LOCATION:Room 201", f"STATUS:{status}", "END:VEVENT", "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(lines)


def post(url: str, data: bytes, content_type: str) -> Any:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


def test_a_date_registered_by_hand_becomes_an_event_with_deliveries(line: Line) -> None:
    registration = DateFactory(member=line.member, starts_at=now() + timedelta(hours=1))
    StepFactory(registration=registration, target=line.target("inbox", "inbox"))
    row = line.delivery(State.PENDING)
    assert (row.event.title, row.registration_id) == (registration.title, registration.pk)
    Registration.objects.filter(pk=registration.pk).update(declined_at=now(), planned_version=0)
    line.delivery(State.CANCELED, pk=row.pk)


def test_a_feed_s_entry_becomes_an_event_moves_and_is_canceled(
    line: Line, webhook_site: WebhookSite, soon: Soon
) -> None:
    line.plan((line.target("inbox", "inbox"), -600))
    calendar = line.calendar
    starts_at = soon(7200).replace(microsecond=0)
    webhook_site.answer("/telecons.ics", feed(starts_at), content_type="text/calendar")
    calendar.url = webhook_site.url("/telecons.ics")
    calendar.interval = timedelta(seconds=1)
    calendar.save()
    row = line.delivery(State.PENDING)
    assert row.due_at == starts_at - timedelta(minutes=10)
    later = starts_at + timedelta(hours=1)
    webhook_site.answer("/telecons.ics", feed(later), content_type="text/calendar")
    wait_until(lambda: Event.objects.get().starts_at == later, what="the move")
    line.delivery(State.PENDING, pk=row.pk, due_at=later - timedelta(minutes=10))
    webhook_site.answer("/telecons.ics", feed(later, status="CANCELLED"), content_type="text/calendar")
    line.delivery(State.CANCELED, pk=row.pk)
    assert Delivery.objects.count() == 1


def test_a_new_registration_takes_effect_on_events_that_are_stored(line: Line, soon: Soon) -> None:
    publish([telecon(line, soon(7200))])
    assert not Delivery.objects.exists()
    line.plan((line.target("inbox", "inbox"), -600))
    line.delivery(State.PENDING)


def test_a_due_notice_is_in_the_inbox_within_a_second_of_its_time(line: Line, soon: Soon) -> None:
    line.plan((line.target("inbox", "inbox"), -60))
    publish([telecon(line, soon(63))])
    row = line.delivery(State.SENT)
    assert row.sent_at is not None
    assert timedelta(0) <= row.sent_at - row.due_at < timedelta(seconds=1)
    assert Attempt.objects.get().outcome == "accepted"


def test_a_push_is_delivered_when_the_service_worker_says_it_was_shown(line: Line, soon: Soon) -> None:
    browser = line.push.subscribe()
    later = line.target("inbox", "inbox")
    line.plan((line.target("webpush", browser.endpoint, config=browser.config), -60), (later, -20))
    publish([telecon(line, soon(61))])
    row = line.delivery(State.SENT, kind="webpush")
    (taken,) = line.push.taken
    assert taken.payload["title"] == "PFS telecon"
    address = f"{line.url}{taken.payload['report']}"
    post(address, json.dumps({"what": "shown"}).encode(), "application/json")
    line.delivery(State.DELIVERED, pk=row.pk)
    post(address, json.dumps({"what": "confirm"}).encode(), "application/json")
    line.delivery(State.ACKNOWLEDGED, pk=row.pk)
    line.delivery(State.CANCELED, kind="inbox")


def test_a_browser_that_is_gone_is_disabled_and_the_next_step_comes_forward(line: Line, soon: Soon) -> None:
    browser = line.push.subscribe()
    line.push.answer(410)
    target = line.target("webpush", browser.endpoint, config=browser.config)
    line.plan((target, -60), (line.target("inbox", "inbox"), -5))
    publish([telecon(line, soon(61))])
    line.delivery(State.FAILED, kind="webpush")
    row = line.delivery(State.SENT, kind="inbox", origin="plan")
    assert row.sent_at is not None
    assert row.sent_at < row.due_at
    target.refresh_from_db()
    assert target.disabled_at is not None


def test_a_call_is_answered_read_aloud_and_confirmed_by_a_key(line: Line, soon: Soon) -> None:
    line.twilio.behave(PHONE, answers="person", keys=["1"])
    line.plan((line.target("voice", PHONE), -120), (line.target("sms", PHONE), -20))
    publish([telecon(line, soon(122))])
    row = line.delivery(State.ACKNOWLEDGED, kind="voice")
    call = line.twilio.wait_for_call(PHONE, status="completed")
    assert any("PFS telecon" in said for said in call.said)
    assert Answer.objects.get().kind == Answer.Kind.CONFIRMED
    line.delivery(State.CANCELED, kind="sms")
    wait_until(
        lambda: Receipt.objects.filter(attempt__delivery=row, status__startswith="completed").exists(),
        what="the end",
    )
    row.refresh_from_db()
    assert row.state == State.ACKNOWLEDGED
    assert line.twilio.messages() == []


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        pytest.param({"answers": "busy"}, "busy", id="busy"),
        # Another answer of the provider, and the same way through the database.
        pytest.param({"answers": "no-answer"}, "answer", id="no answer", marks=once),
        pytest.param({"answers": "machine"}, "voicemail", id="voicemail", marks=once),
    ],
)
def test_a_person_who_was_not_reached_is_followed_by_the_next(
    line: Line, soon: Soon, behaviour: dict[str, Any], reason: str
) -> None:
    line.twilio.behave(PHONE, **behaviour)
    line.twilio.behave(OTHER_PHONE, answers="person", keys=["1"])
    colleague = line.target("voice", OTHER_PHONE, MemberFactory(name="Grace"))
    line.plan((line.target("voice", PHONE), -600), (colleague, -10))
    publish([telecon(line, soon(601))])
    missed = line.delivery(State.UNDELIVERED, target__fingerprint=fingerprint(PHONE))
    assert reason in missed.reason.lower()
    line.delivery(State.ACKNOWLEDGED, target__fingerprint=fingerprint(OTHER_PHONE))
    assert len(line.twilio.calls()) == 2


def test_the_next_person_is_called_when_the_first_presses_three(line: Line, soon: Soon) -> None:
    line.twilio.behave(PHONE, answers="person", keys=["3"])
    line.twilio.behave(OTHER_PHONE, answers="person", keys=["1"])
    colleague = line.target("voice", OTHER_PHONE, MemberFactory(name="Grace"))
    line.plan((line.target("voice", PHONE), -600), (colleague, -10))
    publish([telecon(line, soon(601))])
    line.delivery(State.ACKNOWLEDGED, target__fingerprint=fingerprint(OTHER_PHONE))
    assert any("Grace" in said for said in line.twilio.calls(PHONE)[0].said)


def test_a_text_message_is_delivered_and_confirmed_by_its_link(line: Line, soon: Soon) -> None:
    line.plan((line.target("sms", PHONE), -60))
    publish([telecon(line, soon(61))])
    row = line.delivery(State.DELIVERED, kind="sms")
    link = re.search(r"http://\S+", line.twilio.wait_for_message(PHONE).body)
    assert link is not None
    page = urllib.request.urlopen(link.group(), timeout=10).read().decode()
    assert "PFS telecon" in page
    row.refresh_from_db()
    assert row.state == State.DELIVERED
    post(link.group(), b"do=acknowledge", "application/x-www-form-urlencoded")
    line.delivery(State.ACKNOWLEDGED, pk=row.pk)


def test_a_mail_is_sent_with_its_link_and_one_click_to_unsubscribe(line: Line, soon: Soon) -> None:
    target = line.target("email", "ada@example.org")
    line.plan((target, -60))
    publish([telecon(line, soon(61))])
    line.delivery(State.SENT, kind="email")
    (mail,) = line.mail.mails
    assert mail["To"] == "ada@example.org"
    (unsubscribe,) = re.findall(r"<(http[^>]+)>", mail["List-Unsubscribe"])
    post(unsubscribe, b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
    target.refresh_from_db()
    assert target.disabled_at is not None


def test_a_calendar_s_entry_becomes_a_confirmed_call(
    line: Line, webhook_site: WebhookSite, soon: Soon
) -> None:
    line.twilio.behave(PHONE, answers="person", keys=["1"])
    line.plan((line.target("inbox", "inbox"), -120), (line.target("voice", PHONE), -117))
    webhook_site.answer("/telecons.ics", feed(soon(126)), content_type="text/calendar")
    line.calendar.url = webhook_site.url("/telecons.ics")
    line.calendar.save()
    line.delivery(State.SENT, kind="inbox")
    row = line.delivery(State.ACKNOWLEDGED, kind="voice")
    statuses = list(Receipt.objects.filter(attempt__delivery=row).values_list("status", flat=True))
    assert len(statuses) >= 2
    assert any("Room 201" in said for said in line.twilio.calls(PHONE)[0].said)
