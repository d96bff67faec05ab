"""What is done before the processes start. Runs in a process of its own: the parent opens no database."""

import hashlib
import sys
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder


def prepare() -> int:
    """Check the settings, bring the tables up to date, collect the static files, make the administrator.

    Returns the exit code: 1 when a check found an error or the database can't be used, which is printed.
    """
    try:
        call_command("check", "--fail-level", "ERROR", stdout=StringIO())
    except SystemCheckError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        call_command("migrate", interactive=False, verbosity=0)
        _try_to_write()
    except DatabaseError as error:
        sys.stderr.write(
            f"PFS Notice can't start. The database can't be used: {' '.join(str(error).split())}.\n"
        )
        return 1
    for found in run_checks(tags=[Tags.database], databases=["default"]):
        if found.id == "pfs_notice.E017":
            sys.stderr.write(f"PFS Notice can't start. {found.msg} {found.hint}\n")
            return 1
    _collect_static()
    call_command("first_admin")
    return 0


def _try_to_write() -> None:
    """Raise ``DatabaseError`` where the database can only be read."""
    with transaction.atomic():
        MigrationRecorder(connection).migration_qs.filter(pk=0).update(app="")


def _collect_static() -> None:
    """Collect the static files, unless none changed since the last time."""
    if not settings.STATIC_HASHED:
        return
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT or "") / ".collected"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(digest.hexdigest())
