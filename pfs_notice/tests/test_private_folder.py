"""The folder of run-time state is closed to other users, whichever program made it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pfs_notice import keys
from pfs_notice.private_folder import FolderError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def start(var: Path) -> subprocess.CompletedProcess[str]:
    """Read the settings, as every program of the product does first, and write a file."""
    code = "from django.conf import settings; open(settings.PFS_NOTICE_VAR / 'log', 'w').close()"
    environment = {
        "PATH": os.environ["PATH"],
        "PFS_NOTICE_VAR": str(var),
        "DJANGO_SETTINGS_MODULE": "pfs_notice.settings",
    }
    command = [sys.executable, "-c", f"import os; os.umask(0o022); {code}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def var(tmp_path: Path) -> Path:
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["db.sqlite3", "encryption_key", "static"])
def test_an_open_folder_of_ours_is_closed(var: Path, name: str) -> None:
    (var / name).touch()
    (var / name).chmod(0o644)
    keys.close_folder(var)
    assert (mode(var), mode(var / name)) == (0o700, 0o600)


def test_an_empty_one_is_closed_too(var: Path) -> None:
    keys.close_folder(var)
    assert mode(var) == 0o700


def test_its_subfolders_are_closed(var: Path) -> None:
    (var / "secret_key").touch()
    (var / "broker").mkdir(mode=0o755)
    keys.close_folder(var)
    assert mode(var / "broker") == 0o700


def test_a_link_out_of_it_closes_nothing_elsewhere(var: Path, tmp_path: Path) -> None:
    outside = tmp_path / "certificate"
    outside.touch()
    outside.chmod(0o644)
    (var / "secret_key").touch()
    (var / "link").symlink_to(outside)
    keys.close_folder(var)
    assert mode(outside) == 0o644


def test_a_folder_of_another_program_is_refused_and_left_alone(var: Path) -> None:
    (var / "letters.txt").touch()
    with pytest.raises(FolderError, match="another program"):
        keys.close_folder(var)
    assert mode(var) == 0o755


def test_a_folder_that_all_users_share_is_refused(var: Path) -> None:
    var.chmod(0o1777)
    with pytest.raises(FolderError, match="another program"):
        keys.close_folder(var)


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="no folder"):
        keys.close_folder(tmp_path / "file")


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    keys.close_folder(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_every_program_closes_it_and_what_it_writes(var: Path) -> None:
    done = start(var)
    assert done.returncode == 0, done.stderr
    assert mode(var) == 0o700
    assert {path.name: mode(path) for path in var.iterdir() if mode(path) != 0o600} == {}
    assert (var / "log").exists()


def test_a_program_that_can_not_close_it_says_so_in_a_sentence(var: Path) -> None:
    (var / "letters.txt").touch()
    done = start(var)
    assert done.returncode != 0
    assert f"The folder {var} may be open to other users" in done.stderr


def test_the_command_that_makes_keys_refuses_it_without_a_traceback(var: Path) -> None:
    (var / "letters.txt").touch()
    done = subprocess.run(
        [sys.executable, "-m", "pfs_notice.keys"],
        env={"PFS_NOTICE_VAR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"The folder {var} may be open")
    assert "Traceback" not in done.stderr
