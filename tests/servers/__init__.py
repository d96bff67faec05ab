"""Servers for tests and benchmarks: on free loopback ports, in temporary folders, taken down at the end.

Each is a context manager; it may also be killed, stopped and started again in between, keeping its
port and its data.
"""

from typing import Final

from tests.servers.base import Missing, Server
from tests.servers.mariadb import MariaDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.mysql import MySQL
from tests.servers.nginx import Nginx
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgreSQL
from tests.servers.radicale import Radicale
from tests.servers.redis import Redis

DATABASES: Final[dict[str, type[PostgreSQL | MariaDB | MySQL]]] = {
    "postgresql": PostgreSQL,
    "mariadb": MariaDB,
    "mysql": MySQL,
}
"""The servers of databases, by the names that ``script/test --db`` takes."""

__all__ = [
    "DATABASES",
    "MariaDB",
    "Missing",
    "Mosquitto",
    "MySQL",
    "Nginx",
    "PostgreSQL",
    "Radicale",
    "Redis",
    "Server",
    "free_port",
]
