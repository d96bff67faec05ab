"""PostgreSQL, tuned for tests: what is lost by a power cut does not matter."""

import contextlib
import signal
import socket
from typing import ClassVar

import psycopg

from tests.servers.base import Server, program


class PostgreSQL(Server):
    """A PostgreSQL server with the superuser ``postgres`` and no password."""

    label = "PostgreSQL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": SIGTERM would wait for every client

    def __init__(self, *, is_durable: bool = False, port: int = 0) -> None:
        super().__init__(port=port)
        self.is_durable = is_durable

    @property
    def url(self) -> str:
        """Return the value for DATABASE_URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Make the cluster."""
        self.run(
            [program("postgres").removesuffix("postgres") + "initdb", "-D", str(self.folder / "data")]
            + ["-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        )

    def command(self) -> list[str]:
        """Run in the foreground; safe against a crash of its own only where that is asked for."""
        options = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
        ]
        options += ["max_connections=200", "shared_buffers=256MB", "timezone=UTC"]
        if not self.is_durable:
            options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        return [program("postgres"), "-D", str(self.folder / "data")] + [
            word for option in options for word in ("-c", option)
        ]

    def is_ready(self) -> bool:
        """Say whether it takes queries (it listens before it has recovered)."""
        with (
            contextlib.suppress(psycopg.OperationalError, socket.error),
            psycopg.connect(self.url, connect_timeout=2),
        ):
            return True
        return False
