import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from common import clock
from common.channels import Message, Outcome, SendResult, Severity
from eventinvoke.channels.webpush.channel import WebPushChannel
from eventinvoke.channels.webpush.payload import SMALL_BYTES
from tests.push_service import PushService, Refusal, Subscription

PROCESS_ID = "a-B_" + "0" * 39


@pytest.fixture
def service(tmp_path: Path, settings: Settings) -> Iterator[PushService]:
    with PushService(tmp_path) as running:
        settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        settings.NOTICE_EXTRA_CA_FILE = str(running.ca_file)
        yield running


@pytest.fixture
def browser(service: PushService) -> Subscription:
    return service.subscribe()


def message_to(browser: Subscription, **changes: Any) -> Message:
    message = Message(
        process_id=PROCESS_ID,
        address=browser.endpoint,
        config=browser.config,
        title="Weekly call",
        body="Begins in ten minutes.",
        tag="a-Tag_1",
        expires_at=clock.now() + timedelta(seconds=300.9),
    )
    return message._replace(**changes)


def send(message: Message) -> SendResult:
    (result,) = [result for result in WebPushChannel().send([message]) if result is not None]
    return result


# What the push service gets


def test_the_browser_gets_the_payload_that_the_package_describes(
    service: PushService, browser: Subscription
) -> None:
    starts_at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    message = message_to(
        browser, severity=Severity.WARNING, starts_at=starts_at, url="https://example.com/call"
    )
    assert send(message).outcome is Outcome.ACCEPTED
    assert service.taken[0].payload == {
        "title": "Weekly call",
        "body": "Begins in ten minutes.",
        "tag": "a-Tag_1",
        "severity": "warning",
        "language": "en",
        "url": "https://example.com/call",
        "starts_at": "2026-11-20T09:30:00Z",
        "process_id": PROCESS_ID,
        "report": f"/n/{PROCESS_ID}/push",
        "actions": [
            {"action": "confirm", "title": "Acknowledge"},
            {"action": "snooze", "title": "Snooze"},
        ],
    }


def test_a_message_without_a_process_id_has_no_report_and_no_actions(
    service: PushService, browser: Subscription
) -> None:
    send(message_to(browser, process_id=""))
    taken = service.taken[0].payload
    assert (taken["process_id"], taken["report"], taken["actions"], taken["starts_at"]) == ("", "", [], None)


def test_time_to_live_is_what_is_left_until_it_expires(service: PushService, browser: Subscription) -> None:
    send(message_to(browser))
    assert service.taken[0].headers["ttl"] in {"299", "300"}


@pytest.mark.parametrize(
    ("severity", "urgency"),
    [(Severity.INFO, "normal"), (Severity.WARNING, "normal"), (Severity.CRITICAL, "high")],
)
def test_urgency_follows_severity(
    service: PushService, browser: Subscription, severity: int, urgency: str
) -> None:
    send(message_to(browser, severity=severity))
    assert service.taken[0].headers["urgency"] == urgency


def test_the_topic_is_the_tag_and_the_content_is_named(service: PushService, browser: Subscription) -> None:
    send(message_to(browser))
    headers = service.taken[0].headers
    assert headers["topic"] == "a-Tag_1"
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["content-type"] == "application/octet-stream"


def test_the_location_of_the_message_is_its_id_with_the_provider(
    service: PushService, browser: Subscription
) -> None:
    assert send(message_to(browser)).provider_id == f"{service.origin}/m/1"


def test_a_message_that_expired_is_not_sent(service: PushService, browser: Subscription) -> None:
    result = send(message_to(browser, expires_at=clock.now() - timedelta(seconds=0.1)))
    assert (result.outcome, bool(result.reason)) == (Outcome.REJECTED, True)
    assert service.taken == []


# Its answers


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (201, Outcome.ACCEPTED),
        (202, Outcome.ACCEPTED),
        (307, Outcome.RETRY),
        (400, Outcome.REJECTED),
        (401, Outcome.MISCONFIGURED),
        (403, Outcome.MISCONFIGURED),
        (404, Outcome.GONE),
        (405, Outcome.REJECTED),
        (406, Outcome.RETRY),
        (408, Outcome.RETRY),
        (410, Outcome.GONE),
        (413, Outcome.REJECTED),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (502, Outcome.RETRY),
        (503, Outcome.RETRY),
    ],
)
def test_each_status_has_its_outcome(
    service: PushService, browser: Subscription, status: int, outcome: Outcome
) -> None:
    service.answer(status)
    result = send(message_to(browser))
    assert result.outcome is outcome
    assert bool(result.reason) == (outcome is not Outcome.ACCEPTED)


