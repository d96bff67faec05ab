"""manage.py backup and restore: the database and the keys."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from pytest_django import Settings

from pfs_notice.backup import BackupError, back_up, restore
from pfs_notice.settings.environment import BASE_DIR
from registration.models import Calendar
from registration.tests.factories import CalendarFactory


class Installation:
    """A folder of run-time state with a SQLite database."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        self._environment = {"PFS_NOTICE_VAR": str(var), "DATABASE_URL": "", "PYTHON": sys.executable}
        self._environment |= environment

    def run(self, *command: str, is_wrong: bool = False) -> str:
        """Run a command of manage.py; return what it says."""
        return self._run([sys.executable, "manage.py", *command], is_wrong=is_wrong)

    def back_up(self, folder: Path) -> str:
        """Run the script that makes a copy each day."""
        return self._run([str(BASE_DIR / "deploy" / "backup"), str(folder)], is_wrong=False)

    def restore(self, file: Path) -> str:
        """Run the script that puts a copy back."""
        return self._run([str(BASE_DIR / "deploy" / "restore"), str(file)], is_wrong=False)

    def _run(self, command: list[str], *, is_wrong: bool) -> str:
        done = subprocess.run(
            command,
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

    def fill(self) -> None:
        """Store a secret that can be read with the encryption key alone."""
        make = "call_command('migrate', verbosity=0); Calendar.objects.create(name='c', url='https://secret.example/x')"
        self.run("shell", "-v0", "-c", f"{MODELS}; {make}")

    def secret(self) -> str:
        return self.run("shell", "-v0", "-c", f"{MODELS}; print(Calendar.objects.get().url)").strip()


MODELS = "from django.core.management import call_command; from registration.models import Calendar"


@pytest.mark.django_db(transaction=True)
def test_the_database_is_put_back_as_it_was(tmp_path: Path, settings: Settings) -> None:
    calendar = CalendarFactory(url="https://secret.example/x")
    file = tmp_path / "copy.tar.gz"
    back_up(file)
    with pytest.raises(FileExistsError):
        back_up(file)
    calendar.delete()
    CalendarFactory(url="https://later.example/x")
    with pytest.raises(BackupError, match="tables already"):
        restore(file, replace=False)
    settings.PFS_NOTICE_VAR = str(tmp_path)
    (tmp_path / "encryption_key").write_text("another")
    with pytest.raises(BackupError, match="is another key"):
        restore(file, replace=False)
    restore(file, replace=True)
    assert (tmp_path / "encryption_key").read_text() != "another"
    assert [one.url for one in Calendar.objects.all()] == ["https://secret.example/x"]


def test_a_copy_is_put_back_on_another_machine(tmp_path: Path) -> None:
    old = Installation(tmp_path / "old")
    new = Installation(tmp_path / "new", PFS_NOTICE_ENV="production")
    old.fill()
    said = old.back_up(tmp_path / "copies")
    (file,) = (tmp_path / "copies").iterdir()
    assert "encryption_key, secret_key, vapid_private.pem" in said
    assert file.stat().st_mode & 0o777 == 0o600
    new.restore(file)
    assert new.secret() == "https://secret.example/x"
    assert (new.var / "encryption_key").stat().st_mode & 0o777 == 0o600


def test_another_file_and_another_database_are_refused(tmp_path: Path) -> None:
    there = Installation(tmp_path / "var")
    (tmp_path / "text").write_text("x")
    assert "can't be read" in there.run("restore", str(tmp_path / "text"), is_wrong=True)
    with tarfile.open(tmp_path / "tar", "w") as tar:
        tar.add(tmp_path / "text", "../../escaped")
    assert "is no copy" in there.run("restore", str(tmp_path / "tar"), is_wrong=True)
    assert not list(tmp_path.parent.glob("escaped"))
