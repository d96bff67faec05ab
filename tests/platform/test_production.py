"""The steps of docs/operations.md, Production, carried out in their order, with PostgreSQL, Redis, nginx and TLS."""

import getpass
import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
import pytest
import requests

from tests.faults.conftest import once
from tests.fixtures.processes import Process, wait_until
from tests.platform.test_checkout import CALL, FOLDER, bare, copy_project
from tests.platform.test_reverse_proxy import PAGE, as_on_the_page
from tests.servers import Nginx, PostgreSQL, Redis, free_port
from tests.tls import make_certificate

SECTION: Final = PAGE[PAGE.index("## Production\n") : PAGE.index("## Slow and large requests")]
NOT_HERE: Final = {"adduser", "git", "cd", "script/bootstrap"}
"""They need a machine of its own and the network; the tests of the fresh start cover the last one."""
TOKEN: Final = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII)

pytestmark = [once, pytest.mark.timeout(180)]


def blocks() -> list[str]:
    """Return the indented blocks of the section."""
    found = re.findall(r"(?:^ {7,}\S.*\n)+", SECTION, re.MULTILINE)
    return [re.sub(r"\\\n +", "", re.sub(r"^ {7}", "", block, flags=re.MULTILINE)) for block in found]


@dataclass
class Machine:
    """A machine on which the page is followed."""

    folder: Path
    replaced: dict[str, str]
    variables: dict[str, str]
    stack: ExitStack
    processes: list[Process] = field(default_factory=list)
    said: str = ""

    def here(self, text: str) -> str:
        """Return a text of the page with the places of this machine in it."""
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text

    def run(self, line: str) -> None:
        """Run a command of the page, and keep what it prints."""
        done = subprocess.run(
            ["/bin/bash", "-c", self.here(line)],
            cwd=self.folder,
            env=bare(self.variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        self.said += done.stdout + done.stderr

    def start(self, line: str, *more: str) -> None:
        """Start a process of the page."""
        words = ["env", "-i", "-C", str(self.folder)]
        words += [f"{name}={value}" for name, value in bare(self.variables).items()]
        log = self.folder.parent / f"process-{len(self.processes)}.log"
        process = Process([*words, *shlex.split(self.here(line), comments=True), *more], {}, log)
        self.stack.callback(process.stop)
        self.processes.append(process)


@pytest.fixture
def machine(tmp_path: Path, postgresql_server: PostgreSQL, redis_server: Redis) -> Iterator[Machine]:
    folder, port = tmp_path / "pfs-notice", free_port()
    copy_project(folder)
    (folder / ".venv").symlink_to(FOLDER / ".venv")
    replaced = {
        "/var/lib/pfs-notice": str(tmp_path / "state"),
        "-o notice -g notice": f"-o {getpass.getuser()}",
        "https://notice.example.org": f"https://localhost:{port}",
        "@127.0.0.1:5432/": f"@127.0.0.1:{postgresql_server.port}/",
        "redis://127.0.0.1:6379/0": redis_server.url,
    }
    # The test's certificate is trusted here as a public one is elsewhere.
    variables = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem"), "STATIC_HASHED": ""}
    variables["VAPID_SUBJECT"] = (
        "mailto:notice@notice.example.org"  # as it follows from the page's own address
    )
    with ExitStack() as stack:
        yield Machine(folder, replaced, variables, stack)
    with psycopg.connect(postgresql_server.url, autocommit=True) as administrator:
        administrator.execute("DROP DATABASE IF EXISTS notice WITH (FORCE)")
        administrator.execute("DROP ROLE IF EXISTS notice")


def test_the_steps_lead_to_a_server_that_calls(
    machine: Machine, tmp_path: Path, postgresql_server: PostgreSQL
) -> None:
    account, key, database, variables, preparation, processes = blocks()
    for line in (*account.splitlines(), *key.splitlines()):
        if line.split()[0] not in NOT_HERE:
            machine.run(line)
    state = tmp_path / "state"
    assert (state.owner(), stat.S_IMODE(state.stat().st_mode)) == (getpass.getuser(), 0o700)
    with psycopg.connect(postgresql_server.url, autocommit=True) as administrator:
        administrator.execute("DROP DATABASE IF EXISTS notice WITH (FORCE)")  # another test's
        for statement in database.splitlines():
            administrator.execute(statement)
    simulator_port, web_port = free_port(), free_port()
    simulator_url = f"SIMULATOR_URL=http://127.0.0.1:{simulator_port}\n"
    (machine.folder / ".env").write_text(machine.here(variables) + simulator_url)
    for line in preparation.splitlines():
        machine.run(line)
    assert re.findall(r"\(\w+\.[EW]\d+\)", machine.said) == ["(pfs_notice.W003)"], "calls are simulated"
    (password,) = re.findall(r"Log in as admin with the password (\S+)", machine.said)
    for line in processes.splitlines():
        machine.start(line, *(["--port", str(web_port)] if "granian" in line else []))
    port = int(machine.replaced["https://notice.example.org"].rpartition(":")[2])
    with nginx(port, web_port) as server:
        (tmp_path / "certificate.pem").write_bytes((server.folder / "certificate.pem").read_bytes())
        sign_in(f"https://localhost:{port}", password, tmp_path / "certificate.pem", machine)
        machine.run(".venv/bin/python manage.py demo")
        machine.run(f".venv/bin/python manage.py shell -v0 -c {shlex.quote(CALL)}")
        url = postgresql_server.url.removesuffix("postgres") + "notice"
        with psycopg.connect(url, autocommit=True) as connection:
            query = "SELECT count(*) FROM eventinvoke_receipt"
            wait_until(lambda: connection.execute(query).fetchone() != (0,), what="a callback")
        log = (server.folder / "access.log").read_text()
    assert re.search(r" POST /n/-/call-status 204 ", log)
    assert TOKEN.findall(log) == []
    assert [one for one in machine.processes if one.popen.poll() is not None] == []
    assert not [one.output for one in machine.processes if re.search(r"Traceback|ERROR", one.output)]


def nginx(port: int, web_port: int) -> Nginx:
    """Return nginx with the settings of the page."""
    text = as_on_the_page(
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{web_port};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("server_name notice.example.org;", "server_name localhost;"),
        ("/etc/ssl/notice/fullchain.pem", "certificate.pem"),
        ("/etc/ssl/notice/privkey.pem", "key.pem"),
        ("/var/log/nginx/notice.log", "access.log"),
        ("/var/log/nginx/notice-error.log", "error.log"),
    )
    server = Nginx(text, port=port)
    make_certificate(server.folder)
    return server


def sign_in(origin: str, password: str, certificate: Path, machine: Machine) -> None:
    """Sign in as the administrator."""
    page = f"{origin}/admin/login/"
    with requests.Session() as session:
        session.verify, session.trust_env = str(certificate), False

        def is_up() -> bool:
            assert machine.processes[0].popen.poll() is None, machine.processes[0].output
            return session.get(f"{origin}/health/web", timeout=10).status_code == 200

        wait_until(is_up, seconds=60, what="the web server")
        session.get(page, timeout=10)
        form = {
            "username": "admin",
            "password": password,
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        answer = session.post(page, form, headers={"Referer": page}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
