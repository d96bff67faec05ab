"""Runs what ``script/test`` and ``script/check`` ask for, quick steps first.

``python -m tests.run`` runs everything; ``python -m tests.run check`` the linters alone; ``--model 20m`` random
histories of the model test on all databases for so long; with paths or options of pytest, those tests on SQLite, or
on the database named with ``--db``.
"""

import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pfs_notice import keys
from tests.servers import MariaDB, Missing, PostgreSQL, packages

_FOLDER: Final = Path(__file__).resolve().parent.parent
_BIN: Final = Path(sys.executable).parent
_DATABASES: Final[dict[str, type[PostgreSQL] | type[MariaDB]]] = {
    "postgresql": PostgreSQL,
    "mariadb": MariaDB,
}
_NO_TESTS: Final = 5  # pytest's exit code when it found none
_COUNTS: Final = re.compile(r"(\d+) (failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?)\b")
_FAILED: Final = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
_DURATION: Final = re.compile(r"(\d+)([smh])")
_FEW: Final = 3
"""If more tests than this fail, none is repeated."""
_IS_CI: Final = os.environ.get("CI", "").lower() in {"1", "true"}

# On one database only: what they show does not depend on it.
_ONCE: Final = ("tests/browser", "tests/platform")
# In a process of its own: hypothesis also draws from the constants of the modules that are loaded, and with those of
# other tests the histories would differ from those of ``script/test tests/model/test_model.py``.
_MODEL: Final = "tests/model/test_model.py"
# On each database, after the others: they start processes of their own, and wait for due times.
_PROCESSES: Final = ("tests/flows", "tests/faults")
# The units that have to cover the engine (pyproject.toml says what that is). They run on SQLite apart from
# the others, because tracing takes as much processor time as the tests.
_ENGINE: Final = ("eventinvoke", "notification", "tests/model/test_invariants_by_name.py")


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


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; return the exit code."""
    os.chdir(_FOLDER)
    if list(arguments) == ["check"]:
        return 0 if _lint() else 1
    if arguments and arguments[0] == "--model":
        return _model("".join(arguments[1:]))
    database, rest = _split(list(arguments))
    if rest or database:
        return _one_run(database or "sqlite", rest)
    return _everything()


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """Take ``--db NAME`` (or ``--db=NAME``) out of the arguments."""
    for index, word in enumerate(arguments):
        if word == "--db" or word.startswith("--db="):
            name = word[5:] or (arguments[index + 1 : index + 2] or [""])[0]
            if name not in {"sqlite", *_DATABASES}:
                sys.exit(f"--db is one of sqlite, {', '.join(_DATABASES)}")
            return name, arguments[:index] + arguments[index + (1 if word[5:] else 2) :]
    return "", arguments


def _model(duration: str) -> int:
    """Run random histories of the model test on every database at once; each prints its seeds.

    ``MODEL_SEED=N`` begins with that seed, which reproduces a run that failed.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        sys.exit("--model takes a duration: 90s, 20m or 2h")
    seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
    results = Results()
    with contextlib.ExitStack() as stack:
        environments = {}
        for name in ("sqlite", *_DATABASES):
            try:
                environments[name] = stack.enter_context(_environment(name)) | {"MODEL_SECONDS": str(seconds)}
            except Missing as error:
                print(f"SKIPPED: the run on {name}: {error}", flush=True)
        _together("model", environments, ["tests/model/test_model.py", "-s", "--show-capture=no"], results)
    print(results.closing_line())
    return 1 if results.bad else 0


def _one_run(database: str, arguments: list[str]) -> int:
    try:
        with _environment(database) as environment:
            return subprocess.run([str(_BIN / "pytest"), *arguments], env=environment, check=False).returncode
    except Missing as error:
        sys.exit(str(error))


@contextlib.contextmanager
def _environment(database: str) -> Iterator[dict[str, str]]:
    """Give the environment in which pytest runs on a database, which is started for it."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["TEST_DATABASE"] = database
    if database == "sqlite":
        yield environment
        return
    # The test database is created at the start and not dropped at the end: the server is removed with its
    # data, and PostgreSQL refuses to drop a database while a connection is open.
    options = f"{environment.get('PYTEST_ADDOPTS', '')} --create-db --reuse-db"
    with _DATABASES[database]() as server:
        yield environment | {"DATABASE_URL": server.url, "PYTEST_ADDOPTS": options}


def _lint() -> bool:
    """Run the linters and Django's own checks; return whether all passed."""
    with tempfile.TemporaryDirectory(prefix="pfsn-") as var:
        environment = os.environ | {"PFS_NOTICE_VAR": var, "PFS_NOTICE_ENV": "embedded"}
        environment.pop("DATABASE_URL", None)
        manage = [sys.executable, "-W", "error", "manage.py"]
        steps: list[tuple[list[str], dict[str, str]]] = [
            ([str(_BIN / "ruff"), "check", "--quiet"], environment),
            ([str(_BIN / "ruff"), "format", "--check", "--quiet"], environment),
            ([str(_BIN / "lint-imports"), "--no-cache"], environment),
            ([sys.executable, "-m", "tests.words"], environment),
            ([*manage, "makemigrations", "--check", "--dry-run"], environment),
            ([*manage, "check", "--deploy", "--fail-level", "WARNING"], environment | _production(Path(var))),
            ([str(_BIN / "mypy"), "."], environment),
        ]
        return all([_step(argv, settings) for argv, settings in steps])  # noqa: C419 - all of them, always


