"""The folder of run-time state: of mode 0700, with files of mode 0600, whichever program made them."""

import contextlib
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700
_OTHERS: Final = 0o077
"""The permissions of the group and of all other users."""
_STATIC: Final = "static"
"""All that the folder holds where the keys come from the environment, and the tables are elsewhere."""


class FolderError(Exception):
    """The folder of run-time state can't be used; the message says why and what to do."""


def make_folder(folder: Path) -> None:
    """Make a folder that only this user can enter; an existing one stays as it is."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)


def close_to_others(folder: Path, ours: Collection[str]) -> None:
    """Take all permissions of other users from the folder, its files and its subfolders, if it is there.

    From here on, what this process writes is closed to them too (its umask). ``ours`` are the names of what we
    put there: an open folder that holds anything else and none of these is not touched, as it may be /tmp or a
    home. Raises ``FolderError`` for such a one, and for one that this user may not close.
    """
    os.umask(_OTHERS)
    try:
        mode = folder.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise FolderError(f"PFS_NOTICE_VAR is {folder}, which is no folder.")
        with os.scandir(folder) as entries:
            found = list(entries)
        if mode & _OTHERS:
            names = {entry.name for entry in found}
            if mode & stat.S_ISVTX or not (names & set(ours) or names <= {_STATIC}):
                raise FolderError(_open(folder, "it holds files of another program"))
            folder.chmod(_FOLDER_MODE)
        for entry in found:
            _close(entry)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FolderError(_open(folder, (error.strerror or "it is refused").lower())) from error


def _close(entry: os.DirEntry[str]) -> None:
    """Close a file, socket or subfolder; it may be gone already (the broker's socket, SQLite's log).

    One that another user has made stays as it is: the closed folder keeps other users from it.
    """
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
        if mode & _OTHERS and not entry.is_symlink():
            Path(entry.path).chmod(mode & ~_OTHERS)


def _open(folder: Path, reason: str) -> str:
    return (
        f"The folder {folder} may be open to other users, and PFS Notice can't close it ({reason}). Its owner closes "
        f"it with `chmod 700 {folder}`; or name another one in PFS_NOTICE_VAR, which is made where there is none."
    )
