"""Runs what ``script/test`` and ``script/check`` ask for, quick steps first.

``python -m tests.run`` runs everything; ``python -m tests.run check`` the linters alone; ``--model 20m`` random
histories of the model test on all databases for so long; with paths or options of pytest, those tests on SQLite, or
on the database named with ``--db``.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.pool import Results, Run, run_all
from tests.servers import DATABASES, Missing, packages
from tests.steps import BIN, lint

_FOLDER: Final = Path(__file__).resolve().parent.parent
_USUAL: Final = ("sqlite", "postgresql", "mariadb")
"""The databases of a run without ``--db``. MySQL's way differs from MariaDB's in few places, which are tested there."""
_DURATION: Final = re.compile(r"(\d+)([smh])")
_IS_CI: Final = os.environ.get("CI", "").lower() in {"1", "true"}

_PYTEST: Final = str(BIN / "pytest")
# In a process of its own: hypothesis also draws from the constants of the modules that are loaded, and with those of
# other tests the histories would differ from those of ``script/test tests/model/test_model.py``.
_MODEL: Final = "tests/model/test_model.py"
# They start processes of their own, and wait for due times.
_PROCESSES: Final = ("tests/flows", "tests/faults")
# On one database only: what they show does not depend on it. Apart, so that none of the last runs is long.
_FIREFOX: Final = "tests/browser/test_firefox.py"
_ONCE: Final = ("tests/browser", "tests/platform")
# The units that have to cover the engine (pyproject.toml says what that is). They run on SQLite apart from
# the others, because tracing takes as much processor time as the tests.
_ENGINE: Final = ("eventinvoke", "notification")
_INVARIANTS: Final = "tests/model/test_invariants_by_name.py"
_OTHERS: Final = ("common", "registration", "eventupdate", "simulator", "pfs_notice", "tests")
_NO_UNITS: Final = (*_ONCE, *_PROCESSES, _MODEL)


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; return the exit code."""
    os.chdir(_FOLDER)
    if list(arguments) == ["check"]:
        return 0 if lint() else 1
    if arguments and arguments[0] == "--model":
        return _model("".join(arguments[1:]))
    database, rest = _split(list(arguments))
    if rest or database:
        return _one_run(database or "sqlite", rest)
    return _everything()


def runs_of(environments: Mapping[str, Mapping[str, str]]) -> list[Run]:
    """Return the runs of all tests, in the order in which they begin.

    First the quick one, then those that take long. A path that is left out must not be one of those that are
    given: pytest would collect it nevertheless.
    """
    here = environments["sqlite"]
    elsewhere = {name: one for name, one in environments.items() if name != "sqlite"}
    traced = [str(BIN / "coverage"), "run", "-m", "pytest"]
    return [
        _run("units on sqlite", here, _OTHERS, (*_NO_UNITS, _INVARIANTS)),
        *(_run(f"units on {name}", one, (*_OTHERS, *_ENGINE), _NO_UNITS) for name, one in elsewhere.items()),
        Run("units of the engine on sqlite", [*traced, *_ENGINE, _INVARIANTS], here),
        _run("the model on sqlite", here, (_MODEL,)),
        *(
            _run(f"processes on {name}", _apart(one), _PROCESSES, may_repeat=True)
            for name, one in environments.items()
        ),
        _run("once on sqlite", here, _ONCE, (_FIREFOX,), may_repeat=True),
        _run("Firefox on sqlite", here, (_FIREFOX,), may_repeat=True),
    ]


def _run(
    label: str,
    environment: Mapping[str, str],
    paths: Sequence[str],
    without: Sequence[str] = (),
    *,
    may_repeat: bool = False,
) -> Run:
    command = [_PYTEST, *paths, *(f"--ignore={path}" for path in without)]
    return Run(label, command, environment, repeat=[_PYTEST] if may_repeat else ())


def _apart(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Give a run another database on the same server: another run may still use the usual one."""
    if "DATABASE_URL" not in environment:
        return environment  # SQLite: a file in a folder of the run's own
    return {**environment, "DATABASE_URL": f"{environment['DATABASE_URL']}_apart"}


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """Take ``--db NAME`` (or ``--db=NAME``) out of the arguments."""
    for index, word in enumerate(arguments):
        if word == "--db" or word.startswith("--db="):
            name = word[5:] or (arguments[index + 1 : index + 2] or [""])[0]
            if name not in {"sqlite", *DATABASES}:
                sys.exit(f"--db is one of sqlite, {', '.join(DATABASES)}")
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
    command = [_PYTEST, _MODEL, "-s", "--show-capture=no"]
    results = Results()
    with contextlib.ExitStack() as stack:
        environments = _environments(stack, results)
        runs = [
            Run(f"model on {name}", command, one | {"MODEL_SECONDS": str(seconds)}, is_live=name == "sqlite")
            for name, one in environments.items()
        ]
        run_all(runs, results, slots=len(runs))
    print(results.closing_line())
    return 1 if results.bad else 0


def _one_run(database: str, arguments: list[str]) -> int:
    try:
        with _environment(database) as environment:
            return subprocess.run([_PYTEST, *arguments], env=environment, check=False).returncode
    except Missing as error:
        sys.exit(str(error))


def _environments(stack: contextlib.ExitStack, results: Results) -> dict[str, dict[str, str]]:
    """Give the environments of the usual databases that can be had; in CI each one that is missing is a failure."""
    environments = {}
    for name in _USUAL:
        try:
            environments[name] = stack.enter_context(_environment(name))
        except Missing as error:
            print(f"SKIPPED: the run on {name}: {error}", flush=True)
            if _IS_CI:
                results.bad.append(f"the run on {name}: {error}")
    return environments


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
    with DATABASES[database]() as server:
        yield environment | {"DATABASE_URL": server.url, "PYTEST_ADDOPTS": options}


def _everything() -> int:
    results = Results()
    packages.ensure("postgres", "mariadbd", "redis-server", "mosquitto", "chromium", "firefox-esr", "java")
    if not lint():
        results.bad.append("the linters")
    with contextlib.ExitStack() as stack:
        environments = _environments(stack, results)
        run_all(runs_of(environments), results)
        report = [str(BIN / "coverage"), "report"]
        if subprocess.run(report, env=environments["sqlite"], check=False).returncode:
            results.bad.append("the coverage of the engine")
    for label in results.bad:
        print(f"FAILED: {label}")
    print(results.closing_line())
    return 1 if results.bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
