import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.servers import missing
from tests.pool import Run
from tests.run import main, runs_of

FOLDER = Path(__file__).resolve().parent.parent.parent


def folders_of_tests() -> list[str]:
    settings = tomllib.loads((FOLDER / "pyproject.toml").read_text())
    return list(settings["tool"]["pytest"]["ini_options"]["testpaths"])


def collected(run: Run) -> Iterator[str]:
    """The files of tests that a run collects: pytest ignores no path that it was given."""
    ignored = [Path(word.partition("=")[2]) for word in run.command if word.startswith("--ignore=")]
    for given in (Path(word) for word in run.command if Path(word).exists() and not Path(word).is_absolute()):
        assert given not in ignored
        for file in sorted(given.rglob("test_*.py")) if given.is_dir() else [given]:
            if not {file, *file.parents} & set(ignored):
                yield str(file)


def test_each_file_of_tests_runs_once_on_sqlite() -> None:
    files = Counter(file for run in runs_of({"sqlite": {}}) for file in collected(run))
    assert set(files.values()) == {1}
    every = {str(path) for place in folders_of_tests() for path in Path(place).rglob("test_*.py")}
    assert set(files) == every


def test_each_unit_runs_once_on_another_database_and_each_test_of_processes_too() -> None:
    runs = [run for run in runs_of({"sqlite": {}, "mariadb": {}}) if "mariadb" in run.label]
    files = Counter(file for run in runs for file in collected(run))
    assert set(files.values()) == {1}
    once = [run for run in runs_of({"sqlite": {}}) if run.label.startswith(("once", "Firefox", "the model"))]
    here = {file for run in runs_of({"sqlite": {}}) for file in collected(run)}
    assert set(files) == here - {file for run in once for file in collected(run)}


def test_units_and_processes_that_may_run_at_once_have_databases_of_their_own() -> None:
    url = "postgresql://postgres@127.0.0.1:1/postgres"
    environments = {"sqlite": {}, "postgresql": {"DATABASE_URL": url}}
    runs = [run for run in runs_of(environments) if "postgresql" in run.label]
    assert len({run.environment["DATABASE_URL"] for run in runs}) == len(runs) == 2


def test_an_unknown_database_is_refused() -> None:
    with pytest.raises(SystemExit, match="sqlite, postgresql, mariadb, mysql"):
        main(["--db", "oracle"])


def test_the_model_test_runs_for_a_duration() -> None:
    with pytest.raises(SystemExit, match="90s, 20m or 2h"):
        main(["--model", "soon"])


def test_what_is_missing_skips_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="mosquitto is missing"):
        missing("mosquitto is missing")


def test_what_is_missing_fails_a_test_where_everything_has_to_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="mosquitto is missing"):
        missing("mosquitto is missing")


def test_bootstrap_refuses_an_old_python(tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        # Answers to the question for its version as Python 3.10 would.
        (old / name).write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.4 && exit\nexit 1\n')
        (old / name).chmod(0o755)
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "bootstrap").write_text((FOLDER / "script" / "bootstrap").read_text())
    done = subprocess.run(
        ["/bin/bash", str(tmp_path / "script" / "bootstrap")],
        env={"PATH": f"{old}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found: Python 3.10.4" in done.stderr


def test_bootstrap_takes_no_time_the_second_time() -> None:
    command = [str(FOLDER / "script" / "bootstrap"), "--dev"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)
    assert done.stderr == ""
    assert Path(sys.executable).is_relative_to(FOLDER / ".venv")
