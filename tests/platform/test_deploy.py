"""deploy/: the files are well-formed and agree with each other."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

from pfs_notice.settings.environment import BASE_DIR
from pfs_notice.supervisor.stack import WEB_OPTIONS
from pfs_notice.tests.test_operations_page import named_on_the_page
from tests.platform.deploy_files import COMPOSE, DEPLOY, OURS, SERVICES, example, words_of
from tests.servers import Missing, free_port
from tests.servers.base import program

UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
BIN: Final = Path(sys.executable).parent
ALREADY: Final = {"POSTGRES_PASSWORD", "COMPOSE_PROFILES", "PYTHONUNBUFFERED", "MALLOC_ARENA_MAX", "PATH"}
"""Variables that are not ours."""


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text().replace("\\\n", " "))
    return parser


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
        words = shlex.split(line.replace("/opt/pfs-notice/.venv/bin/", "").replace("%%", "%"))
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
