"""Runs of pytest, a few at once: their order, their output, and what they found together."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Final, NamedTuple

SLOTS: Final = 3
"""So many runs at once: on two cores, as most tests wait for something during a part of their time."""
_NO_TESTS: Final = 5  # pytest's exit code when it found none
_COUNTS: Final = re.compile(r"(\d+) (failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?)\b")
_FAILED: Final = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
_FEW: Final = 3
"""If more tests than this fail, none is repeated."""


@dataclass(frozen=True)
class Run:
    """One process that runs tests."""

    label: str
    command: Sequence[str]
    environment: Mapping[str, str]
    repeat: Sequence[str] = ()
    """The command that repeats tests which failed, once they are added to it; nothing: they are not repeated."""
    is_live: bool = False
    """Its output is printed as it comes, not when it has ended."""


class _Ended(NamedTuple):
    code: int
    output: str
    seconds: float
    processor_seconds: float
    """Of the process and of those that it started, but not of database servers, which run apart from it."""


@dataclass
class Results:
    """The results of all runs of pytest and of the other steps."""

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)
    """The tests that failed (not those that could not be set up), by run."""
    began_at: float = field(default_factory=time.monotonic)

    def add(self, label: str, code: int, output: str) -> None:
        """Count one run of pytest."""
        closing = [line for line in output.splitlines() if _COUNTS.search(line) and " in " in line]
        for number, word in _COUNTS.findall(closing[-1] if closing else ""):
            self.counts[word] += int(number)
        if code not in {0, _NO_TESTS}:
            self.bad.append(label)
            if not any(line.startswith("ERROR ") for line in output.splitlines()):
                self.failed[label] = _FAILED.findall(output)

    def closing_line(self) -> str:
        """Return pytest's closing line, for all runs together."""
        order = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "error", "errors")
        words = [f"{self.counts[word]} {word}" for word in order if self.counts[word]]
        text = f" {', '.join(words) or 'no tests ran'} in {time.monotonic() - self.began_at:.2f}s "
        return text.center(80, "=")


def run_all(runs: Sequence[Run], results: Results, slots: int = SLOTS) -> None:
    """Begin the runs in their order, a few at once, each as soon as another has ended; print each one's output.

    Then a few failed tests are repeated where the run allows it.
    """
    with ThreadPoolExecutor(slots) as pool:
        waiting = {pool.submit(_run, run): run for run in runs}
        try:
            for future in as_completed(waiting):
                _report(waiting[future], future.result(), results)
        except BaseException:  # Ctrl+C above all: what has not begun does not begin
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for run in runs:
        _once_more(run, results)


def _once_more(run: Run, results: Results) -> None:
    """Repeat a few failed tests without other runs beside them, and report that.

    Tests with real browsers or due times within a second can fail when three runs share two cores. A test that
    fails again has failed.
    """
    failed = results.failed.get(run.label, [])
    if not run.repeat or not 0 < len(failed) <= _FEW:
        return
    retry = Results()
    again = Run(f"{run.label}: what failed, alone", [*run.repeat, *failed], run.environment)
    _report(again, _run(again), retry)
    if not retry.bad:
        results.bad.remove(run.label)
        results.counts["failed"] -= len(failed)
        results.counts["passed"] += len(failed)


def _run(run: Run) -> _Ended:
    began = time.monotonic()
    lines = []
    with subprocess.Popen(
        run.command, env=run.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if run.is_live:
                sys.stdout.write(line)
                sys.stdout.flush()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return _Ended(
        process.returncode, "".join(lines), time.monotonic() - began, usage.ru_utime + usage.ru_stime
    )


def _report(run: Run, ended: _Ended, results: Results) -> None:
    took = f"{ended.seconds:.0f} s, {ended.processor_seconds:.0f} s of processor time"
    print(f"\n### {run.label} ({took})", flush=True)
    if not run.is_live:
        print(ended.output, flush=True)
    results.add(run.label, ended.code, ended.output)
