"""``python -m pfs_notice.supervisor [--demo]``: the embedded stack under one parent."""

import argparse
import contextlib
import gc
import http.client
import os
import sys
import threading
import warnings
from importlib import import_module
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.db import connections
from django.urls import get_resolver

from pfs_notice import variables
from pfs_notice.supervisor import broker, ports, stack
from pfs_notice.supervisor.child import Program
from pfs_notice.supervisor.preparation import prepare
from pfs_notice.supervisor.supervisor import Supervisor

_SHARED: Final = (
    "celery.app.amqp",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.beat",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "celery.worker.consumer",
    "granian.cli",
    "granian.server",
    "kombu.transport.redis",
    "pfs_notice.edge",
)
"""Modules that several children need: the parent loads them once, for all."""
_FOLDER: Final = Path(__file__).resolve().parent.parent.parent


def main() -> None:
    """Run the stack until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="script/server", description="Run PFS Notice on this machine.")
    parser.add_argument("--demo", action="store_true", help="add a member with a phone and a calendar")
    arguments = parser.parse_args()
    os.chdir(_FOLDER)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")
    try:
        code = _run(is_demo=arguments.demo)
    except (ports.StartError, ImproperlyConfigured) as error:
        sys.stderr.write(f"PFS Notice can't start. {error}\n")
        code = 1
    except OSError as error:
        sys.stderr.write(
            f"PFS Notice can't start. {error.filename or 'A file'}: {error.strerror or error}.\n"
        )
        code = 1
    sys.exit(code)


def _run(*, is_demo: bool) -> int:
    variables.load()
    port = ports.read_port(variables.get("PORT", "8000"))
    host = variables.get("HOST", "127.0.0.1")
    os.environ["PORT"] = str(port)
    is_own_simulator = not variables.get("TWILIO_ACCOUNT_SID") and not variables.get("SIMULATOR_URL")
    if is_own_simulator:
        _choose_simulator_address()
    var = Path(settings.PFS_NOTICE_VAR)
    held = ports.lock(var)
    if warning := ports.warn_of_plain_http(host, settings.NOTICE_PUBLIC_URL):
        sys.stderr.write(f"{warning}\n")
    ports.assure_free(host, port)
    _export_simulator_account()
    _note(var, "public_url", settings.NOTICE_PUBLIC_URL)
    if is_own_simulator:
        _note(var, "simulator_url", os.environ["SIMULATOR_URL"])
    django.setup()
    code = _prepare(held)
    if code:
        return code
    programs = _programs(host, port, var, is_own_simulator=is_own_simulator)
    _load_shared()
    watch = _Watch(host, port, is_demo=is_demo)
    Supervisor(programs, poll=watch, close=lambda: os.close(held)).run()
    sys.stdout.write("PFS Notice has ended.\n")
    return 0


def _choose_simulator_address() -> None:
    port = variables.get("SIMULATOR_PORT") or str(ports.free_port())
    host = variables.get("SIMULATOR_HOST", "127.0.0.1")
    os.environ |= {"SIMULATOR_HOST": host, "SIMULATOR_PORT": port, "SIMULATOR_URL": f"http://{host}:{port}"}


def _note(var: Path, name: str, text: str) -> None:
    """Write to a file what commands in another terminal have to know (settings/notice.py, settings/providers.py)."""
    (var / name).write_text(f"{text}\n")


def _export_simulator_account() -> None:
    if settings.IS_SIMULATED:
        os.environ["SIMULATOR_ACCOUNT_SID"] = settings.TWILIO_ACCOUNT_SID
        os.environ["SIMULATOR_AUTH_TOKEN"] = settings.TWILIO_AUTH_TOKENS[0]


def _prepare(held: int) -> int:
    """Prepare in a process of its own, so that the parent has no open database when it forks."""
    sys.stdout.write("Preparing ...\n")
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(held)
            code = prepare()
        except KeyboardInterrupt:
            code = 130
        except BaseException as error:  # noqa: BLE001 - a forked process must never return into the parent's code
            sys.stderr.write(f"PFS Notice can't start: {type(error).__name__}: {error}\n")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except KeyboardInterrupt:
        os.waitpid(pid, 0)
        return 130


def _programs(host: str, port: int, var: Path, *, is_own_simulator: bool) -> list[Program]:
    programs, needs = [], None
    if not variables.get("CELERY_BROKER_URL"):
        programs.append(stack.broker_program(var))
        needs = broker.socket_path(var)
        needs.unlink(missing_ok=True)  # one of a broker that was killed; the lock says that none runs
    programs.append(stack.web_program(host, port))
    programs += stack.worker_programs(needs)
    if is_own_simulator:
        programs.append(stack.simulator_program())
    return programs


def _load_shared() -> None:
    """Load what the children share, and tell the collector to leave it alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (*_SHARED, *(path.rpartition(".")[0] for path in settings.NOTICE_CHANNELS)):
            with contextlib.suppress(ImportError):  # a channel that can't be loaded was named by the checks
                import_module(name)
    import_module("pfs_notice.celery").app.loader.import_default_modules()
    _ = get_resolver().url_patterns
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        msg = f"a module started a thread while it was loaded, so forking is not safe: {names}"
        raise RuntimeError(msg)
    connections.close_all()  # none is open; a connection that two processes share would be a disaster
    gc.collect()
    gc.freeze()


class _Watch:
    """Waits for the web server's first answer, then says where to look."""

    def __init__(self, host: str, port: int, *, is_demo: bool) -> None:
        self._host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        self._port = port
        self._is_demo = is_demo

    def __call__(self, supervisor: Supervisor) -> bool:
        """Ask once; return True when nothing is left to wait for."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=1)
        try:
            connection.request("GET", "/health/web", headers={"Host": "localhost"})
            is_up = connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if is_up:
            if self._is_demo and "demo" in get_commands():
                supervisor.add(stack.command_program("demo"))
            sys.stdout.write(f"\nPFS Notice is ready: {settings.NOTICE_PUBLIC_URL}\nCtrl-C ends it.\n\n")
            sys.stdout.flush()
        return is_up


if __name__ == "__main__":
    main()