def test_a_message_that_is_too_large_for_the_service_is_logged_as_our_defect(
    service: PushService, browser: Subscription, caplog: pytest.LogCaptureFixture
) -> None:
    service.answer(413)
    with caplog.at_level(logging.ERROR):
        send(message_to(browser))
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize(
    ("refusal", "outcome", "sentence", "word"),
    [
        (
            Refusal(400, b'{"reason":"VapidPkHashMismatch"}'),
            Outcome.MISCONFIGURED,
            "bound to another key",
            "VapidPkHashMismatch",
        ),
        (Refusal(403, b'{"reason":"BadJwtToken"}'), Outcome.MISCONFIGURED, "signature", "BadJwtToken"),
        (
            Refusal(
                403,
                b"the VAPID credentials in the authorization header do not correspond to the "
                b"credentials used to create the subscriptions.\n",
            ),
            Outcome.MISCONFIGURED,
            "bound to another key",
            "the VAPID credentials in the authorization header do not correspond",
        ),
        (
            Refusal(
                401, b'{"code":401,"errno":109,"error":"Unauthorized","message":"VAPID public key mismatch"}'
            ),
            Outcome.MISCONFIGURED,
            "bound to another key",
            "VAPID public key mismatch",
        ),
        (
            Refusal(400, b"", {"X-WNS-Error-Description": "The TTL header is missing."}),
            Outcome.REJECTED,
            "does not understand",
            "x-wns-error-description: The TTL header is missing",
        ),
        (
            Refusal(406, b"", {"X-WNS-Status": "channelthrottled"}),
            Outcome.RETRY,
            "too many",
            "x-wns-status: channelthrottled",
        ),
        (
            Refusal(200, b"", {"X-WNS-Status": "channelThrottled"}),
            Outcome.RETRY,
            "too many",
            "x-wns-status: channelthrottled",
        ),
        (
            Refusal(200, b"", {"X-WNS-NotificationStatus": "dropped"}),
            Outcome.REJECTED,
            "dropped",
            "x-wns-notificationstatus: dropped",
        ),
        (Refusal(410, b'{"reason":"Unregistered"}'), Outcome.GONE, "ended", "Unregistered"),
    ],
)
def test_the_service_s_own_word_stands_behind_a_plain_sentence(
    service: PushService, browser: Subscription, refusal: Refusal, outcome: Outcome, sentence: str, word: str
) -> None:
    service.answer(refusal)
    result = send(message_to(browser))
    assert result.outcome is outcome
    assert sentence in result.reason.partition(" It says: ")[0]
    assert word in result.reason.partition(" It says: ")[2]
    assert len(result.reason) <= 300


@pytest.mark.parametrize(
    "body",
    [b"<html>\n<b>no</b></html>", b"[" * 60_000, b"7", b'{"reason": 7}', b"\xff\x00\n\x1b", b"", b"null"],
)
def test_an_answer_without_words_for_people_leaves_the_sentence(
    service: PushService, browser: Subscription, body: bytes
) -> None:
    service.answer(Refusal(403, body))
    result = send(message_to(browser))
    assert result.outcome is Outcome.MISCONFIGURED
    assert not {"<", "\n", "\x00", "\x1b"} & set(result.reason)
    assert len(result.reason) <= 300


def test_a_message_that_a_service_finds_too_large_is_sent_again_shortened(
    service: PushService, browser: Subscription
) -> None:
    service.take_at_most(3200)
    others = [message_to(service.subscribe(), tag=f"other-{number}") for number in range(3)]
    large = message_to(browser, body="Ä" * 5000)
    found = [result for result in WebPushChannel().send([large, *others, large]) if result is not None]
    assert [result.outcome for result in found] == [Outcome.ACCEPTED] * 5
    short = [taken for taken in service.taken if taken.subscription == browser]
    assert len(short) == 2
    assert all(SMALL_BYTES - 5 < taken.size <= SMALL_BYTES for taken in short)
    assert short[0].payload["body"].endswith("Ä…")
    assert short[0].payload["report"] == f"/n/{PROCESS_ID}/push"


def test_what_is_too_large_although_shortened_is_refused_for_good(
    service: PushService, browser: Subscription
) -> None:
    service.answer(413)
    result = send(message_to(browser, body="Ä" * 5000))
    assert (result.outcome, service.answered) == (Outcome.REJECTED, 2)


def test_time_to_live_is_never_nothing(service: PushService, browser: Subscription) -> None:
    send(message_to(browser, expires_at=clock.now() + timedelta(seconds=0.9)))
    assert [taken.headers["ttl"] for taken in service.taken] == ["1"]


def test_a_private_endpoint_is_refused_at_the_connection(browser: Subscription, settings: Settings) -> None:
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = []
    result = send(message_to(browser))
    assert result.outcome is Outcome.REJECTED
    assert "private network" in result.reason


def test_a_service_that_is_away_is_tried_again(service: PushService, browser: Subscription) -> None:
    service.__exit__(None, None, None)
    assert send(message_to(browser)).outcome is Outcome.RETRY


@pytest.mark.parametrize("setting", ["VAPID_PRIVATE_KEY", "VAPID_SUBJECT"])
def test_a_key_or_a_subject_of_ours_that_is_unusable_is_our_configuration(
    service: PushService, browser: Subscription, settings: Settings, setting: str
) -> None:
    setattr(settings, setting, "nonsense")
    assert send(message_to(browser)).outcome is Outcome.MISCONFIGURED
    assert service.taken == []


@pytest.mark.parametrize(
    "config",
    [{}, {"keys": None}, {"keys": {"p256dh": None, "auth": "x"}}, {"keys": {"p256dh": "AA", "auth": "é"}}],
)
def test_a_stored_key_that_is_spoilt_is_refused(browser: Subscription, config: dict[str, Any]) -> None:
    assert send(message_to(browser, config=config)).outcome is Outcome.REJECTED
