"""deploy/: the files are well-formed, agree with each other, and their command lines run together."""

import configparser
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import yaml

from pfs_notice.settings.environment import BASE_DIR
from pfs_notice.supervisor.stack import WEB_OPTIONS
from pfs_notice.tests.test_operations_page import named_on_the_page
from tests.fixtures.processes import Process, wait_until
from tests.servers import Missing, Nginx, PostgreSQL, Redis, free_port
from tests.servers.base import program
from tests.tls import make_certificate

DEPLOY: Final = BASE_DIR / "deploy"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: one for name, one in SERVICES.items() if one["image"] == "pfs-notice"}
UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
BIN: Final = Path(sys.executable).parent
ALREADY: Final = {"POSTGRES_PASSWORD", "COMPOSE_PROFILES", "PYTHONUNBUFFERED", "MALLOC_ARENA_MAX", "PATH"}
"""Variables that are not ours."""


def words_of(service: str) -> list[str]:
    """Return the command line of a service."""
    command = SERVICES[service]["command"]
    return list(command) if isinstance(command, list) else shlex.split(command)


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text().replace("\\\n", " "))
    return parser


def example() -> dict[str, str]:
    """Return the variables of env.example, those in comments too."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE))


# Each file


def test_compose_takes_the_file() -> None:
    docker = shutil.which("docker")
    command = [docker or "docker", "compose"]
    if docker is None or subprocess.run([*command, "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is missing")
    environment = os.environ | {"POSTGRES_PASSWORD": "x"}
    done = subprocess.run(
        [*command, "-f", str(DEPLOY / "compose.yaml"), "--env-file", str(DEPLOY / "env.example"), "config", "-q"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_services_refer_to_what_is_there() -> None:
    conditions = {"service_started", "service_healthy", "service_completed_successfully"}
    for name, one in SERVICES.items():
        for other, about in one.get("depends_on", {}).items():
            assert about["condition"] in conditions
            assert about["condition"] != "service_healthy" or "healthcheck" in SERVICES[other], (name, other)
        for volume in one.get("volumes", []):
            source = str(volume).partition(":")[0]
            is_file = source.startswith((".", "$"))
            assert is_file or source in COMPOSE["volumes"], (name, source)
            assert not source.startswith("./nginx") or (DEPLOY / source).exists()
    assert {
        "web",
        "fire",
        "urgent",
        "slow",
        "calendars",
        "beat",
        "database",
        "broker",
        "proxy",
    } <= SERVICES.keys()


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd-analyze is missing")
    folder = tmp_path / "units"
    shutil.copytree(DEPLOY / "systemd", folder)
    for path in folder.rglob("*.*"):
        if path.is_file():  # the program of an ExecStart has to exist
            path.write_text(path.read_text().replace("/opt/pfs-notice/.venv/bin", str(BIN)))
    paths = [str(path) for path in folder.iterdir() if path.is_file()]
    done = subprocess.run([analyse, "verify", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_say_what_compose_says() -> None:
    """Every process has one command line; only addresses and places differ."""
    by_unit = {path.stem.removeprefix("pfs-notice-"): unit(path)["Service"]["ExecStart"] for path in UNITS}
    assert by_unit.keys() == OURS.keys() - {"prepare"}
    for name, line in by_unit.items():
        words = shlex.split(line.replace("/opt/pfs-notice/.venv/bin/", ""))
        assert [one.replace("127.0.0.1", "0.0.0.0") for one in words] == words_of(name)  # noqa: S104 - compared
    wanted = set(unit(DEPLOY / "systemd" / "pfs-notice.target")["Unit"]["Wants"].split())
    text = (DEPLOY / "systemd" / "pfs-notice.target").read_text()
    wanted = set(re.findall(r"pfs-notice-\w+\.service", text))
    assert wanted == {path.name for path in UNITS} - {"pfs-notice-simulator.service"}


def test_the_web_server_has_our_options_and_every_queue_a_worker() -> None:
    web = words_of("web")
    assert " ".join(WEB_OPTIONS) in " ".join(web)
    page = (BASE_DIR / "docs" / "operations.md").read_text()
    for name in ("fire", "urgent", "slow", "calendars"):
        assert " ".join(words_of(name)).replace(" --quiet", "") in page


def test_nginx_has_the_settings_of_the_page() -> None:
    page = (BASE_DIR / "docs" / "operations.md").read_text()
    (settings,) = re.findall(r"^```nginx\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ours = (DEPLOY / "nginx" / "notice.conf").read_text()
    assert ours.replace("server web:8000;", "server 127.0.0.1:8000;") == settings


def test_nginx_takes_its_main_file(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx" / "nginx.conf").read_text()
    for old, new in (
        ("listen 80 ", f"listen {free_port()} "),
        ("/etc/nginx/conf.d/", f"{tmp_path}/"),
        ("/run/", f"{tmp_path}/"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "nginx").write_text(text)
    try:
        command = [program("nginx"), "-t", "-c", str(tmp_path / "nginx")]
    except Missing as error:
        pytest.skip(str(error))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_variable_is_one_of_the_page() -> None:
    common = unit(DEPLOY / "systemd" / "pfs-notice-.service.d" / "common.conf")
    assert common["Service"]["EnvironmentFile"] == "/etc/pfs-notice/environment"
    text = "".join(path.read_text() for path in (DEPLOY / "systemd").rglob("*.*") if path.is_file())
    used = set(re.findall(r"\b([A-Z_]{4,})=", "\n".join(re.findall(r"^Environment=.*$", text, re.MULTILINE))))
    used |= {name for one in OURS.values() for name in one["environment"]}
    used |= set(re.findall(r"\b([A-Z][A-Z_]{3,})=", (DEPLOY / "Dockerfile").read_text())) | example().keys()
    assert used - ALREADY <= named_on_the_page()


def test_the_image_has_every_package() -> None:
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())
    packages = project["tool"]["importlinter"]["root_packages"]
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {
        f"!{name}" for name in (*packages, "static", "templates", "manage.py", "requirements.txt")
    } <= set(kept)


# All of them together


class Layout:
    """The services of compose.yaml as processes of this machine: their command lines, other addresses."""

    def __init__(self, folder: Path, database: PostgreSQL, broker: Redis) -> None:
        self.folder = folder
        self.web_port, self.public_port, self.simulator_port = free_port(), free_port(), free_port()
        (folder / "tls").mkdir()
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
            "STATIC_ROOT": str(folder / "static"),
            "NOTICE_PUBLIC_URL": f"https://localhost:{self.public_port}",
            "NOTICE_EXTRA_CA_FILE": str(self.certificate),
            "NOTICE_METRICS_TOKEN": "of-the-test",
            "EMAIL_URL": "consolemail://",
            "NOTICE_CLOCK": "database",
            "STATIC_HASHED": "yes",
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

    def run(self, *argv: str, **environment: str) -> str:
        """Run a command to its end; return what it says."""
        process = Process(
            list(argv),
            self.environment | environment,
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


def test_the_services_run_together(layout: Layout) -> None:
    build = {
        "PFS_NOTICE_ENV": "embedded",
        "PFS_NOTICE_VAR": str(layout.folder / "build"),
    }  # as in the Dockerfile
    layout.run(sys.executable, "manage.py", "collectstatic", "-v0", "--no-input", **build)
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
    copies = layout.folder / "copies"
    layout.environment["PYTHON"] = sys.executable
    layout.run(str(DEPLOY / "backup"), str(copies))
    assert len(list(copies.iterdir())) == 1
    for name in reversed(names):
        assert layout.processes[name].stop() in {0, -15}, (name, layout.processes[name].output)
        lines = layout.processes[name].output.splitlines() if name != "simulator" else []
        # Celery says that it ends in words of its own.
        assert [one for one in lines if one and not one.startswith(('{"at": ', "worker: "))] == [], name
    assert layout.ask("/health/web")[0] == 502
