"""Servers for tests and benchmarks: on free loopback ports, in temporary folders, taken down at the end.

Each is a context manager; it may also be killed, stopped and started again in between, keeping its
port and its data.
"""

from tests.servers.base import Missing, Server
from tests.servers.mariadb import MariaDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.mysql import MySQL
from tests.servers.nginx import Nginx
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgreSQL
from tests.servers.radicale import Radicale
from tests.servers.redis import Redis

__all__ = [
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
