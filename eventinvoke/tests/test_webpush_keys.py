import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import http_ece
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from pytest_django import Settings
from pywebpush import WebPusher

from eventinvoke.channels.webpush import payload
from eventinvoke.channels.webpush.channel import WebPushChannel
from eventinvoke.channels.webpush.encryption import _sealed, decode, encode, encrypt
from eventinvoke.channels.webpush.subscriptions import check
from eventinvoke.channels.webpush.vapid import authorization
from tests.push_service import Subscription


@pytest.fixture
def browser() -> Subscription:
    return Subscription("https://push.example.com/1")


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


def test_a_payload_of_two_records_is_refused(browser: Subscription) -> None:
    keys = browser.config["keys"]
    with pytest.raises(ValueError, match="more than one record"):
        encrypt(b"x" * 4080, keys["p256dh"], keys["auth"])


def test_the_example_of_the_rfc() -> None:
    """RFC 8291, section 5 and appendix A."""
    key = int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    receiver = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    body = _sealed(
        b"When I grow up, I want to be a watermelon",
        decode(receiver),
        decode("BTBZMqHH6r4Tts7J_aSIgg"),
        derive_private_key(key, SECP256R1()),
        decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y"
        "l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


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


def test_the_header_is_signed_again_before_it_expires() -> None:
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
