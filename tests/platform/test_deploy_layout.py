"""The command lines of deploy/compose.yaml run together, with PostgreSQL, a broker and nginx."""

import os
import re
import shutil
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Final

import psycopg
import pytest

from tests.fixtures.processes import Process, wait_until
from tests.platform.deploy_files import DEPLOY, OURS, SERVICES, example, words_of
from tests.servers import Missing, Nginx, PostgreSQL, Redis, free_port
from tests.tls import make_certificate

BIN: Final = Path(sys.executable).parent


class Layout:
    """The services of compose.yaml as processes of this machine: their command lines, other addresses."""

    def __init__(self, folder: Path, database: PostgreSQL, broker: Redis) -> None:
        self.folder = folder
        self.web_port, self.public_port, self.simulator_port = free_port(), free_port(), free_port()
        (folder / "tls").mkdir()
        (folder / "static").mkdir()
        self.certificate, self.key = make_certificate(folder / "tls")
        given = SERVICES["simulator"]["environment"]
        assert given["DATABASE_URL"].endswith("@database/notice")
        self.environment = {name: value for name, value in example().items() if name in self._taken()} | given
        self.environment |= {
            "DATABASE_URL": f"{database.url.rpartition('/')[0]}/notice",
            "CELERY_BROKER_URL": given["CELERY_BROKER_URL"].replace(
                "broker:6379", f"127.0.0.1:{broker.port}"
            ),
            "PFS_NOTICE_VAR": str(folder / "var"),
            "NOTICE_PUBLIC_URL": f"https://localhost:{self.public_port}",
            "NOTICE_EXTRA_CA_FILE": str(self.certificate),
            "NOTICE_METRICS_TOKEN": "of-the-test",
            "EMAIL_URL": "consolemail://",
            "NOTICE_CLOCK": "database",
            "STATIC_ROOT": str(folder / "static"),
            "STATIC_HASHED": "no",  # the image has collected them
            "SIMULATOR_URL": f"http://127.0.0.1:{self.simulator_port}",
            "SIMULATOR_HOST": "127.0.0.1",
            "SIMULATOR_PORT": str(self.simulator_port),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }
        self.processes: dict[str, Process] = {}

    @staticmethod
    def _taken() -> set[str]:
        """Return the variables that env.example sets, and not in a comment."""
        return set(re.findall(r"^([A-Z_]+)=.", (DEPLOY / "env.example").read_text(), re.MULTILINE))

    def start(self, name: str) -> Process:
        """Start a service."""
        port = str(self.web_port)
        places = {"0.0.0.0": "127.0.0.1", "8000": port, "/tmp/beat": str(self.folder / "beat")}  # noqa: S104, S108
        argv = [places.get(word, word) for word in words_of(name)]
        argv[0] = shutil.which(argv[0], path=self.environment["PATH"]) or argv[0]
        self.processes[name] = Process(argv, self.environment, self.folder / f"{name}.log")
        return self.processes[name]

    def run(self, *argv: str) -> str:
        """Run a command to its end; return what it says."""
        process = Process(
            list(argv),
            self.environment,
            self.folder / f"command-{len(list(self.folder.iterdir()))}.log",
        )
        code = process.popen.wait(90)
        assert code == 0, process.output
        return process.output

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Ask through the proxy."""
        tls = ssl.create_default_context(cafile=str(self.certificate))
        with closing(HTTPSConnection("localhost", self.public_port, timeout=30, context=tls)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@pytest.fixture
def layout(tmp_path: Path, postgresql_server: PostgreSQL, redis_server: Redis) -> Iterator[Layout]:
    with psycopg.connect(postgresql_server.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS notice WITH (FORCE)")
        connection.execute("CREATE DATABASE notice")
    made = Layout(tmp_path, postgresql_server, redis_server)
    settings = (DEPLOY / "nginx" / "notice.conf").read_text()
    for old, new in (
        ("server web:8000;", f"server 127.0.0.1:{made.web_port};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{made.public_port} ssl;"),
        ("server_name notice.example.org;", "server_name localhost;"),
        ("/etc/ssl/notice/fullchain.pem", "certificate.pem"),
        ("/etc/ssl/notice/privkey.pem", "key.pem"),
        ("/var/log/nginx/notice.log", "notice.log"),
        ("/var/log/nginx/notice-error.log", "notice-error.log"),
    ):
        assert settings.count(old) == 1, old
        settings = settings.replace(old, new)
    try:
        proxy = Nginx(settings, port=made.public_port)
    except Missing as error:
        pytest.skip(str(error))
    shutil.copy(made.certificate, proxy.folder)
    shutil.copy(made.key, proxy.folder)
    with proxy:
        yield made
        for process in made.processes.values():
            process.stop()


BEARER: Final = {"Authorization": "Bearer of-the-test"}
SENT: Final = 'pfs_notice_sent_total{channel="inbox"} 1.0'
TELL: Final = """
from datetime import timedelta
from common.clock import now
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.publish import EventDraft
from registration.models import Member
tell_member(Member.objects.get(), EventDraft("system", "a test", "A test", now() + timedelta(seconds=1)))
"""


@pytest.mark.timeout(300)  # it starts a dozen processes
def test_the_services_run_together(layout: Layout) -> None:
    prepared = layout.start("prepare")
    assert prepared.popen.wait(90) == 0, prepared.output
    assert "Log in as admin" in prepared.output
    names = [name for name in OURS if name != "prepare"]
    for name in names:
        layout.start(name)
    wait_until(lambda: layout.ask("/ready")[0] == 200, seconds=60, what="an installation that is ready")
    assert layout.ask("/accounts/login/")[0] == 200
    assert layout.ask("/metrics")[0] == 401
    assert SENT not in layout.ask("/metrics", **BEARER)[1]
    said = layout.run(sys.executable, "manage.py", "doctor")
    assert re.findall(r"worker (\w+) on", said) == ["calendars", "fire", "slow", "urgent"]
    layout.run(sys.executable, "manage.py", "shell", "-v0", "-c", TELL)
    wait_until(lambda: SENT in layout.ask("/metrics", **BEARER)[1], seconds=40, what="a notice in the inbox")
    for name in names:
        assert layout.processes[name].popen.poll() is None, layout.processes[name].output
    for name in reversed(names):
        assert layout.processes[name].stop() in {0, -15}, (name, layout.processes[name].output)
        lines = layout.processes[name].output.splitlines() if name != "simulator" else []
        # Celery says that it ends in words of its own.
        assert [one for one in lines if one and not one.startswith(('{"at": ', "worker: "))] == [], name
    assert layout.ask("/health/web")[0] == 502
