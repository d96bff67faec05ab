"""A copy of everything that can't be made again: the database and the keys, in one tar file.

``manage.py backup`` and ``restore`` call it. The database's own program makes the dump, of one moment and while
everything runs. The broker holds nothing that is lost by emptying it: the queue is a table.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from pfs_notice import variables
from pfs_notice.keys import MAKERS
from pfs_notice.private_folder import FILE_MODE, make_folder

_DUMP, _FACTS = "database", "facts.json"


class BackupError(Exception):
    """Something that keeps a copy from being made or put back; the message says what to do."""


def back_up(file: Path) -> list[str]:
    """Write a copy to a new file, readable by its owner alone; return the names of the keys in it.

    Raises ``BackupError`` where the database's program fails or is missing, and ``FileExistsError``.
    """
    with tempfile.TemporaryDirectory(prefix="pfsn-", dir=file.absolute().parent) as folder:
        dump = Path(folder) / _DUMP
        _dump(dump)
        facts = Path(folder) / _FACTS
        facts.write_text(json.dumps({"database": connection.vendor}))
        keys = [path for name in MAKERS if (path := _var() / name).exists()]
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as output:
            with tarfile.open(fileobj=output, mode="w:gz") as tar:
                for path in (facts, dump):
                    tar.add(path, path.name)
                for path in keys:
                    tar.add(path, f"keys/{path.name}")
            output.flush()
            os.fsync(output.fileno())
    return [path.name for path in keys]


def restore(file: Path, *, replace: bool) -> None:
    """Put a copy back: the database, and the keys as files. All processes have to be stopped.

    Raises ``BackupError`` where the copy is of another kind of database, where there are tables or other keys already
    (unless ``replace``), and where the database's program fails or is missing.
    """
    beside = file.absolute().parent  # temporary files may lie in memory, and a dump be large
    room = beside if os.access(beside, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pfsn-", dir=room) as folder:
        _unpack(file, Path(folder))
        kind = json.loads((Path(folder) / _FACTS).read_text())["database"]
        if kind != connection.vendor:
            raise BackupError(f"The copy is of {kind}, and DATABASE_URL names {connection.vendor}.")
        keys = sorted((Path(folder) / "keys").iterdir())
        if not replace:
            _refuse_to_replace(keys)
        for path in keys:
            shutil.copyfile(path, _var() / path.name)
            (_var() / path.name).chmod(FILE_MODE)
        _load(Path(folder) / _DUMP)


def _refuse_to_replace(keys: Iterable[Path]) -> None:
    for path in keys:
        there = _var() / path.name
        if there.exists() and there.read_bytes() != path.read_bytes():
            raise BackupError(f"{there} is another key. With --replace it is replaced.")
    if connection.introspection.table_names():
        raise BackupError("The database has tables already. With --replace they are replaced.")


def put_keys(file: Path, folder: Path) -> None:
    """Put those keys of a copy into the folder of run-time state that are missing there. Needs no settings.

    Production reads no settings without keys, and elsewhere a command would make others. Raises ``BackupError``.
    """
    make_folder(folder)
    with tempfile.TemporaryDirectory(prefix="pfsn-", dir=folder) as beside:
        _unpack(file, Path(beside))
        for path in (Path(beside) / "keys").iterdir():
            path.chmod(FILE_MODE)
            if not (folder / path.name).exists():
                path.rename(folder / path.name)


def _unpack(file: Path, folder: Path) -> None:
    names = {_DUMP, _FACTS} | {f"keys/{name}" for name in MAKERS}
    (folder / "keys").mkdir()
    try:
        with tarfile.open(file) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None and member.name in names:
                    with content, (folder / member.name).open("wb") as output:
                        shutil.copyfileobj(content, output)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{file} can't be read: {error}.") from error
    if not ((folder / _DUMP).exists() and (folder / _FACTS).exists()):
        raise BackupError(f"{file} is no copy that `manage.py backup` made.")


def _var() -> Path:
    return Path(settings.PFS_NOTICE_VAR)


def _dump(file: Path) -> None:
    match connection.vendor:
        case "sqlite":
            connection.ensure_connection()
            with closing(sqlite3.connect(file)) as copy:
                connection.connection.backup(copy)
        case "postgresql":
            _run(
                "pg_dump",
                *_postgresql(),
                "--format=custom",
                f"--file={file}",
                environment=_password("PGPASSWORD"),
            )
        case _:
            options = ["--single-transaction", "--hex-blob", f"--result-file={file}"]
            _run(_mariadb("dump"), *_server(), *options, _name(), environment=_password("MYSQL_PWD"))


def _load(file: Path) -> None:
    match connection.vendor:
        case "sqlite":
            connection.ensure_connection()
            with closing(sqlite3.connect(file)) as copy:
                copy.backup(connection.connection)
        case "postgresql":
            options = ["--clean", "--if-exists", "--no-owner", "--exit-on-error", "--single-transaction"]
            _run("pg_restore", *_postgresql(), *options, str(file), environment=_password("PGPASSWORD"))
        case _:
            with file.open("rb") as dump:
                _run(_mariadb(""), *_server(), _name(), environment=_password("MYSQL_PWD"), stdin=dump)


def _postgresql() -> list[str]:
    return [*_server(), f"--dbname={_name()}"]


def _server() -> list[str]:
    given = connection.settings_dict
    named = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"]}
    if connection.vendor == "postgresql":
        named["username"] = named.pop("user")
    return [f"--{name}={value}" for name, value in named.items() if value]


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _password(variable: str) -> dict[str, str]:
    given = connection.settings_dict["PASSWORD"]
    return {variable: given} if given else {}


def _mariadb(what: str) -> str:
    """Return MariaDB's program, or the one of MySQL, which does the same."""
    names = (f"mariadb-{what}", f"mysql{what}") if what else ("mariadb", "mysql")
    return next((name for name in names if shutil.which(name)), names[0])


def _run(*command: str, environment: Mapping[str, str], stdin: Any = subprocess.DEVNULL) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command, env={**os.environ, **environment}, stdin=stdin, stderr=subprocess.PIPE, check=False
        )
    except FileNotFoundError:
        raise BackupError(f"{command[0]} is missing: install the database's client programs.") from None
    if done.returncode:
        raise BackupError(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()}")


def main() -> None:
    """Put the missing keys of the copy that is named into $PFS_NOTICE_VAR, or into var/ of the project."""
    variables.load()  # .env says where it is, as to everything else
    try:
        put_keys(
            Path(sys.argv[1]), Path(variables.get("PFS_NOTICE_VAR", str(variables.FOLDER / "var"))).absolute()
        )
    except (BackupError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
