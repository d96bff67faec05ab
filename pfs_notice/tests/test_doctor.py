"""manage.py doctor: what it says of each part, by real servers that are not well."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder

from common.broker import offer
from common.clock import now
from common.queues import Queue
from eventinvoke.models import Heartbeat
from eventinvoke.tasks import wake
from eventinvoke.tests.factories import DeliveryFactory
from pfs_notice.doctor import Finding, Level, broker, examine, processes, public_url
from pfs_notice.supervisor import broker as embedded
from registration.tests.factories import TargetFactory
from tests.fixtures.processes import Process, Starter, WorkerStarter, wait_until
from tests.servers import Redis, free_port
from tests.tls import LONG, make_certificate

SECOND = timedelta(seconds=1)
WRONG = Level.WRONG


def wrong(findings: Iterator[Finding]) -> str:
    """Return what is wrong, and what to do about it, as one text."""
    return "\n".join(f"{one.part}: {one.text} {one.advice}" for one in findings if one.level == WRONG)


# The public URL and its certificate


class Site(BaseHTTPRequestHandler):
    """Answers as our web server does, unless told otherwise."""

    answers: dict[str, tuple[int, str, str]] = {}

    def do_GET(self) -> None:
        usual = {"/health/web": (200, "ok\n", ""), "/accounts/login/": (200, "<form>", "")}
        status, text, where = (usual | self.answers)[self.path]
        self.send_response(status)
        if where:
            self.send_header("Location", where)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_about: Any) -> None:
        """Say nothing."""


@contextmanager
def site(
    settings: Any, folder: Path | None = None, valid: timedelta = LONG, **changed: tuple[int, str, str]
) -> Iterator[None]:
    """Have NOTICE_PUBLIC_URL lead to a web server; with a folder by https, with a certificate in it."""
    answers = {f"/{path.replace('__', '/')}": answer for path, answer in changed.items()}
    server = HTTPServer(
        ("127.0.0.1", 0), type("Changed", (Site,), {"answers": answers, "protocol_version": "HTTP/1.1"})
    )
    if folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*make_certificate(folder, valid))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    settings.NOTICE_PUBLIC_URL = f"http{'s' if folder else ''}://localhost:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_public_url_that_answers_is_well(settings: Any, tmp_path: Path) -> None:
    with site(settings, tmp_path):
        settings.NOTICE_EXTRA_CA_FILE = str(tmp_path / "certificate.pem")
        found = list(public_url.examine())
    assert [(one.part, one.level) for one in found] == [("certificate", "ok"), ("public URL", "ok")]


def test_a_certificate_that_is_not_trusted_is_wrong(settings: Any, tmp_path: Path) -> None:
    with site(settings, tmp_path):
        said = wrong(public_url.examine())
    assert "not trusted: self-signed certificate" in said
    assert "NOTICE_EXTRA_CA_FILE" in said


def test_a_certificate_that_ends_soon_is_wrong(settings: Any, tmp_path: Path) -> None:
    with site(settings, tmp_path, valid=timedelta(days=13)):
        settings.NOTICE_EXTRA_CA_FILE = str(tmp_path / "certificate.pem")
        assert "for 12 days. Renew it" in wrong(public_url.examine())


def test_a_proxy_that_hides_https_is_wrong(settings: Any) -> None:
    with site(settings, accounts__login__=(301, "", "/accounts/login/")):
        assert "Let the proxy set `X-Forwarded-Proto`" in wrong(public_url.examine())


def test_a_proxy_that_changes_the_host_is_wrong(settings: Any) -> None:
    with site(settings, accounts__login__=(400, "", "")):
        assert "answers 400 to the page of sign-ins. Let the proxy pass on `Host`" in wrong(
            public_url.examine()
        )


def test_another_server_is_wrong(settings: Any) -> None:
    with site(settings, health__web=(200, "Welcome to nginx!", "")):
        assert "Another server answers there" in wrong(public_url.examine())


def test_a_public_url_that_does_not_answer_is_wrong(settings: Any) -> None:
    settings.NOTICE_PUBLIC_URL = f"http://localhost:{free_port()}"
    assert "can't be reached from here: [Errno 111]" in wrong(public_url.examine())


# The broker


def test_a_broker_that_keeps_tasks_is_well(broker_url: str) -> None:
    assert [one.level for one in broker.examine()] == ["ok", "ok"]


def test_a_broker_that_forgets_and_evicts_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with Redis() as server:
        monkeypatch.setenv("CELERY_BROKER_URL", server.url)
        with redis.from_url(server.url) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        said = wrong(broker.examine())
    assert "A restart loses the tasks that wait. Set `appendonly yes`." in said
    assert "(allkeys-lru). Set `maxmemory-policy noeviction`." in said


def test_a_broker_that_does_not_answer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert "does not answer" in wrong(broker.examine())


def test_a_queue_that_no_one_works_off_is_wrong(broker_url: str) -> None:
    offer(wake, queue=str(Queue.SLOW), times=60)
    assert "slow 60" in wrong(broker.examine())


# The processes


@pytest.mark.django_db
def test_a_machine_whose_clock_is_off_is_named() -> None:
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "worker-1.example worker fire", now(), 7.4)
    said = wrong(processes.examine())
    assert (
        "worker fire on worker-1.example was heard of 0 s ago; its clock is +7.4 s off the database's."
        in said
    )
    assert "Set the clock of worker-1.example by NTP" in said


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_url")
def test_queues_without_a_worker_are_named() -> None:
    Heartbeat.objects.note(Heartbeat.Topic.ROUND, "", now())
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "a worker fire,urgent", now(), 0.0)
    Heartbeat.objects.note(Heartbeat.Topic.CLOCK, "b worker slow", now() - 200 * SECOND, 0.0)
    said = wrong(processes.examine())
    assert "'slow'. Start one: celery -A pfs_notice worker -Q slow" in said
    assert "'calendars'" in said
    assert "'fire'" not in said


@pytest.mark.django_db
@pytest.mark.usefixtures("broker_url")
def test_late_notices_are_wrong_by_channel() -> None:
    target = TargetFactory(kind="email", address="anna@example.org")
    DeliveryFactory(target=target, due_at=now() - 70 * SECOND)
    assert "Late: email 70 s." in wrong(processes.examine())


@pytest.mark.django_db
def test_without_celery_no_worker_and_no_broker_is_missed(settings: Any) -> None:
    settings.NOTICE_PUBLIC_URL = f"http://localhost:{free_port()}"
    Heartbeat.objects.note(Heartbeat.Topic.ROUND, "", now())
    parts = {one.part: one.level for one in examine()}
    assert (parts["beat"], parts["workers"], "broker" in parts) == ("ok", "note", False)


# The whole


def said_by(start_process: Starter) -> tuple[int, str]:
    process = start_process("manage", "doctor")
    return process.popen.wait(60), process.output


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_is_wrong_and_fails_until_it_is_mended(
    start_worker: WorkerStarter, start_process: Starter, live_web: str, broker_url: str,
    process_environment: dict[str, str],
) -> None:  # fmt: skip
    process_environment["CELERY_BROKER_URL"] = broker_url
    code, said = said_by(start_process)
    assert code == 1
    assert "start the beat" in said
    assert "No worker takes the tasks of the queue 'fire'." in said
    start_worker(beat=True)
    wait_until(lambda: Heartbeat.objects.filter(topic=Heartbeat.Topic.ROUND).exists(), what="a round")
    code, said = said_by(start_process)
    assert (code, "WRONG" in said) == (0, False), said
    assert f"{live_web} is reached from here." in said
    assert "worker calendars,fire,slow,urgent on " in said


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_ends_nothing_else(
    start_process: Starter, process_environment: dict[str, str], broker_url: str
) -> None:
    process_environment |= {
        "DATABASE_URL": f"postgresql://x@127.0.0.1:{free_port()}/x",
        "CELERY_BROKER_URL": broker_url,
    }
    code, said = said_by(start_process)
    assert (code, "Traceback" in said) == (1, False)
    assert "Start it, or correct DATABASE_URL." in said
    assert "It keeps tasks over a restart." in said


@pytest.mark.django_db(transaction=True)
def test_a_command_finds_the_broker_of_the_settings_and_no_other(
    start_process: Starter, process_environment: dict[str, str], tmp_path: Path
) -> None:
    """Where no variable names one it listens on a socket."""
    program = embedded.find_program()
    if program is None:
        pytest.skip("there is no Valkey or Redis")
    process_environment |= {"PFS_NOTICE_VAR": str(tmp_path), "CELERY_BROKER_URL": ""}
    started = Process(embedded.command(program, tmp_path), {}, tmp_path / "output")
    try:
        started.wait_for(embedded.socket_path(tmp_path).exists)
        _code, said = said_by(start_process)
    finally:
        started.stop()
    assert "It keeps tasks over a restart." in said


@pytest.mark.django_db
def test_tables_that_are_not_up_to_date_are_wrong() -> None:
    last = MigrationRecorder.Migration.objects.filter(app="eventinvoke").order_by("-name")[0]
    last.delete()
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=output)
    assert f"1 changes of its tables are missing, the first is eventinvoke.{last.name}." in output.getvalue()
