"""A pytest plugin, loaded before the settings: the tests get a folder of run-time state of their own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.servers.ports import free_port

if "PFS_NOTICE_TEST_VAR" not in os.environ:
    # Short: the path of a unix socket in it may have 108 characters.
    _folder = tempfile.mkdtemp(prefix="pfsn-")
    os.environ["PFS_NOTICE_TEST_VAR"] = _folder
    # Where `collectstatic` would put files: empty, but there, or WhiteNoise warns with every client.
    (Path(_folder) / "static").mkdir()
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)

os.environ["PFS_NOTICE_VAR"] = os.environ["PFS_NOTICE_TEST_VAR"]
os.environ["PFS_NOTICE_ENV"] = "embedded"
os.environ["STATIC_HASHED"] = "0"
# Tests set the clock of their own process; processes that they start go by the database's.
os.environ["NOTICE_CLOCK"] = "machine"
# The fixture ``redis_server`` listens here; a test without it finds nobody.
os.environ["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{free_port()}/0"
