"""An HTTP/2 server whose every answer a test decides: it tells what happens on a connection where
many requests run at once."""

import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events

from tests.raw_server import RawServer
from tests.tls import server_context

Answer = Callable[["H2Connection", int], bool]
"""What is done when a request has come whole, by its stream; False closes the connection."""


@dataclass
class H2Connection:
    """One connection: the protocol's state, and how many requests came on it so far."""

    server: RawServer
    state: h2.connection.H2Connection
    bodies: dict[int, bytes] = field(default_factory=dict)


def accept(connection: H2Connection, stream: int) -> bool:
    """Answer 204."""
    connection.state.send_headers(stream, [(":status", "204")], end_stream=True)
    return True


def h2_server(folder: Path, answer: Answer) -> RawServer:
    """Return a server that speaks HTTP/2 and keeps the body of each whole request in ``requests``."""

    def behave(raw: socket.socket, server: RawServer) -> None:
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        connection = H2Connection(server, state)
        is_open = True
        while is_open:
            raw.sendall(state.data_to_send())
            data = raw.recv(65536)
            if not data:
                return
            is_open = all(_handle(connection, event, answer) for event in state.receive_data(data))
        with contextlib.suppress(OSError):
            raw.sendall(state.data_to_send())

    context = server_context(folder)
    context.set_alpn_protocols(["h2"])
    assert isinstance(context, ssl.SSLContext)
    return RawServer(behave, context)


def _handle(connection: H2Connection, event: h2.events.Event, answer: Answer) -> bool:
    if isinstance(event, h2.events.DataReceived) and event.stream_id is not None:
        body = connection.bodies.get(event.stream_id, b"")
        connection.bodies[event.stream_id] = body + (event.data or b"")
        connection.state.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
    elif isinstance(event, h2.events.StreamEnded) and event.stream_id is not None:
        connection.server.requests.append(connection.bodies.pop(event.stream_id, b""))
        return answer(connection, event.stream_id)
    return True
