import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pfs_notice import keys
from pfs_notice.private_folder import FolderError, make_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a" / "var"


def test_the_folder_is_closed_to_everybody_else(folder: Path) -> None:
    keys.make_all(folder)
    assert mode(folder) == 0o700


@pytest.mark.parametrize("name", keys.MAKERS)
def test_a_key_is_closed_to_everybody_else(folder: Path, name: str) -> None:
    keys.make_all(folder)
    assert mode(folder / name) == 0o600


@pytest.mark.parametrize("name", keys.MAKERS)
def test_a_key_is_never_overwritten(folder: Path, name: str) -> None:
    keys.make_all(folder)
    first = keys.read(folder, name)
    assert first
    assert keys.make_all(folder) == []
    assert keys.read_or_make(folder, name) == first


@pytest.mark.parametrize("name", keys.MAKERS)
def test_two_folders_have_different_keys(tmp_path: Path, name: str) -> None:
    assert keys.read_or_make(tmp_path / "1", name) != keys.read_or_make(tmp_path / "2", name)


def test_many_who_make_a_key_at_once_get_the_same_one(folder: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = pool.map(lambda _: keys.read_or_make(folder, "secret_key"), range(64))
    assert len(set(made)) == 1


def test_nothing_but_the_keys_is_left_behind(folder: Path) -> None:
    keys.make_all(folder)
    assert {path.name for path in folder.iterdir()} == set(keys.MAKERS)


def test_a_key_that_is_missing_reads_as_empty(folder: Path) -> None:
    assert keys.read(folder, "secret_key") == ""


def test_an_empty_file_is_not_taken_for_a_key(folder: Path) -> None:
    make_folder(folder)
    (folder / "secret_key").touch()
    with pytest.raises(FolderError, match="is empty"):
        keys.read_or_make(folder, "secret_key")


def test_the_vapid_key_is_of_the_curve_that_browsers_want(folder: Path) -> None:
    key = load_pem_private_key(keys.read_or_make(folder, "vapid_private.pem").encode(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    assert isinstance(key.curve, SECP256R1)


def test_the_encryption_key_encrypts(folder: Path) -> None:
    fernet = Fernet(keys.read_or_make(folder, "encryption_key"))
    assert fernet.decrypt(fernet.encrypt(b"token")) == b"token"


def test_the_command_makes_the_keys_without_any_settings(folder: Path) -> None:
    environment = {"PFS_NOTICE_VAR": str(folder), "PFS_NOTICE_ENV": "production"}
    subprocess.run(
        [sys.executable, "-m", "pfs_notice.keys"], env=environment, check=True, capture_output=True
    )
    assert all(keys.read(folder, name) for name in keys.MAKERS)


@pytest.mark.parametrize("sign", ["db.sqlite3", "secret_key", "vapid_private.pem", "encryption_key"])
def test_no_encryption_key_is_made_where_there_was_one(folder: Path, sign: str) -> None:
    make_folder(folder)
    (folder / sign).write_text("" if sign == "encryption_key" else "content")
    with pytest.raises(FolderError, match="backup"):
        keys.read_or_make(folder, "encryption_key")
    with pytest.raises(FolderError, match="backup"):
        keys.make_all(folder)
    assert keys.read(folder, "encryption_key") == ""


def test_the_command_says_in_a_sentence_that_the_encryption_key_is_lost(folder: Path) -> None:
    keys.make_all(folder)
    (folder / "encryption_key").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "pfs_notice.keys"],
        env={"PFS_NOTICE_VAR": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"The encryption key {folder / 'encryption_key'} is missing")
