"""Texts that come in: whose notice they answer, what is sent back, and what they never do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Receipt
from eventinvoke.providers.twilio.codes import OPTED_OUT
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from notification.tests.conftest import ACCOUNT, PUBLIC, Notice, signature
from notification.tests.test_views_answers import add_next_person
from registration.models import PaidCount, Target
from registration.tests.factories import TargetFactory

NUMBER = "+4915123456789"
Write = Callable[..., str]


@pytest.fixture
def write(client: Client) -> Write:
    """Bring a text as Twilio does; return what is sent back."""

    def bring(body: str, number: str = NUMBER, *, status: int = 200, **more: str) -> str:
        told = {"AccountSid": ACCOUNT, "From": number, "To": "+15005550006", "Body": body}
        told |= {"MessageSid": f"SM{uuid4().hex}", "SmsStatus": "received"} | more
        path = reverse("notification:text-answer")
        response = client.post(
            path,
            urlencode(told),
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": signature(PUBLIC + path, told)},
        )
        assert isinstance(response, HttpResponse)
        assert response.status_code == status
        root = ET.fromstring(response.content)  # noqa: S314 - our own answer
        return "".join(element.text or "" for element in root.iter("Message"))

    return bring


@pytest.fixture
def sent(sms: Notice) -> Notice:
    """A notice that Twilio took."""
    Delivery.objects.filter(pk=sms.delivery.pk).update(state=State.SENT, lease_until=None)
    Attempt.objects.filter(pk=sms.attempt.pk).update(
        outcome="accepted", starts_at=sms.delivery.starts_at, provider_id="SM" + "3" * 32
    )
    return sms


def another(
    sent: Notice, target: Target | None = None, *, ago: timedelta = timedelta(0), **event: Any
) -> Delivery:
    """Send another notice, to the same number."""
    made = EventFactory.create(**({"title": "Pump 3", "starts_at": now() + timedelta(minutes=5)} | event))
    delivery: Delivery = DeliveryFactory.create(
        target=target or sent.delivery.target, event=made, state=State.SENT, attempts=1
    )
    Attempt.objects.create(
        delivery=delivery, outcome="accepted", started_at=now() - ago, starts_at=delivery.starts_at
    )
    return delivery


def target_of(sent: Notice) -> Target:
    return Target.objects.get(deliveries=sent.delivery.pk)


def said() -> list[tuple[int, str]]:
    return list(Answer.objects.order_by("pk").values_list("delivery_id", "kind"))


@pytest.mark.parametrize(
    ("body", "kind", "state", "back"),
    [
        ("Y", "confirmed", State.ACKNOWLEDGED, "Weekly telecon: Acknowledged. Thank you."),
        ("later", "snoozed", State.DELIVERED, "Weekly telecon: Snoozed until"),
    ],
)
def test_a_text_answers_the_notice(
    sent: Notice, write: Write, body: str, kind: str, state: str, back: str
) -> None:
    Delivery.objects.filter(pk=sent.delivery.pk).update(deadline_at=now() + timedelta(minutes=30))
    sent.change_event(starts_at=sent.delivery.starts_at, deadline_at=now() + timedelta(minutes=30))
    assert write(body).startswith(back)
    answer = Answer.objects.get()
    assert (answer.delivery_id, answer.kind, answer.way) == (sent.delivery.pk, kind, "text")
    assert answer.starts_at == sent.delivery.starts_at
    assert sent.state == state


def test_no_asks_the_next_person_and_says_so_when_there_is_none(sent: Notice, write: Write) -> None:
    assert write("No") == "Weekly telecon: There is no one else to ask."
    assert sent.state == State.DELIVERED


def test_no_asks_the_next_person(sent: Notice, write: Write) -> None:
    following = add_next_person(sent)
    assert write("N") == "Weekly telecon: Ben will be asked now."
    following.refresh_from_db()
    assert following.next_attempt_at <= now()
    assert said() == [(sent.delivery.pk, "passed_on")]


def test_stop_ends_the_texts_to_the_number_as_twilio_does(sent: Notice, write: Write) -> None:
    other = TargetFactory.create(kind="sms", address=NUMBER, shown="+49 1512 3456789")
    assert write("STOP") == ""  # Twilio has answered, and takes no more from us
    assert said() == [(sent.delivery.pk, "stopped")]
    reasons = Target.objects.filter(pk__in=[target_of(sent).pk, other.pk]).values_list("disabled_reason")
    assert set(reasons) == {(OPTED_OUT,)}
    told = Delivery.objects.filter(member=sent.delivery.member_id, kind="inbox")
    assert [one.event.labels["kind"] for one in told] == ["target_lost"]


def test_stop_in_another_language_is_confirmed_by_us(sent: Notice, write: Write) -> None:
    type(sent.delivery.member).objects.update(language="de")
    assert write("Stopp") == "An diese Nummer kommen keine SMS mehr."
    assert target_of(sent).disabled_reason == OPTED_OUT


@pytest.mark.parametrize("word", ["START", "unstop", "Yes"])
def test_start_switches_on_what_stop_has_switched_off(sent: Notice, write: Write, word: str) -> None:
    write("STOP")
    assert write(word) == ""
    assert target_of(sent).is_usable
    assert (sent.delivery.pk, "confirmed") not in said()


def test_start_leaves_alone_what_a_person_has_switched_off(sent: Notice, write: Write) -> None:
    Target.objects.filter(pk=target_of(sent).pk).disable("Switched off in the panel.")
    write("START")
    assert not target_of(sent).is_usable


def test_twilios_own_word_for_opting_out_counts(sent: Notice, write: Write) -> None:
    assert write("Ende der Durchsage", OptOutType="STOP") == ""
    assert not target_of(sent).is_usable


def test_stop_counts_where_no_notice_was_sent(account: None, db: None, write: Write) -> None:
    target = TargetFactory.create(kind="sms", address=NUMBER, shown=NUMBER)
    assert write("stop") == ""
    assert not Target.objects.get(pk=target.pk).is_usable


def test_the_last_notice_is_answered(sent: Notice, write: Write) -> None:
    Attempt.objects.filter(pk=sent.attempt.pk).update(started_at=now() - timedelta(minutes=2))
    latest = another(sent)
    assert write("Y") == "Pump 3: Acknowledged. Thank you."
    assert write("Y") == "Pump 3: You have acknowledged this already."
    assert said() == [(latest.pk, "confirmed")]


def test_a_try_that_was_refused_is_no_notice(sent: Notice, write: Write) -> None:
    Attempt.objects.filter(pk=sent.attempt.pk).update(started_at=now() - timedelta(minutes=2))
    refused = another(sent)
    Attempt.objects.filter(delivery=refused).update(outcome="rejected")
    write("Y")
    assert said() == [(sent.delivery.pk, "confirmed")]


def test_two_notices_at_once_are_not_answered_by_a_word(sent: Notice, write: Write) -> None:
    another(sent)
    assert write("Y") == "Several notices came at once. Use the link in the one that you mean."
    assert (said(), sent.state) == ([], State.SENT)


def test_a_number_of_two_members_answers_for_the_one_who_was_told_last(sent: Notice, write: Write) -> None:
    shared = TargetFactory.create(kind="sms", address=NUMBER, shown=NUMBER)
    Attempt.objects.filter(pk=sent.attempt.pk).update(started_at=now() - timedelta(minutes=2))
    latest = another(sent, shared)
    write("Y")
    assert list(Answer.objects.values_list("delivery", "member")) == [(latest.pk, shared.member_id)]
    another(sent, sent.delivery.target)
    assert write("Y").startswith("Several notices came at once.")


@pytest.mark.parametrize("number", ["+4915100000000", "whatsapp:+4915123456789", "12345", ""])
def test_another_number_answers_nothing_and_gets_nothing(sent: Notice, write: Write, number: str) -> None:
    assert write("Y", number) == ""
    assert (said(), sent.state) == ([], State.SENT)


def test_a_number_that_is_not_verified_answers_nothing(sent: Notice, write: Write) -> None:
    Target.objects.update(verified_at=None)
    assert (write("Y"), write("STOP"), said()) == ("", "", [])


def test_an_inactive_member_answers_nothing(sent: Notice, write: Write) -> None:
    user = sent.delivery.member.user
    user.is_active = False
    user.save()
    assert (write("Y"), said()) == ("", [])


def test_other_words_are_answered_with_the_words_and_say_nothing_of_a_person(
    sent: Notice, write: Write
) -> None:
    assert write("I'm driving. I'll see your message later.").startswith("Not understood. Reply Y ")
    assert (said(), sent.state) == ([], State.SENT)


def test_a_program_that_answers_ours_is_answered_five_times(sent: Notice, write: Write) -> None:
    answers = [write("I am on holiday.") for _ in range(7)]
    assert [bool(one) for one in answers] == [True] * 5 + [False] * 2


def test_what_is_sent_back_counts_for_the_day(sent: Notice, write: Write, settings: Settings) -> None:
    settings.NOTICE_DAILY_MEMBER = {"sms": 1}
    assert write("what?") != ""
    assert write("Y") == ""
    assert said() == [(sent.delivery.pk, "confirmed")]
    assert PaidCount.objects.get(kind="sms", member=sent.delivery.member.pk).used == 1


def test_a_country_that_is_no_longer_allowed_gets_nothing_back(
    sent: Notice, write: Write, settings: Settings
) -> None:
    settings.NOTICE_COUNTRIES = ["JP"]
    assert write("Y") == ""
    assert sent.state == State.ACKNOWLEDGED


def test_a_repeated_request_changes_nothing_and_sends_nothing_back(sent: Notice, write: Write) -> None:
    sid = "SM" + "7" * 32
    assert write("Y", MessageSid=sid) != ""
    assert write("Y", MessageSid=sid) == ""
    assert Receipt.objects.count() == 1


def test_what_is_over_is_not_answered(sent: Notice, write: Write) -> None:
    past = now() - timedelta(minutes=1)
    Delivery.objects.update(deadline_at=past)
    sent.change_event(starts_at=past - timedelta(hours=1), ends_at=past)
    assert write("Y") == "Weekly telecon: It is over. There is nothing to do."
    assert said() == []


def test_an_answer_is_about_the_start_that_was_told(sent: Notice, write: Write) -> None:
    later = sent.delivery.starts_at + timedelta(hours=3)
    sent.change_event(starts_at=later, ends_at=later + timedelta(hours=1), deadline_at=later)
    assert "The event has moved to" in write("Y")
    assert Answer.objects.get().starts_at == sent.delivery.starts_at
    assert sent.state == State.ACKNOWLEDGED


def test_words_and_answers_are_in_the_members_language(sent: Notice, write: Write) -> None:
    type(sent.delivery.member).objects.update(language="fr")
    assert write("o") == "Weekly telecon: Confirmé. Merci."
    assert sent.state == State.ACKNOWLEDGED


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_request_that_twilio_has_not_signed_is_refused(sent: Notice, client: Client, method: str) -> None:
    told = {"AccountSid": ACCOUNT, "From": NUMBER, "Body": "Y", "MessageSid": "SM" + "7" * 32}
    response = getattr(client, method)(reverse("notification:text-answer"), told)
    assert (response.status_code, said()) == (403, [])
