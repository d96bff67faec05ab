"""Redis: the machine's, or the Valkey that comes with the requirements."""

import contextlib

import redis

from pfs_notice.supervisor import broker
from tests.servers import packages
from tests.servers.base import Missing, Server


class Redis(Server):
    """A Redis server; it keeps its data over a crash only where that is asked for."""

    label = "Redis"
    drops_privileges = False  # the Valkey of the requirements may lie where only root can go

    def __init__(self, *, is_durable: bool = False, port: int = 0) -> None:
        super().__init__(port=port)
        self.is_durable = is_durable

    @property
    def url(self) -> str:
        """Return the value for CELERY_BROKER_URL."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Run in the foreground."""
        path = packages.find("redis-server") or broker.find_program()
        if path is None:
            msg = "redis-server is missing (Debian: apt-get install redis-server)"
            raise Missing(msg)
        durable = (
            ["--appendonly", "yes", "--appendfsync", "always"] if self.is_durable else ["--appendonly", "no"]
        )
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        return [path, *options, "--maxmemory-policy", "noeviction", *durable]

    def is_ready(self) -> bool:
        """Say whether it takes commands (it listens before it has loaded its file)."""
        with contextlib.suppress(redis.RedisError), redis.Redis(port=self.port, socket_timeout=2) as client:
            return bool(client.ping())
        return False

    def empty(self) -> None:
        """Forget everything, between two tests."""
        with redis.Redis(port=self.port) as client:
            client.flushall()
