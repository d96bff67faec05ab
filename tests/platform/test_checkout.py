"""A checkout in an odd place, with a file .env, as a person starts it; and folders that can't be used."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

import certifi
import pytest
from cryptography.fernet import Fernet

from tests.fixtures.processes import wait_until
from tests.servers import free_port
from tests.servers.base import die_with_parent
from tests.simulated_twilio import SimulatedTwilio

FOLDER: Final = Path(__file__).resolve().parent.parent.parent
ODD: Final = "Prüfstand 計器 #1? 50%"
START: Final = [sys.executable, "-m", "pfs_notice.supervisor"]
AS_A_USER: Final = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""The superuser may write what is closed to reading."""


def copy_project(folder: Path) -> None:
    """Copy the project, without what only its development needs."""
    skipped = shutil.ignore_patterns(".*", "__pycache__", "tests", "var", "docs", "benchmarks")
    shutil.copytree(FOLDER, folder, ignore=skipped)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the public certificates inside it as in an environment of its own."""
    folder = tmp_path_factory.mktemp("checkout") / ODD
    copy_project(folder)
    shutil.copytree(Path(certifi.where()).parent, folder / "certifi")
    return folder


class Started:
    """A supervisor of a checkout."""

    def __init__(self, folder: Path, *before: str, **variables: str) -> None:
        self._log = folder.parent / f"log-{free_port()}"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [*before, *START],
                cwd=folder,
                env=bare(variables),
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls the kernel and nothing else
            )

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    def until_ready(self) -> None:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.output
            return "PFS Notice is ready" in self.output

        wait_until(is_ready, seconds=90, what="the server's readiness")

    def __enter__(self) -> Self:
        self.until_ready()
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def bare(variables: dict[str, str]) -> dict[str, str]:
    """The environment of a login, without what tests set."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"STATIC_HASHED": "0"} | variables


def refused(folder: Path, *before: str, **variables: str) -> str:
    """Start it where that can't go well; return what it says."""
    done = subprocess.run(
        [*before, *START],
        cwd=folder,
        env=bare(variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert (done.returncode, "ready" in done.stdout) == (1, False), done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def command(folder: Path, *words: str, **variables: str) -> str:
    """Run one of the project's commands in another terminal; return what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=folder,
        env=bare(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CALL: Final = """
from common.channels import Severity
from common.clock import now
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.publish import EventDraft
from eventinvoke.sending.heartbeats import keep_time
from registration.models import Target
keep_time()
target = Target.objects.get(kind="voice")
draft = EventDraft(source="summary", external_id="1", title="Test", starts_at=now(), severity=Severity.CRITICAL)
tell_member(target.member, draft, [target])
"""


def test_a_checkout_in_any_folder_heeds_its_file_env_and_calls(
    checkout: Path, simulated_twilio: SimulatedTwilio
) -> None:
    port = free_port()
    lines = {
        "PORT": str(port),
        "HOST": "127.0.0.2",
        "PFS_NOTICE_VAR": str(checkout / "state #2"),
        "TWILIO_ACCOUNT_SID": simulated_twilio.account_sid,
        "TWILIO_AUTH_TOKENS": simulated_twilio.auth_token,
        "TWILIO_API_URL": simulated_twilio.url,
        "TWILIO_FROM_NUMBER": "+12025550100",
    }
    file = checkout / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    try:
        with Started(checkout, PORT="", TWILIO_ACCOUNT_SID="") as server:
            assert f"ready: http://127.0.0.2:{port}\n" in server.output
            assert f"log in at http://127.0.0.2:{port} as demo" in command(checkout, "demo")
            command(checkout, "shell", "-v0", "-c", CALL)
            simulated_twilio.wait_for_call("+12025550123")
            wait_until(lambda: simulated_twilio.callbacks, what="a callback")
            assert simulated_twilio.callbacks[0].status == 204
    finally:
        file.unlink()


def test_a_command_in_another_terminal_knows_the_port_and_nohup_is_heeded(checkout: Path) -> None:
    port, var = free_port(), str(checkout / "other")
    with Started(checkout, "nohup", PORT=str(port), PFS_NOTICE_VAR=var) as server:
        server.process.send_signal(signal.SIGHUP)
        assert f"log in at http://localhost:{port} as demo" in command(checkout, "demo", PFS_NOTICE_VAR=var)
        assert server.process.poll() is None
    assert "PFS Notice has ended." in server.output


def test_a_folder_that_can_not_be_used_is_named_in_a_sentence(checkout: Path, tmp_path: Path) -> None:
    file, closed = tmp_path / "file", tmp_path / "closed"
    file.touch()
    closed.mkdir(mode=0o500)
    said = refused(checkout, PFS_NOTICE_VAR=str(file))
    assert said == f"PFS Notice can't start. PFS_NOTICE_VAR is {file}, which is no folder.\n"
    for var in (closed, file / "var"):
        said = refused(checkout, *AS_A_USER, PFS_NOTICE_VAR=str(var))
        assert (said.count("\n"), str(var) in said) == (1, True), said
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=checkout,
        env=bare({"PFS_NOTICE_VAR": str(file)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


def test_a_file_env_that_can_not_be_read_is_not_passed_over(checkout: Path, tmp_path: Path) -> None:
    file = checkout / ".env"
    file.write_text(f"PFS_NOTICE_VAR={tmp_path}/var\n")
    file.chmod(0)
    try:
        said = refused(checkout, *AS_A_USER)
    finally:
        file.unlink()
    assert said == f"PFS Notice can't start. {file} can't be read: Permission denied.\n"


def test_a_database_that_can_only_be_read_is_named_in_a_sentence(checkout: Path, tmp_path: Path) -> None:
    var = tmp_path / "var"
    command(checkout, "migrate", "-v0", PFS_NOTICE_VAR=str(var))
    (var / "db.sqlite3").chmod(0o400)
    said = refused(checkout, *AS_A_USER, PFS_NOTICE_VAR=str(var), PORT=str(free_port()))
    assert said.startswith("PFS Notice can't start. The database can't be used: ")
    assert said.count("\n") == 1
    (var / "db.sqlite3").chmod(0o600)
    command(checkout, "demo", PFS_NOTICE_VAR=str(var))
    key = Fernet.generate_key().decode()
    said = refused(checkout, PFS_NOTICE_VAR=str(var), PORT=str(free_port()), NOTICE_ENCRYPTION_KEYS=key)
    assert said.startswith("PFS Notice can't start. NOTICE_ENCRYPTION_KEYS is not the key of this database")
    (var / "encryption_key").unlink()
    said = refused(checkout, PFS_NOTICE_VAR=str(var), PORT=str(free_port()))
    assert said.startswith(f"PFS Notice can't start. The encryption key {var / 'encryption_key'} is missing")
