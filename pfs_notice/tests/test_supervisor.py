"""The supervisor in a process of its own, with small programs as its children."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pfs_notice.supervisor.child import Child, Program

# The tests themselves may run by nohup, or in the background: what they ignore, their children would.
RUN = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from pfs_notice.supervisor.child import Program
from pfs_notice.supervisor.supervisor import Supervisor
Supervisor(eval(sys.argv[1])).run()
"""
SLEEP = ("sleep", "1000")
STUBBORN = ("bash", "-c", "trap '' TERM; echo here; while true; do sleep 0.1; done")
SLOW_END = (
    "bash",
    "-c",
    "trap 'sleep 0.3; echo last words; exit' TERM; echo here; while true; do sleep 0.05; done",
)


class Running:
    """A supervisor that runs, and the lines it has printed so far."""

    def __init__(self, *programs: Program) -> None:
        text = repr(list(programs)).replace("PosixPath", "Path")
        self._output = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed with the fixture
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, text], stdout=self._output, stderr=self._output
        )
        self.text = ""

    def read(self) -> str:
        self.text = os.pread(self._output.fileno(), 10_000_000, 0).decode()
        return self.text

    def close(self) -> None:
        if self.process.poll() is None:
            self.end()
        self._output.close()

    def until(self, pattern: str) -> None:
        wait_until(lambda: re.search(pattern, self.read()), lambda: f"{pattern!r} in:\n{self.text}")

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def until_children(self, number: int) -> list[int]:
        # A forked child counts once it has become its program.
        def all_there() -> bool:
            names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in self.children()]
            return len(names) == number and not any(name.startswith("python") for name in names)

        wait_until(all_there, lambda: f"{number} children")
        return self.children()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.read()
        return code


def wait_until(is_true: Callable[[], object], what: Callable[[], str], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"did not come: {what()}"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


Start = Callable[..., Running]
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks into Linux's /proc")


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Running] = []

    def run(*programs: Program) -> Running:
        started.append(Running(*programs))
        return started[-1]

    yield run
    for running in started:
        running.close()


def test_every_line_carries_the_name_of_its_child(start: Start) -> None:
    running = start(Program("one", ("echo", "hello")), Program("three", SLEEP))
    running.until(r"(?m)^one   \| hello$")


def test_a_killed_child_is_started_again_and_it_is_said(start: Start) -> None:
    running = start(Program("worker", SLEEP))
    (first,) = running.until_children(1)
    os.kill(first, signal.SIGKILL)
    running.until(r"worker \| was killed by SIGKILL; starting it again in 1 s")
    wait_until(lambda: running.children() not in ([], [first]), lambda: "a new child")


def test_a_child_that_keeps_dying_is_started_less_and_less_often(start: Start) -> None:
    running = start(Program("web", ("false",)))
    running.until(
        r"(?s)ended with code 1; starting it again in 1 s.*ended with code 1; starting it again in 2 s"
    )


def test_the_delay_has_a_limit() -> None:
    child = Child(Program("web", SLEEP), delay=30)
    child.pid = ended_process()
    child.started_at = time.monotonic()
    child.ended(1 << 8)
    assert child.delay == 30


def test_a_child_that_lived_long_is_started_again_soon() -> None:
    child = Child(Program("web", SLEEP), delay=30)
    child.pid = ended_process()
    child.started_at = time.monotonic() - 3600
    assert child.ended(1 << 8) == "ended with code 1; starting it again in 1 s"


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_in_good_order(start: Start, number: signal.Signals) -> None:
    running = start(Program("one", SLEEP), Program("two", SLEEP))
    children = running.until_children(2)
    assert running.end(number) == 0
    assert [pid for pid in children if lives(pid)] == []


def test_the_last_words_of_a_child_are_heard(start: Start) -> None:
    running = start(Program("one", SLOW_END))
    running.until("one . here")
    running.end()
    assert "one | last words" in running.text


