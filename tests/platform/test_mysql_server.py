"""Which MySQL the tests run on."""

import os
from pathlib import Path

import pytest

from tests.servers import mysql
from tests.servers.unpacked import unpacked


@pytest.mark.parametrize(
    ("said", "is_recent"),
    [
        ("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", True),
        ("mysqld  Ver 8.4.0 for Linux on x86_64 (MySQL Community Server - GPL)", True),
        ("mysqld  Ver 10.1.2 for Linux on aarch64 (MySQL Community Server - GPL)", True),
        ("mysqld  Ver 8.0.43-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))", False),
        ("mysqld  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", False),
        ("", False),
    ],
)
def test_a_server_is_taken_if_it_is_mysql_and_recent(said: str, *, is_recent: bool, tmp_path: Path) -> None:
    program = tmp_path / "mysqld"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    program.chmod(0o755)
    assert mysql._is_recent(str(program)) is is_recent


def test_where_debian_s_packages_can_t_be_had_nothing_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert unpacked("mysql-server-core", tmp_path / "cache") is None
    assert not (tmp_path / "cache").exists()


def test_what_was_unpacked_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = tmp_path / f"mysql-server-core-{os.uname().machine}"
    made.mkdir()
    assert unpacked("mysql-server-core", tmp_path) == made
