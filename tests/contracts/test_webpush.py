from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from common import clock
from common.channels import Message
from tests.contracts.channel_contract import ChannelContract
from tests.push_service import PushService

_KEYS = {
    "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    "auth": "AAAAAAAAAAAAAAAAAAAAAA",
}


class TestWebPush(ChannelContract):
    path = "eventinvoke.channels.webpush.channel.WebPushChannel"

    @pytest.fixture
    def provider(self, tmp_path: Path, settings: Settings) -> Iterator[PushService]:
        with PushService(tmp_path) as service:
            settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
            settings.NOTICE_EXTRA_CA_FILE = str(service.ca_file)
            yield service
            assert service.faults == []

    def make_message(self, provider: PushService, number: int) -> Message:
        browser = provider.subscribe()
        return Message(
            process_id="p" * 43,
            address=browser.endpoint,
            config=browser.config,
            title=f"Notice {number}",
            body="Something begins in ten minutes.",
            tag=f"tag{number}",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def make_bad_message(self, provider: PushService) -> Message:
        browser = provider.subscribe()
        return Message(
            process_id="p" * 43,
            address=browser.endpoint,
            config={"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
            title="Bad",
            body="",
            tag="bad",
            expires_at=clock.now() + timedelta(minutes=10),
        )

    def good_addresses(self, provider: PushService) -> Sequence[tuple[str, Mapping[str, Any]]]:
        browser = provider.subscribe()
        padded = {name: value + "=" * (-len(value) % 4) for name, value in browser.config["keys"].items()}
        return [
            (browser.endpoint, browser.config),
            (f" {browser.endpoint} ", {"keys": padded, "expirationTime": None}),
        ]

    def bad_addresses(self, provider: PushService) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        good = {"keys": _KEYS}
        endpoint = f"{provider.origin}/push/1"
        off_curve = _KEYS["p256dh"][:-4] + "AAAA"
        return [
            ("", good, "address"),
            ("push", good, "address"),
            ("http://push.example.com/1", good, "address"),
            ("https://10.0.0.1/1", good, "address"),
            ("https://localhost.localdomain/1", good, "address"),
            ("https://me:secret@push.example.com/1", good, "address"),
            ("https://push.example.com:22/1", good, "address"),
            ("https://push.example.com/a b", good, "address"),
            (endpoint, {}, "keys"),
            (endpoint, {"keys": "none"}, "keys"),
            (endpoint, {"keys": {"p256dh": _KEYS["p256dh"]}}, "keys"),
            (endpoint, {"keys": {**_KEYS, "p256dh": "BGsX"}}, "keys"),
            (endpoint, {"keys": {**_KEYS, "p256dh": off_curve}}, "keys"),
            (endpoint, {"keys": {**_KEYS, "p256dh": 5}}, "keys"),
            (endpoint, {"keys": {**_KEYS, "p256dh": "é" * 87}}, "keys"),
            (endpoint, {"keys": {**_KEYS, "auth": "AAAA"}}, "keys"),
        ]
