"""Runs a few at once; small programs stand in for pytest."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.processes import wait_until
from tests.pool import Results, Run, run_all

FOLDER = Path(__file__).resolve().parent.parent.parent

# Notes its beginning and its end in "log"; in between it makes the file of its name and waits for the one it needs.
PROGRAM = """
import sys, time
from pathlib import Path
folder, name, needed = Path(sys.argv[1]), *sys.argv[2:]
log = (folder / "log").open("ab", buffering=0)
log.write(b"+")
(folder / name).touch()
deadline = time.monotonic() + 20
while needed and not (folder / needed).exists():
    assert time.monotonic() < deadline
    time.sleep(0.01)
print(f"said by {name}")
time.sleep(0.5)  # in which one more would begin
log.write(b"-")
"""
ONE_SLOT = """
import os, sys
from tests.pool import Results, Run, run_all
folder, program = sys.argv[1:]
commands = [[sys.executable, "-c", program, folder, *names] for names in (("one", "go"), ("two", ""))]
run_all([Run(command[-2], command, os.environ) for command in commands], Results(), slots=1)
"""
FAILING = """
print("FAILED tests/test_it.py::test_one - assert 1 == 2")
print("=== 1 failed, 2 passed in 1.00s ===")
raise SystemExit(1)
"""
REPEATED = """
import sys
from pathlib import Path
Path(sys.argv[1]).write_text(" ".join(sys.argv[3:]))
raise SystemExit(int(sys.argv[2]))
"""


def python(text: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", text, *map(str, arguments)]


def program(folder: Path, name: str, needed: str = "") -> Run:
    return Run(name, python(PROGRAM, folder, name, needed), os.environ)


def failing(*repeat: str) -> Run:
    return Run("processes on sqlite", python(FAILING), os.environ, repeat=repeat)


def test_a_run_begins_as_soon_as_another_has_ended(tmp_path: Path) -> None:
    """The first one ends only when the third has begun, which is more than may run at once."""
    results = Results()
    runs = [program(tmp_path, "one", "three"), program(tmp_path, "two"), program(tmp_path, "three")]
    run_all(runs, results, slots=2)
    assert results.bad == []


def test_no_more_run_at_once_than_there_are_slots(tmp_path: Path) -> None:
    pairs = (("one", "two"), ("two", "one"), ("three", "four"), ("four", "three"))
    run_all([program(tmp_path, *pair) for pair in pairs], Results(), slots=2)
    notes = (tmp_path / "log").read_text()
    running = [notes[:end].count("+") - notes[:end].count("-") for end in range(len(notes) + 1)]
    assert (notes.count("+"), notes.count("-"), max(running)) == (4, 4, 2)


def test_an_interrupt_lets_no_other_run_begin(tmp_path: Path) -> None:
    process = subprocess.Popen(python(ONE_SLOT, tmp_path, PROGRAM), cwd=FOLDER, stderr=subprocess.DEVNULL)
    wait_until((tmp_path / "one").exists, what="the first run")
    process.send_signal(signal.SIGINT)
    (tmp_path / "go").touch()
    assert process.wait(20) != 0
    assert (tmp_path / "log").read_text() == "+-"


def test_each_output_is_printed_whole_below_its_title(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_all([program(tmp_path, "one", "two"), program(tmp_path, "two", "one")], Results(), slots=2)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert {lines[0].split()[1], lines[2].split()[1]} == {"one", "two"}
    assert [line for line in lines if line.startswith("said")] == [
        f"said by {title.split()[1]}" for title in lines if title.startswith("### ")
    ]


def test_a_failed_test_is_repeated_and_counts_as_passed_if_it_passes(tmp_path: Path) -> None:
    results = Results()
    run_all([failing(*python(REPEATED, tmp_path / "repeated", 0))], results)
    assert (tmp_path / "repeated").read_text() == "tests/test_it.py::test_one"
    assert results.bad == []
    assert results.closing_line().strip("= ").startswith("3 passed in ")


def test_a_test_that_fails_again_has_failed(tmp_path: Path) -> None:
    results = Results()
    run_all([failing(*python(REPEATED, tmp_path / "repeated", 1))], results)
    assert (tmp_path / "repeated").exists()
    assert results.bad == ["processes on sqlite"]
    assert results.closing_line().strip("= ").startswith("1 failed, 2 passed in ")


def test_units_are_not_repeated() -> None:
    results = Results()
    run_all([failing()], results)
    assert results.bad == ["processes on sqlite"]


def test_the_closing_line_adds_up_all_runs() -> None:
    results = Results()
    results.add("one", 0, "noise\n=== 3 passed, 1 skipped in 2.00s ===\n")
    results.add("two", 1, "=== 2 failed, 4 passed, 1 error in 62.00s (0:01:02) ===\n")
    assert results.closing_line().strip("= ").startswith("2 failed, 7 passed, 1 skipped, 1 error in ")


def test_a_run_that_failed_is_named() -> None:
    results = Results()
    results.add("units on mariadb", 1, "=== 1 failed in 2.00s ===")
    assert results.bad == ["units on mariadb"]


def test_a_run_that_crashed_is_named_too() -> None:
    results = Results()
    results.add("units on sqlite", 3, "INTERNALERROR")
    assert results.bad == ["units on sqlite"]


def test_a_folder_without_tests_is_no_failure() -> None:
    results = Results()
    results.add("tests/flows", 5, "=== no tests ran in 0.01s ===")
    assert results.bad == []
