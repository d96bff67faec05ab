"""MariaDB, tuned for tests."""

import contextlib

import pymysql

from tests.servers.base import Server, program


class MariaDB(Server):
    """A MariaDB server with the user ``root`` and no password, on the loopback interface only."""

    label = "MariaDB"

    def __init__(self, *, is_durable: bool = False, port: int = 0) -> None:
        super().__init__(port=port)
        self.is_durable = is_durable

    @property
    def url(self) -> str:
        """Return the value for DATABASE_URL."""
        return f"mysql://root@127.0.0.1:{self.port}/notice"

    def prepare(self) -> None:
        """Make the system tables."""
        program("mariadbd")
        self.run(
            [program("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder / 'data'}"]
            + ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"],
        )

    def command(self) -> list[str]:
        """Run in the foreground, without waiting for the disk; safe against a crash of its own where asked for."""
        return [
            program("mariadbd"),
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--port={self.port}",
            f"--socket={self.folder / 's'}",
            f"--pid-file={self.folder / 'pid'}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            f"--innodb-flush-log-at-trx-commit={2 if self.is_durable else 0}",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=256M",
            "--max-connections=200",
        ]

    def is_ready(self) -> bool:
        """Say whether it takes queries."""
        # Not pymysql.err: Django imports that a second time, as MySQLdb.err, with classes of its own.
        with contextlib.suppress(pymysql.OperationalError):
            pymysql.connect(host="127.0.0.1", port=self.port, user="root", connect_timeout=2).close()
            return True
        return False
