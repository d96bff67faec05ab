"""``script/server`` as a person runs it, in a folder of its own."""

import http.client
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fixtures.processes import wait_until
from tests.servers import free_port

FOLDER = Path(__file__).resolve().parent.parent.parent
NAMES = {"broker", "web", "worker", "slow", "beat"}


class Server:
    """``script/server`` on a folder and a port."""

    def __init__(self, var: Path, port: int, **more: str) -> None:
        self.port = port
        self.log = var.parent / f"log-{port}"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PFS_", "CELERY_"))
        }
        environment |= {"PFS_NOTICE_VAR": str(var), "PORT": str(port), "STATIC_HASHED": "1"} | more
        environment.pop("DATABASE_URL", None)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [FOLDER / "script" / "server"], env=environment, stdout=output, stderr=output
            )

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def until_ready(self) -> None:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.output
            return "PFS Notice is ready" in self.output

        wait_until(is_ready, seconds=60, what="the server's readiness")

    def children(self) -> dict[str, int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = {}
        for pid in path.read_text().split():
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            found["broker" if "valkey" in name or "redis" in name else name.removeprefix("pfsn-")] = int(pid)
        return found

    def status(self, path: str) -> int:
        client = http.client.HTTPConnection("localhost", self.port, timeout=10)
        try:
            client.request("GET", path)
            return client.getresponse().status
        finally:
            client.close()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def family(root: int) -> set[int]:
    """A process and all that descend from it."""
    found = {root}
    for path in Path(f"/proc/{root}/task").glob("*/children"):
        for child in path.read_text().split():
            found |= family(int(child))
    return found


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "var"


@pytest.fixture
def server(var: Path) -> Iterator[Server]:
    server = Server(var, free_port())
    server.until_ready()
    yield server
    if server.process.poll() is None:
        server.end()


def test_the_administrator_can_log_in_with_the_password_that_is_shown_at_the_first_start(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path / "var", free_port())
    server.until_ready()
    (password,) = re.findall(r"Log in as admin with the password (\S{16})\n", server.output)
    page = f"http://localhost:{server.port}/admin/login/"
    with requests.Session() as session:
        session.get(page, timeout=10)
        form = {
            "username": "admin",
            "password": password,
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        answer = session.post(page, form, allow_redirects=False, timeout=10)
    server.end()
    assert answer.status_code == http.HTTPStatus.FOUND


def test_what_it_writes_is_closed_to_other_users(server: Server, var: Path) -> None:
    wait_until(lambda: set(server.children()) >= NAMES, what="all parts")
    server.end()
    var.chmod(0o755)
    (var / "db.sqlite3").chmod(0o644)
    second = Server(var, free_port())
    second.until_ready()
    wait_until(lambda: set(second.children()) >= NAMES, what="all parts")
    found = [var, *var.rglob("*")]
    open_ones = [str(path) for path in found if path.lstat().st_mode & 0o077]
    second.end()
    assert len(found) > 20
    assert open_ones == []


def test_the_password_is_not_shown_again(server: Server, var: Path) -> None:
    server.end()
    second = Server(var, free_port())
    second.until_ready()
    second.end()
    assert "password" not in second.output


def test_a_second_start_takes_seconds(server: Server, var: Path) -> None:
    server.end()
    began = time.monotonic()
    second = Server(var, free_port())
    second.until_ready()
    took = time.monotonic() - began
    second.end()
    assert took < 8


def test_all_parts_run(server: Server) -> None:
    wait_until(lambda: set(server.children()) >= NAMES, what="all parts")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_killed_part_is_started_again(server: Server, name: str) -> None:
    wait_until(lambda: name in server.children(), what=name)
    first = server.children()[name]
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: server.children().get(name, first) != first, what="a new process")
    assert re.search(rf"{name} +\| was killed by SIGKILL", server.output)
    wait_until(lambda: answers(server), what="an answer")


def answers(server: Server) -> bool:
    try:
        return server.status("/health") == http.HTTPStatus.OK
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_within_seconds(server: Server, number: signal.Signals) -> None:
    wait_until(lambda: set(server.children()) >= NAMES, what="all parts")
    processes = family(server.process.pid)
    began = time.monotonic()
    assert server.end(number) == 0
    assert time.monotonic() - began < 8
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []


def test_a_killed_parent_leaves_no_orphans(server: Server) -> None:
    wait_until(lambda: set(server.children()) >= NAMES, what="all parts")
    processes = family(server.process.pid)
    server.end(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), what="the end of all")


def test_a_second_one_on_the_same_folder_says_so(server: Server, var: Path) -> None:
    second = Server(var, free_port())
    assert second.process.wait(30) == 1
    assert f"running on {var} already (process {server.process.pid})" in second.output


def test_one_that_other_machines_reach_without_tls_warns(server: Server, tmp_path: Path) -> None:
    """It has come to that before it finds the port in use."""
    second = Server(tmp_path / "var", server.port, HOST=".".join("0000"))
    assert second.process.wait(30) == 1
    assert "Warning: HOST is 0.0.0.0" in second.output
    assert "no TLS" not in server.output


def test_a_port_in_use_is_named(server: Server, tmp_path: Path) -> None:
    second = Server(tmp_path / "var", server.port)
    assert second.process.wait(30) == 1
    assert f"Port {server.port} on 127.0.0.1 can't be used" in second.output


def test_nothing_that_looks_like_a_fault_is_printed(server: Server) -> None:
    wait_until(lambda: set(server.children()) >= NAMES, what="all parts")
    server.end()
    assert not re.search(r"Traceback|ERROR|Warning|WARNING", server.output), server.output
