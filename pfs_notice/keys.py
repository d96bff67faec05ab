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
from django.core.exceptions import ImproperlyConfigured

from pfs_notice import variables
from pfs_notice.private_folder import FILE_MODE, FolderError, close_to_others, make_folder

ENCRYPTION: Final = "encryption_key"
"""The file of the key without which what is encrypted in the database can't be read."""
DATABASE: Final = "db.sqlite3"
_OURS: Final = frozenset({DATABASE, "server.lock", "simulator_url"})
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
    ENCRYPTION: _fernet_key,  # first: any other file shows that there was one
    "secret_key": _django_secret,
    "vapid_private.pem": _vapid_private_key,
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
    """Return a key; make it first where there is none. Raises ``FolderError`` for an encryption key that was lost."""
    return read(folder, name) or _make(folder, name)


def _refuse_another(folder: Path) -> None:
    """Raise ``FolderError`` where the encryption key is missing or empty, and was not always."""
    others = (DATABASE, *(name for name in MAKERS if name != ENCRYPTION))
    found = [name for name in others if (folder / name).exists()]
    # Looked at once more: another process may have made it, and the others after it, just now.
    if read(folder, ENCRYPTION) or not (found or (folder / ENCRYPTION).exists()):
        return
    state = "empty" if (folder / ENCRYPTION).exists() else "missing"
    raise FolderError(
        f"The encryption key {folder / ENCRYPTION} is {state}, and without it what is encrypted in the database can't be "
        "read: contact methods, addresses of calendars, passwords. Bring it back from a backup, or set "
        "NOTICE_ENCRYPTION_KEYS. No new key is made in its place; to start without any data, name another folder in "
        "PFS_NOTICE_VAR and another database.",
    )


def _make(folder: Path, name: str) -> str:
    """Write a new key and return the one that is there afterwards.

    Raises ``FolderError``. Two processes may do this at once: a link is made only where no file of that name is yet, so that
    the first one wins and both go on with its key.
    """
    if name == ENCRYPTION:
        _refuse_another(folder)
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
        raise FolderError(f"{folder / name} is empty. Remove it, and a new one is made.")
    return key


def make_all(folder: Path) -> list[Path]:
    """Make every key that is missing; return the files that are new. Raises ``FolderError``."""
    missing = [name for name in MAKERS if not read(folder, name)]
    for name in missing:
        _make(folder, name)
    return [folder / name for name in missing]


def main() -> None:
    """Make the missing keys in $PFS_NOTICE_VAR, or in var/ of the project."""
    try:
        variables.load()
        folder = Path(variables.get("PFS_NOTICE_VAR", str(variables.FOLDER / "var"))).absolute()
        close_folder(folder)
        for path in make_all(folder):
            sys.stdout.write(f"made {path}\n")
    except (FolderError, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The keys can't be made in {folder}: {error.strerror}.")


if __name__ == "__main__":
    main()
