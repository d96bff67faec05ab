"""Which programs make the embedded stack."""

import shlex
from pathlib import Path
from typing import Final

from pfs_notice.supervisor import broker
from pfs_notice.supervisor.child import Program
from pfs_notice.supervisor.ports import StartError

_CELERY = ("celery", "-A", "pfs_notice", "--quiet")
# Workers that need to hear nothing of each other cost less at rest.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
WEB_OPTIONS: Final = (
    *("--interface", "rsgi", "--http", "1", "--no-ws"),
    # A connection that waits for headers counts as one of these; each has a buffer of at most that many bytes.
    *("--backlog", "4096", "--backpressure", "4096", "--http1-buffer-size", "65536"),
    # Milliseconds; they also end connections that are kept alive and idle.
    *("--http1-header-read-timeout", "10000"),
    # It waits for ever for a worker that was told to end before it could listen for that.
    *("--workers-kill-timeout", "5"),
)
"""How granian is run, everywhere: docs/operations.md says the same."""


def broker_program(var: Path) -> Program:
    """Return the broker. Raises ``StartError`` where this machine has none."""
    path = broker.find_program()
    if path is None:
        raise StartError(
            "There is no broker for this machine among the requirements: install Valkey or Redis "
            "(Debian: apt-get install redis-server), or name one with CELERY_BROKER_URL.",
        )
    command = tuple(broker.command(path, var))
    return Program("broker", command, is_last=True, hint=f"its log is {broker.log_path(var)}")


def web_program(host: str, port: int) -> Program:
    """Return the web server: one process, with a few threads for requests."""
    return Program(
        "web",
        (
            *("granian", "--host", host, "--port", str(port), "--workers", "1", *WEB_OPTIONS),
            *("--respawn-failed-workers", "--log-level", "warning", "pfs_notice.edge:application"),
        ),
        is_module=True,
    )


def worker_programs(needs: Path | None) -> list[Program]:
    """Return the Celery workers and the beat.

    What is slow has a process of its own, so that a slow mail server never delays a call. Threads, as
    they cost the least memory, and what they do is waiting for others.
    """
    programs = [
        Program(
            name,
            (*_CELERY, "worker", "-Q", queue, "-n", f"{name}@%h", "-P", "threads", "-c", threads, *_ALONE),
            is_module=True,
            needs=needs,
        )
        for name, queue, threads in (("worker", "fire,urgent", "12"), ("slow", "slow,calendars", "8"))
    ]
    beat = Program(
        "beat", (*_CELERY, "beat", "--pidfile=", "--loglevel", "WARNING"), is_module=True, needs=needs
    )
    return [*programs, beat]


def simulator_program() -> Program:
    """Return the simulated telephone company."""
    return Program("simulator", ("simulator.provider",), is_module=True)


def command_program(command: str) -> Program:
    """Return one of the project's commands, to be run once."""
    return Program(command, ("manage", *shlex.split(command)), is_module=True, is_once=True)
