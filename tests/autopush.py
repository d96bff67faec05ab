"""The browser's side of Mozilla's push service, for a real Firefox: the WebSocket by which it subscribes.

https://mozilla-push-service.readthedocs.io/en/latest/design/#simplepush-protocol. What is posted to an
endpoint comes from ``tests.push_service.PushService``, which stands beside it.
"""

import contextlib
import json
import os
import socket
import threading
from base64 import urlsafe_b64encode
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.push_service import PushService, Relay


class Autopush:
    """The running WebSocket server; a context manager."""

    def __init__(self, service: PushService) -> None:
        """Hand what ``service`` takes to the browser that is connected."""
        self._service = service
        self._agents: set[str] = set()
        self._paths: dict[str, str] = {}
        self._connection: ServerConnection | None = None
        self._waiting: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []
        """Versions of the messages that the browser has taken."""
        self._server = serve(self._talk, "127.0.0.1", 0, compression=None)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._drop()
        self._thread.join(10)

    @property
    def endpoints(self) -> list[str]:
        """The endpoints of the subscriptions that there are."""
        with self._lock:
            return [f"{self._service.origin}{path}" for path in self._paths.values()]

    def lose_everything(self) -> None:
        """Forget the browser and its subscriptions, as after a loss of data; it will notice when it connects again."""
        with self._lock:
            self._agents.clear()
            for path in self._paths.values():
                self._service.forget(path)
            self._paths.clear()
        self._drop()

    def _drop(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):  # the other side may have gone
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _talk(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for text in connection:
                message = json.loads(text)
                answer = self._answer(connection, message)
                if answer is not None:
                    connection.send(json.dumps(answer))
                if message.get("messageType") == "hello":
                    self._send_waiting()

    def _answer(self, connection: ServerConnection, message: dict[str, Any]) -> dict[str, Any] | None:
        kind = message.get("messageType")
        if kind is None:  # {} is a ping
            return {}
        base = {"messageType": kind, "status": 200}
        with self._lock:
            if kind == "hello":
                self._connection = connection
                agent = message.get("uaid") or ""
                if agent not in self._agents:
                    agent = os.urandom(16).hex()
                    self._agents.add(agent)
                return base | {"uaid": agent, "use_webpush": True, "broadcasts": {}}
            if kind == "ack":
                self.acknowledged += [update["version"] for update in message["updates"]]
                return None
            channel = message.get("channelID", "")
            if kind == "register":
                return base | {"channelID": channel, "pushEndpoint": self._register(channel, message["key"])}
            if kind == "unregister":
                self._service.forget(self._paths.pop(channel, ""))
                return base | {"channelID": channel}
        return None

    def _register(self, channel: str, key: str) -> str:
        path = self._paths.setdefault(channel, f"/push/{os.urandom(12).hex()}")

        def deliver(body: bytes) -> None:
            message = {
                "messageType": "notification",
                "channelID": channel,
                "version": os.urandom(8).hex(),
                "data": urlsafe_b64encode(body).rstrip(b"=").decode(),
                "headers": {"encoding": "aes128gcm"},
            }
            with self._lock:
                self._waiting.append(message)
            self._send_waiting()

        return self._service.relay(path, Relay(key.rstrip("="), deliver))

    def _send_waiting(self) -> None:
        with self._lock:
            if self._connection is None:
                return
            messages, self._waiting = self._waiting, []
            for message in messages:
                self._connection.send(json.dumps(message))