def _production(var: Path) -> dict[str, str]:
    """Return the environment of a valid production set-up."""
    keys.make_all(var)
    return {
        "PFS_NOTICE_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "DATABASE_URL": "postgresql://notice@127.0.0.1/notice",
        "CELERY_BROKER_URL": "redis://127.0.0.1/0",
        "NOTICE_PUBLIC_URL": "https://notice.example.org",
        "TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
        "TWILIO_AUTH_TOKENS": "0" * 32,
        "TWILIO_FROM_NUMBER": "+15005550006",
        "EMAIL_URL": "smtp://localhost:25",
        "DEFAULT_FROM_EMAIL": "notice@example.org",
    }


def _step(argv: list[str], environment: dict[str, str]) -> bool:
    """Run one step; print how long it took, and its output if it failed."""
    began = time.monotonic()
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    title = " ".join(word for word in map(_short, argv) if word)
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{title:<60} {verdict:>7} {time.monotonic() - began:6.1f} s", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def _short(word: str) -> str:
    if word in {"-W", "-m", "error", sys.executable}:
        return ""
    return Path(word).name if word.startswith("/") else word


def _everything() -> int:
    results = Results()
    packages.ensure("postgres", "mariadbd", "redis-server", "mosquitto", "chromium", "firefox-esr")
    if not _lint():
        results.bad.append("the linters")
    with contextlib.ExitStack() as stack:
        environments = {"sqlite": stack.enter_context(_environment("sqlite"))}
        for name in _DATABASES:
            try:
                environments[name] = stack.enter_context(_environment(name))
            except Missing as error:
                print(f"SKIPPED: the run on {name}: {error}", flush=True)
                if _IS_CI:
                    results.bad.append(f"the run on {name}: {error}")
        _run_all(environments, results)
    for label in results.bad:
        print(f"FAILED: {label}")
    print(results.closing_line())
    return 1 if results.bad else 0


def _run_all(environments: dict[str, dict[str, str]], results: Results) -> None:
    # The tests spend at least half of their time waiting, so the runs on the three databases share two cores.
    apart = [f"--ignore={path}" for path in (*_ONCE, *_PROCESSES, _MODEL)]
    _together("units", environments, apart, results, covering=_ENGINE)
    report = [str(_BIN / "coverage"), "report"]
    if subprocess.run(report, env=environments["sqlite"], check=False).returncode:
        results.bad.append("the coverage of the engine")
    _pytest("the model on sqlite", environments["sqlite"], [_MODEL], results)
    for label, paths, where in (
        ("processes", _PROCESSES, environments),
        ("once", _ONCE, {"sqlite": environments["sqlite"]}),
    ):
        chosen = [path for path in paths if list(Path(path).rglob("test_*.py"))]
        if chosen:
            _together(label, where, chosen, results)
            for name, environment in where.items():
                _once_more(f"{label} on {name}", environment, chosen, results)


def _together(
    label: str,
    environments: dict[str, dict[str, str]],
    arguments: list[str],
    results: Results,
    covering: Sequence[str] = (),
) -> None:
    """Run the same tests on several databases at once; print SQLite's output at once, the others' afterwards.

    On SQLite the paths in ``covering`` run first, with their coverage recorded.
    """
    others = {name: environment for name, environment in environments.items() if name != "sqlite"}
    running = [
        (f"{label} on {name}", *_start(environment, arguments)) for name, environment in others.items()
    ]
    here = environments["sqlite"]
    if covering:
        record = [str(_BIN / "coverage"), "run", "-m"]
        _pytest(f"{label} of the engine on sqlite", here, [*covering], results, record)
        arguments = arguments + [f"--ignore={path}" for path in covering]
    _pytest(f"{label} on sqlite", here, arguments, results)
    for title, process, output in running:
        process.wait()
        output.seek(0)
        text = output.read()
        print(f"\n### {title}\n{text}", flush=True)
        results.add(title, process.returncode, text)


def _once_more(label: str, environment: dict[str, str], arguments: list[str], results: Results) -> None:
    """Repeat a few failed tests without other runs beside them, and report that.

    Tests with real browsers or due times within a second can fail when three runs share two cores. A test that
    fails again has failed.
    """
    failed = results.failed.pop(label, [])
    if not 0 < len(failed) <= _FEW:
        return
    retry = Results()
    _pytest(f"{label}: what failed, alone", environment, failed, retry)
    if not retry.bad:
        results.bad.remove(label)
        results.counts["failed"] -= len(failed)
        results.counts["passed"] += len(failed)


def _start(environment: dict[str, str], arguments: list[str]) -> tuple[subprocess.Popen[str], IO[str]]:
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it is read when the run has ended
    command = [str(_BIN / "pytest"), *arguments]
    return subprocess.Popen(command, env=environment, stdout=output, stderr=output, text=True), output


def _pytest(
    label: str,
    environment: dict[str, str],
    arguments: list[str],
    results: Results,
    before: Sequence[str] = (),
) -> None:
    """Run pytest and print its output as it comes; ``before`` is a command that runs it."""
    print(f"\n### {label}", flush=True)
    command = [*before, "pytest" if before else str(_BIN / "pytest"), *arguments]
    lines = []
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    results.add(label, process.returncode, "".join(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