def test_what_the_others_need_is_ended_last(start: Start) -> None:
    # The broker prints its word at once, the worker takes its time: it must be the first all the same.
    broker = ("bash", "-c", "trap 'echo broker ends; exit' TERM; echo here; while true; do sleep 0.02; done")
    running = start(Program("broker", broker, is_last=True), Program("worker", SLOW_END))
    running.until("broker . here")
    running.until("worker . here")
    running.end()
    assert running.text.index("last words") < running.text.index("broker ends")


def test_a_child_that_does_not_want_to_end_is_killed(start: Start) -> None:
    running = start(Program("one", STUBBORN))
    running.until("one . here")
    children = running.children()
    assert running.end() == 0
    assert "one | did not end within 8 s; it is killed" in running.text
    assert [pid for pid in children if lives(pid)] == []


def test_a_child_that_waits_for_a_child_of_its_own_which_does_not_end_is_killed_with_it(start: Start) -> None:
    # As granian waits for a worker that lost its signal.
    stubborn = """bash -c 'trap "" TERM; echo stubborn $$; while true; do sleep 0.1; done'"""
    waiting = f"{stubborn} & trap : TERM; while kill -0 $!; do wait; done"
    running = start(Program("web", ("bash", "-c", waiting)))
    running.until(r"stubborn \d+")
    match = re.search(r"stubborn (\d+)", running.text)
    assert match is not None
    children = [*running.children(), int(match[1])]
    assert running.end() == 0
    assert "web | did not end within 8 s; it is killed" in running.text
    wait_until(lambda: not any(map(lives, children)), lambda: "the end of both")


def test_a_killed_supervisor_leaves_no_orphans(start: Start) -> None:
    running = start(Program("one", SLEEP), Program("two", SLEEP))
    children = running.until_children(2)
    running.end(signal.SIGKILL)
    wait_until(lambda: not any(map(lives, children)), lambda: "the children's end")


def test_what_a_dead_child_left_behind_is_killed(start: Start) -> None:
    running = start(Program("web", ("bash", "-c", "sleep 1000 & echo left $!; wait")))
    running.until(r"left \d+")
    match = re.search(r"left (\d+)", running.text)
    assert match is not None
    os.kill(running.children()[0], signal.SIGKILL)
    wait_until(lambda: not lives(int(match[1])), lambda: "the end of what was left")


def test_a_child_waits_for_what_it_needs(start: Start, tmp_path: Path) -> None:
    needed = tmp_path / "socket"
    running = start(
        Program("worker", ("echo", "started"), needs=needed, is_once=True),
        Program("broker", ("bash", "-c", f"sleep 0.3; echo makes it; touch {needed}; sleep 1000")),
    )
    running.until("worker . started")
    assert running.text.index("makes it") < running.text.index("started")


def test_a_program_that_runs_once_is_not_started_again(start: Start) -> None:
    running = start(Program("demo", ("echo", "hello"), is_once=True), Program("web", SLEEP))
    running.until(r"demo \| done")
    assert len(running.until_children(1)) == 1


def test_a_module_runs_in_a_fork(start: Start) -> None:
    running = start(Program("module", ("json.tool", "--help"), is_module=True, is_once=True))
    running.until(r"module \| usage:")
    running.until(r"module \| done")


def test_a_module_is_heard_while_it_runs(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "speaker.py").write_text("import time\nprint('hello')\ntime.sleep(1000)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    start(Program("module", ("speaker",), is_module=True)).until(r"module \| hello")


def test_a_program_that_does_not_exist_is_named(start: Start) -> None:
    running = start(Program("broker", ("/no/such/program",)))
    running.until(r"/no/such/program can't be started: No such file or directory")
    running.until(r"broker \| ended with code 1")


def test_it_ends_when_its_output_is_closed() -> None:
    chatty = Program("one", ("bash", "-c", "while true; do echo hello; sleep 0.01; done"))
    command = [sys.executable, "-c", RUN, repr([chatty])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(15) == 0


def test_a_very_long_line_does_not_wait_for_its_end(start: Start) -> None:
    running = start(Program("web", ("bash", "-c", "head -c 200000 /dev/zero | tr '\\0' x; sleep 1000")))
    running.until(r"web \| x{65536}")
