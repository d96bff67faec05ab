"""The web server ends when it is told to before its worker listens to signals, which granian's ignores then."""

import signal
import time
from pathlib import Path

import pytest

from pfs_notice.supervisor.stack import WEB_OPTIONS
from pfs_notice.supervisor.supervisor import PATIENCE_SECONDS
from tests.fixtures.processes import Starter
from tests.servers import free_port


@pytest.mark.django_db(transaction=True)
def test_the_web_server_ends_by_itself_though_its_worker_lost_the_signal(start_process: Starter) -> None:
    argv = ("granian", "--port", str(free_port()), *WEB_OPTIONS, "pfs_notice.edge:application")
    web = start_process(*argv)
    children = Path(f"/proc/{web.pid}/task/{web.pid}/children")
    web.wait_for(lambda: children.read_text().strip())
    began = time.monotonic()
    web.popen.send_signal(signal.SIGTERM)
    assert web.popen.wait(60) == 0, web.output
    # Before the supervisor would kill it, with room for a busy machine: the option of ours says 5 s.
    assert time.monotonic() - began < 2 * PATIENCE_SECONDS
