"""MySQL 8.4 or later, tuned for tests: the one that is installed, or Debian's, unpacked (see ``unpacked``)."""

import contextlib
import functools
import subprocess

import pymysql

from tests.servers import packages
from tests.servers.base import Missing, Server
from tests.servers.unpacked import command, unpacked

_OLDEST = "8.4"


class MySQL(Server):
    """A MySQL server with the user ``root`` and no password, on the loopback interface only."""

    label = "MySQL"

    def __init__(self, *, is_durable: bool = False, port: int = 0) -> None:
        super().__init__(port=port)
        self.is_durable = is_durable

    @property
    def url(self) -> str:
        """Return the value for DATABASE_URL."""
        return f"mysql://root@127.0.0.1:{self.port}/notice"

    def prepare(self) -> None:
        """Make the system tables."""
        self.run([*self._program(), "--initialize-insecure"])

    def command(self) -> list[str]:
        """Run in the foreground, without waiting for the disk; safe against a crash of its own where asked for."""
        return [
            *self._program(),
            f"--port={self.port}",
            f"--socket={self.folder / 's'}",
            f"--pid-file={self.folder / 'pid'}",
            "--bind-address=127.0.0.1",
            "--mysqlx=OFF",
            "--skip-log-bin",
            "--skip-performance-schema",
            f"--innodb-flush-log-at-trx-commit={2 if self.is_durable else 0}",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=256M",
            "--max-connections=200",
        ]

    def is_ready(self) -> bool:
        """Say whether it takes queries."""
        with contextlib.suppress(pymysql.OperationalError):
            pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=2).close()
            return True
        return False

    def _program(self) -> list[str]:
        return [*_mysqld(), f"--datadir={self.folder / 'data'}", "--secure-file-priv="]


@functools.cache
def _mysqld() -> list[str]:
    """Return the words that begin a command line with MySQL's server. Raises ``Missing``."""
    path = packages.find("mysqld")
    if path is not None and _is_recent(path):
        return [path, "--no-defaults"]
    folder = unpacked("mysql-server-core")
    if folder is None:
        msg = f"mysqld is missing (MySQL {_OLDEST} or later; on Debian the tests fetch it from sid)"
        raise Missing(msg)
    return [*command(folder, "usr/sbin/mysqld"), "--no-defaults", f"--basedir={folder / 'usr'}"]


def _is_recent(path: str) -> bool:
    """Say whether this is MySQL (MariaDB's server has that name too), and recent enough."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    _name, _ver, version = said.partition(" Ver ")
    numbers = version.split(".")[:2]
    if "MariaDB" in said or len(numbers) < 2 or not all(map(str.isdigit, numbers)):
        return False
    return [int(number) for number in numbers] >= [int(number) for number in _OLDEST.split(".")]
