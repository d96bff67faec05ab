"""manage.py backup and restore: the database and the keys."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from pfs_notice.settings.environment import BASE_DIR
from tests.servers import MariaDB, PostgreSQL


class Installation:
    """A folder of run-time state and a database."""

    def __init__(self, var: Path, database: str = "") -> None:
        self.var = var
        self._environment = {"PFS_NOTICE_VAR": str(var), "DATABASE_URL": database}

    def run(self, *command: str, is_wrong: bool = False) -> str:
        """Run a command of manage.py; return what it says."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            env=os.environ | self._environment,
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) is is_wrong, said
        assert "Traceback" not in said
        return said

    def set_subject(self) -> None:
        """Store a secret that can be read with the encryption key alone."""
        self.run("migrate", "-v0")
        self.run("first_admin")
        self.run(
            "shell",
            "-v0",
            "-c",
            f"{MODELS}; Calendar.objects.create(name='c', url='https://secret.example/x')",
        )

    def secret(self) -> str:
        return self.run("shell", "-v0", "-c", f"{MODELS}; print(Calendar.objects.get().url)").strip()


def databases(kind: str, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return the addresses of two empty databases."""
    if kind == "sqlite":
        return "", ""
    server = request.getfixturevalue(f"{kind}_server")
    names = ("backup_first", "backup_second")
    with connect(server) as connection, connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            options = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if kind == "mariadb" else ""
            cursor.execute(f"CREATE DATABASE {name} {options}")
    first, second = (f"{server.url.rpartition('/')[0]}/{name}" for name in names)
    return first, second


def connect(server: PostgreSQL | MariaDB) -> Any:
    if isinstance(server, PostgreSQL):
        return psycopg.connect(server.url, autocommit=True)
    url = urlsplit(server.url)
    return pymysql.connect(host=url.hostname, port=url.port or 0, user=url.username, autocommit=True)


MODELS = "from registration.models import Calendar"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_what_was_copied_can_be_put_back_on_another_machine(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first, second = databases(kind, request)
    old, new = Installation(tmp_path / "old", first), Installation(tmp_path / "new", second)
    old.set_subject()
    file = tmp_path / "copy.tar.gz"
    said = old.run("backup", str(file))
    assert "secret_key, vapid_private.pem, encryption_key" in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert "File exists" in old.run("backup", str(file), is_wrong=True)

    assert "another key" in new.run("restore", str(file), is_wrong=True)  # a first command has made keys
    new.run("restore", str(file), "--replace")
    assert new.secret() == "https://secret.example/x"
    assert (new.var / "encryption_key").stat().st_mode & 0o777 == 0o600
    assert "tables already" in new.run("restore", str(file), is_wrong=True)
    new.run("restore", str(file), "--replace")
    assert new.secret() == "https://secret.example/x"


def test_another_file_and_another_database_are_refused(tmp_path: Path) -> None:
    there = Installation(tmp_path / "var")
    (tmp_path / "text").write_text("x")
    assert "can't be read" in there.run("restore", str(tmp_path / "text"), is_wrong=True)
    with tarfile.open(tmp_path / "tar", "w") as tar:
        tar.add(tmp_path / "text", "../../escaped")
    assert "is no copy" in there.run("restore", str(tmp_path / "tar"), is_wrong=True)
    assert not list(tmp_path.parent.glob("escaped"))
