"""The keys that a first run needs, each a file in the folder of run-time state.

A file has mode 0600 and lies in a folder of mode 0700 (``pfs_notice.private_folder``); it appears whole or not
at all, and is never overwritten. ``python -m pfs_notice.keys`` makes those that are missing and prints where they are
(it needs no settings, so it also helps where the settings fail for want of a key).
"""

import contextlib
import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pfs_notice.private_folder import FILE_MODE, FolderError, close_to_others, make_folder

_OURS: Final = frozenset({"db.sqlite3", "server.lock", "simulator_url"})
"""Files by which the folder of run-time state is recognised, besides the keys."""


def _django_secret() -> str:
    return secrets.token_urlsafe(64)


def _vapid_private_key() -> str:
    """Return a P-256 key as PEM (RFC 8292 section 3.1 asks for that curve)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _fernet_key() -> str:
    return urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _account_sid() -> str:
    """Return an id of Twilio's shape: AC and 32 hexadecimal digits."""
    return f"AC{secrets.token_hex(16)}"


MAKERS: Final[dict[str, Callable[[], str]]] = {
    "secret_key": _django_secret,
    "vapid_private.pem": _vapid_private_key,
    "encryption_key": _fernet_key,
    "simulator_account_sid": _account_sid,
    "simulator_auth_token": lambda: secrets.token_hex(16),
}
"""The name of each key's file, and what makes its content."""


def close_folder(folder: Path) -> None:
    """Close the folder of run-time state to other users, if it is there already, and what this process writes.

    Raises ``FolderError`` when it can't be, or when it holds what is not ours.
    """
    close_to_others(folder, _OURS | MAKERS.keys())


def read(folder: Path, name: str) -> str:
    """Return a key, or "" where there is none. Raises ``OSError`` when it can't be read."""
    try:
        return (folder / name).read_text().strip()
    except FileNotFoundError:
        return ""


def read_or_make(folder: Path, name: str) -> str:
    """Return a key; make it first where there is none."""
    return read(folder, name) or _make(folder, name)


def _make(folder: Path, name: str) -> str:
    """Write a new key and return the one that is there afterwards.

    Two processes may do this at once: a link is made only where no file of that name is yet, so that
    the first one wins and both go on with its key.
    """
    make_folder(folder)
    draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(MAKERS[name]() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, folder / name)
    finally:
        draft.unlink()
    key = read(folder, name)
    if not key:
        msg = f"{folder / name} is empty; remove it, and a new key will be made"
        raise RuntimeError(msg)
    return key


def make_all(folder: Path) -> list[Path]:
    """Make every key that is missing; return the files that are new."""
    missing = [name for name in MAKERS if not read(folder, name)]
    for name in missing:
        _make(folder, name)
    return [folder / name for name in missing]


def main() -> None:
    """Make the missing keys in $PFS_NOTICE_VAR, or in var/ of the project."""
    default = Path(__file__).resolve().parent.parent / "var"
    folder = Path(os.environ.get("PFS_NOTICE_VAR") or default)
    try:
        close_folder(folder)
    except FolderError as error:
        sys.exit(str(error))
    for path in make_all(folder):
        sys.stdout.write(f"made {path}\n")


if __name__ == "__main__":
    main()
