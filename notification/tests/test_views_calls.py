"""What a call says, and what its keys do."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from common.clock import now
from common.process_ids import sign
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery
from eventinvoke.models.attempts import new_attempt_id
from eventinvoke.replies import answers
from eventinvoke.tests.factories import DeliveryFactory
from notification.tests.conftest import CALL, Ask, Notice, said
from registration.tests.factories import MemberFactory, TargetFactory

TOKYO_AFTERNOON = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def verbs(response: HttpResponse) -> list[str]:
    return [verb.tag for verb in ET.fromstring(response.content)]  # noqa: S314 - our own answer


def add_next_person(notice: Notice, name: str = "Ben") -> Delivery:
    target = TargetFactory.create(member=MemberFactory.create(name=name), kind="voice")
    later = now() + timedelta(minutes=3)
    following: Delivery = DeliveryFactory.create(
        event=notice.delivery.event, registration=notice.delivery.registration, target=target, due_at=later
    )
    return following


# What is said


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "en",
            "Hello Anna. This is PFS Notice. Weekly telecon. It starts at 15:05, in 5 minutes. Place: Room 5.",
        ),
        (
            "de",
            "Guten Tag, Anna. Hier ist PFS Notice. Weekly telecon. Es beginnt um 15:05, in 5 Minuten. Ort: Room 5.",
        ),
        (
            "fr",
            "Bonjour Anna. Ici PFS Notice. Weekly telecon. Cela commence à 15:05, dans 5 minutes. Lieu : Room 5.",
        ),
        (
            "ja",
            "Annaさん、こんにちは。PFS Notice です。 Weekly telecon。 開始は15:05、5分後です。 場所は、Room 5です。",
        ),
    ],
)
def test_the_content_says_who_calls_what_it_is_when_and_where(
    ask: Ask, account: None, db: None, language: str, text: str
) -> None:
    with time_machine.travel(TOKYO_AFTERNOON, tick=False):
        call = Notice("voice", language=language)
        call.change_event(location="Room 5")
        assert said(ask("call-content", call)).startswith(text)


def test_the_time_is_that_of_the_members_zone(ask: Ask, account: None, db: None) -> None:
    with time_machine.travel(TOKYO_AFTERNOON, tick=False):
        call = Notice("voice", time_zone="America/New_York")
        assert "It starts at 01:05, in 5 minutes." in said(ask("call-content", call))


def test_another_day_is_named(ask: Ask, call: Notice) -> None:
    with time_machine.travel(TOKYO_AFTERNOON, tick=False):
        tomorrow = TOKYO_AFTERNOON + timedelta(days=1)
        call.change_event(starts_at=tomorrow, deadline_at=tomorrow)
        assert "It starts on 3 March at 15:00, in 1 day." in said(ask("call-content", call))


def test_british_english_says_dates_the_british_way(ask: Ask, account: None, db: None) -> None:
    with time_machine.travel(TOKYO_AFTERNOON, tick=False):
        call = Notice("voice", language="en-gb")
        tomorrow = TOKYO_AFTERNOON + timedelta(days=1)
        call.change_event(starts_at=tomorrow, deadline_at=tomorrow)
        assert "It starts on 3 March at 15:00" in said(ask("call-content", call))


def test_a_whole_day_has_no_hour(ask: Ask, call: Notice) -> None:
    with time_machine.travel(TOKYO_AFTERNOON, tick=False):
        call.change_event(is_all_day=True, starts_at=TOKYO_AFTERNOON)
        assert "All day today." in said(ask("call-content", call))


def test_the_content_waits_for_one_key_and_then_reads_again(ask: Ask, call: Notice) -> None:
    response = ask("call-content", call)
    assert verbs(response) == ["Gather", "Redirect"]
    gather, redirect = ET.fromstring(response.content)  # noqa: S314 - our own answer
    assert gather.get("numDigits") == "1"
    assert gather.get("finishOnKey") == ""
    assert gather.get("action") == f"https://notice.example.org/n/{call.process_id}/key?reading=1"
    assert redirect.text == f"https://notice.example.org/n/{call.process_id}/call?reading=2"


def test_it_is_read_three_times_and_then_says_goodbye(ask: Ask, call: Notice) -> None:
    assert verbs(ask("call-content", call, "?reading=3")) == ["Gather", "Redirect"]
    last = ask("call-content", call, "?reading=4")
    assert verbs(last) == ["Say", "Hangup"]
    assert said(last) == "Goodbye."


def test_an_answering_machine_hears_it_once(ask: Ask, call: Notice) -> None:
    ask("call-status", call, AnsweredBy="machine_start")
    assert verbs(ask("call-content", call, "?reading=1")) == ["Gather", "Redirect"]
    assert said(ask("call-content", call, "?reading=2")) == "Goodbye."


def test_a_person_who_was_taken_for_a_machine_may_hear_it_again(ask: Ask, call: Notice) -> None:
    ask("call-status", call, AnsweredBy="machine_start")
    ask("call-key", call, Digits="*")
    assert "Press 1" in said(ask("call-content", call, "?reading=2"))


@pytest.mark.parametrize("reading", ["-1", "x", "9" * 30, ""])
def test_a_reading_that_is_no_number_is_the_first(ask: Ask, call: Notice, reading: str) -> None:
    assert "Hello Anna" in said(ask("call-content", call, f"?reading={reading}"))


def test_an_event_that_has_begun_is_told_in_the_past(ask: Ask, call: Notice) -> None:
    call.change_event(starts_at=now() - timedelta(minutes=3))
    text = said(ask("call-content", call))
    assert "It started at" in text
    assert "3 minutes ago" in text


def test_a_canceled_event_says_so_and_hangs_up(ask: Ask, call: Notice) -> None:
    call.change_event(canceled_at=now())
    response = ask("call-content", call)
    assert "Weekly telecon. It was canceled." in said(response)
    assert verbs(response)[-1] == "Hangup"


def test_a_call_about_a_cancellation_keeps_the_start_that_its_member_knew(ask: Ask, call: Notice) -> None:
    known = call.delivery.starts_at
    Attempt.objects.update(starts_at=known)
    Delivery.objects.update(origin=Delivery.Origin.CANCELED)
    call.change_event(canceled_at=now(), starts_at=known + timedelta(minutes=30))
    ask("call-content", call)
    assert Attempt.objects.get().starts_at == known


def test_an_event_that_is_over_says_so_and_hangs_up(ask: Ask, call: Notice) -> None:
    Delivery.objects.filter(pk=call.delivery.pk).update(deadline_at=now() - timedelta(seconds=1))
    response = ask("call-content", call)
    assert "It is over." in said(response)
    assert verbs(response)[-1] == "Hangup"


def test_a_confirmation_that_came_meanwhile_is_told(ask: Ask, call: Notice) -> None:
    answers.acknowledge(call.delivery, "inbox")
    assert "You have acknowledged it already." in said(ask("call-content", call))


def test_an_acknowledgement_by_another_person_of_the_plan_is_told(ask: Ask, call: Notice) -> None:
    answers.acknowledge(add_next_person(call), "link")
    assert "Ben has acknowledged it already." in said(ask("call-content", call))


def test_a_confirmation_of_an_earlier_date_does_not_count(ask: Ask, call: Notice) -> None:
    answers.acknowledge(call.delivery, "inbox")
    call.change_event(starts_at=call.delivery.event.starts_at + timedelta(minutes=30))
    assert "Press 1 to acknowledge." in said(ask("call-content", call))


@pytest.mark.parametrize(
    ("language", "spoken", "voice", "sentence"),
    [
        ("en", "en-US", "Polly.Joanna-Neural", "Press 1 to acknowledge."),
        ("en-gb", "en-GB", "Polly.Amy-Neural", "Press 1 to acknowledge."),
        ("de", "de-DE", "Polly.Vicki-Neural", "Drücken Sie die 1, um zu bestätigen."),
        ("fr", "fr-FR", "Polly.Lea-Neural", "Appuyez sur 1 pour confirmer."),
        ("ja", "ja-JP", "Polly.Takumi-Neural", "確認するには、1を押してください。"),
        ("it", "en-US", "Polly.Joanna-Neural", "Press 1 to acknowledge."),
    ],
)
def test_each_language_is_spoken_by_a_voice_of_its_own(
    ask: Ask, account: None, db: None, language: str, spoken: str, voice: str, sentence: str
) -> None:
    response = ask("call-content", Notice("voice", language=language))
    says = list(ET.fromstring(response.content).iter("Say"))  # noqa: S314 - our own answer
    assert {(say.get("language"), say.get("voice")) for say in says} == {(spoken, voice)}
    assert sentence in said(response)


@pytest.mark.parametrize(
    "title",
    [
        "</Say><Redirect>https://evil.example/</Redirect><Say>",
        "a & b < c > \"d\" 'e'",
        "]]><!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
        "bell \x07 and form feed \x0c and escape \x1b[31m",
        "%(name)s {name} ${name} %s %",
        "🚨 Pump 3 — “dry run” \u202e reversed",
    ],
)
def test_a_hostile_title_is_only_spoken(ask: Ask, call: Notice, title: str) -> None:
    call.change_event(title=title, location=title)
    response = ask("call-content", call)
    assert verbs(response) == ["Gather", "Redirect"]
    gather = ET.fromstring(response.content)[0]  # noqa: S314 - our own answer
    assert {child.tag for child in gather} == {"Say"}
    kept = "".join(c if c.isprintable() else " " for c in title).rstrip(" .")
    assert kept in said(response)


# Keys


def test_key_1_confirms(ask: Ask, call: Notice) -> None:
    response = ask("call-key", call, Digits="1")
    assert said(response) == "Thank you, it is acknowledged. Goodbye."
    assert verbs(response)[-1] == "Hangup"
    assert call.state == State.ACKNOWLEDGED
    assert Answer.objects.get().way == "key"


def test_key_1_twice_says_that_it_was_confirmed(ask: Ask, call: Notice) -> None:
    ask("call-key", call, Digits="1")
    assert "It was acknowledged already." in said(ask("call-key", call, Digits="1"))
    assert Answer.objects.count() == 1


def test_key_2_has_another_call_come_in_five_minutes(ask: Ask, call: Notice) -> None:
    before = now()
    assert "You will be called again at" in said(ask("call-key", call, Digits="2"))
    again = Delivery.objects.get(origin="snooze")
    assert timedelta(minutes=5) <= again.due_at - before < timedelta(minutes=6)
    assert call.state == State.DELIVERED


def test_key_2_without_time_left_says_so_and_reads_again(ask: Ask, call: Notice) -> None:
    Delivery.objects.filter(pk=call.delivery.pk).update(deadline_at=now() + timedelta(minutes=2))
    response = ask("call-key", call, Digits="2")
    assert said(response) == "There is no time left for another call."
    assert verbs(response)[-1] == "Redirect"


def test_key_3_has_the_next_person_asked_now(ask: Ask, call: Notice) -> None:
    following = add_next_person(call)
    assert said(ask("call-key", call, Digits="3")) == "Ben will be asked now. Goodbye."
    following.refresh_from_db()
    assert following.next_attempt_at <= now()


def test_key_3_repeated_asks_no_other_person(ask: Ask, call: Notice) -> None:
    add_next_person(call)
    ask("call-key", call, Digits="3")
    Delivery.objects.filter(member__name="Ben").update(state=State.CANCELED)
    third = add_next_person(call, "Chloe")
    assert "The next person has been asked already." in said(ask("call-key", call, Digits="3"))
    assert Delivery.objects.get(pk=third.pk).next_attempt_at == third.next_attempt_at


def test_key_3_with_no_person_left_says_so_and_reads_again(ask: Ask, call: Notice) -> None:
    response = ask("call-key", call, Digits="3")
    assert said(response) == "There is no one else to ask."
    assert verbs(response)[-1] == "Redirect"


def test_key_9_ends_the_calls_about_it(ask: Ask, call: Notice) -> None:
    later = DeliveryFactory.create(
        event=call.delivery.event, target=call.delivery.target, due_at=now() + timedelta(minutes=3)
    )
    assert said(ask("call-key", call, Digits="9")) == "You will not be called about this any more. Goodbye."
    later.refresh_from_db()
    assert later.state == State.CANCELED


@pytest.mark.parametrize("digit", ["*", "#", "0", "4", "é", "7x"])
def test_another_key_reads_it_again_and_shows_a_person(ask: Ask, call: Notice, digit: str) -> None:
    response = ask("call-key", call, "?reading=1", Digits=digit)
    assert verbs(response) == ["Redirect"]
    assert b"call?reading=2" in response.content
    assert call.state == State.DELIVERED


def test_no_key_is_no_evidence_of_a_person(ask: Ask, call: Notice) -> None:
    assert verbs(ask("call-key", call, Digits="")) == ["Redirect"]
    assert call.state == State.SENDING


def test_a_key_is_answered_in_the_members_language(ask: Ask, account: None, db: None) -> None:
    assert said(ask("call-key", Notice("voice", language="de"), Digits="1")).startswith("Danke")


# What is not there


@pytest.mark.parametrize("page", ["call-content", "call-key"])
def test_an_unsigned_id_is_not_found(ask: Ask, call: Notice, page: str) -> None:
    forged = call.process_id[:-1] + ("A" if call.process_id[-1] != "A" else "B")
    assert ask(page, forged, Digits="1").status_code == 404


@pytest.mark.parametrize("page", ["call-content", "call-key"])
def test_an_id_of_an_attempt_that_is_gone_is_not_found(ask: Ask, account: None, db: None, page: str) -> None:
    assert ask(page, sign(new_attempt_id()), Digits="1").status_code == 404


def test_without_a_signature_nothing_is_told(client: Client, call: Notice) -> None:
    answer = client.post(reverse("notification:call-content", args=[call.process_id]), {"CallSid": CALL})
    assert answer.status_code == 403
    assert b"telecon" not in answer.content


def test_the_fallback_speaks_without_the_database(ask: Ask, account: None) -> None:
    assert "can't be read out now" in said(ask("call-fallback", "x" * 43, ErrorCode="11200"))


def test_a_call_says_the_member_s_own_text_and_escapes_it(ask: Ask, account: None, db: None) -> None:
    call = Notice("voice")
    call.change_event(title="Pump <3> & co", location="Room 5")
    plan = call.delivery.registration
    assert plan is not None
    plan.text = "Be in {place}, {distance}.\nIt is <b>{title}</b>."
    plan.save()
    answer = ask("call-content", call)
    assert "Pump <3> & co. Be in Room 5, in 5 minutes. It is <b>Pump <3> & co</b>." in said(answer)
    assert b"<b>" not in answer.content
    assert b"&lt;b&gt;Pump &lt;3&gt; &amp; co" in answer.content
