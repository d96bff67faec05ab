import json
import logging
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import http_ece
import pytest
import time_machine
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from pywebpush import WebPusher

from common import clock
from common.channels import Message, Outcome, SendResult, Severity
from eventinvoke.channels.webpush import payload
from eventinvoke.channels.webpush.channel import WebPushChannel
from eventinvoke.channels.webpush.encryption import decode, encrypt
from eventinvoke.channels.webpush.subscriptions import check
from eventinvoke.channels.webpush.vapid import authorization
from tests.push_service import PushService, Subscription

PROCESS_ID = "a-B_" + "0" * 39


@pytest.fixture
def service(tmp_path: Path, settings: Settings) -> Iterator[PushService]:
    with PushService(tmp_path) as running:
        settings.ROOT_URLCONF = "tests.contracts.push_urls"
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
    return replace(message, **changes)


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
            {"action": "confirm", "title": "Confirm"},
            {"action": "snooze", "title": "Remind me later"},
        ],
    }


def test_a_message_that_nobody_answers_has_no_report_and_no_actions(
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


# Encryption


def test_pywebpush_can_read_what_we_encrypt(browser: Subscription) -> None:
    keys = browser.config["keys"]
    body = encrypt(b"hello", keys["p256dh"], keys["auth"])
    read = http_ece.decrypt(
        body, private_key=browser.private_key, auth_secret=browser.auth, version="aes128gcm"
    )
    assert read == b"hello"


def test_our_body_has_the_form_of_pywebpushs(browser: Subscription) -> None:
    ours = encrypt(b"hello", browser.config["keys"]["p256dh"], browser.config["keys"]["auth"])
    subscription = {"endpoint": browser.endpoint, **browser.config}
    theirs = WebPusher(subscription).encode(b"hello", content_encoding="aes128gcm")["body"]
    assert len(ours) == len(theirs)
    assert ours[16:21] == theirs[16:21], "record size and length of the key"


def test_no_two_bodies_share_a_salt_or_a_key(browser: Subscription) -> None:
    keys = browser.config["keys"]
    first, second = (encrypt(b"hello", keys["p256dh"], keys["auth"]) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_the_longest_payload_makes_a_body_of_4096_bytes(browser: Subscription) -> None:
    keys = browser.config["keys"]
    assert len(encrypt(b"x" * payload.MAX_BYTES, keys["p256dh"], keys["auth"])) == 4096


def test_every_length_of_base64_is_read() -> None:
    assert [decode(text) for text in ("", "YQ", "YQ==", "YWI", "YWJj")] == [b"", b"a", b"a", b"ab", b"abc"]


# VAPID


def _claims(line: str) -> dict[str, Any]:
    middle = line.partition(" t=")[2].split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims


def test_the_header_is_signed_once_for_an_origin() -> None:
    assert authorization("https://one.example.com") is authorization("https://one.example.com")


def test_each_origin_has_a_header_of_its_own() -> None:
    lines = [authorization(f"https://{name}.example.com") for name in ("two", "three")]
    assert [_claims(line)["aud"] for line in lines] == [
        "https://two.example.com",
        "https://three.example.com",
    ]


def test_the_header_is_signed_anew_before_it_expires() -> None:
    with time_machine.travel("2026-11-20T09:00:00Z", tick=False) as traveller:
        first = authorization("https://four.example.com")
        expires_at = datetime.fromtimestamp(_claims(first)["exp"], UTC)
        assert timedelta(0) < expires_at - datetime.now(UTC) <= timedelta(hours=24)
        traveller.move_to(expires_at - timedelta(minutes=30))
        second = authorization("https://four.example.com")
    assert _claims(second)["exp"] > _claims(first)["exp"]


def test_another_key_makes_another_header(settings: Settings) -> None:
    first = authorization("https://five.example.com")
    settings.VAPID_SUBJECT = "mailto:other@example.com"
    assert _claims(authorization("https://five.example.com"))["sub"] == "mailto:other@example.com"
    assert _claims(first)["sub"] != "mailto:other@example.com"


def test_browsers_subscribe_with_the_key_that_signs() -> None:
    assert f"k={WebPushChannel().public_key}" in authorization("https://six.example.com")


def test_endless_origins_need_no_endless_memory() -> None:
    from eventinvoke.channels.webpush import vapid  # noqa: PLC0415 - to look at its private store

    for number in range(vapid._MAX_ORIGINS + 10):
        authorization(f"https://x{number}.example.com")
    assert len(vapid._headers) <= vapid._MAX_ORIGINS


# The payload


def _message(**changes: Any) -> Message:
    message = Message("", "https://x/", "Title", "Body", "tag", datetime(2030, 1, 1, tzinfo=UTC))
    return replace(message, **changes)


@given(
    title=st.text(max_size=6000),
    body=st.text(max_size=6000),
    url=st.sampled_from(["", "https://example.com/" + "a" * 5000]),
    filler=st.sampled_from(["", "ä", "🦊", '"', "\n"]),
)
def test_the_payload_always_fits_and_can_be_read(title: str, body: str, url: str, filler: str) -> None:
    raw = payload.build(_message(title=title, body=body + filler * 4000, url=url))
    assert len(raw) <= payload.MAX_BYTES
    assert json.loads(raw.decode("utf-8"))["tag"] == "tag"


@pytest.mark.parametrize("letter", ["a", "ä", "€", "🦊"])
def test_a_long_body_is_cut_between_characters_and_ends_with_an_ellipsis(letter: str) -> None:
    raw = payload.build(_message(body=letter * 5000))
    body = json.loads(raw)["body"]
    assert body.rstrip("…") == letter * (len(body) - 1)
    assert len(raw) > payload.MAX_BYTES - 8, "as much as fits is kept"


def test_the_title_and_the_link_survive_a_long_body() -> None:
    read = json.loads(payload.build(_message(body="b" * 9000, url="https://example.com/")))
    assert (read["title"], read["url"]) == ("Title", "https://example.com/")


def test_half_a_surrogate_pair_does_not_stop_a_notice() -> None:
    assert json.loads(payload.build(_message(title="\ud83e")))["title"] == "?"


def test_building_a_payload_leaves_the_language_as_it_was() -> None:
    with translation.override("fr"):
        payload.build(_message(language="de"))
        assert translation.get_language() == "fr"


# Addresses


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", "Chrome or a relative of it"),
        ("https://updates.push.services.mozilla.com/wpush/v2/x", "Firefox"),
        ("https://web.push.apple.com/x", "Safari"),
        ("https://wns2-db5p.notify.windows.com/w/?token=x", "Edge"),
        ("https://fcm.googleapis.com.evil.example/x", "Browser (by way of fcm.googleapis.com.evil.example)"),
    ],
)
def test_a_browser_is_shown_by_its_push_service(browser: Subscription, endpoint: str, shown: str) -> None:
    assert check(endpoint, browser.config).shown == shown


def test_only_the_keys_of_a_subscription_are_stored(browser: Subscription) -> None:
    config = {**browser.config, "expirationTime": None, "other": {"a": 1}}
    assert check(browser.endpoint, config).config == browser.config
