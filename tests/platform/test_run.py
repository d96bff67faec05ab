import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.servers import missing
from tests.run import Results, main

FOLDER = Path(__file__).resolve().parent.parent.parent


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


def test_an_unknown_database_is_refused() -> None:
    with pytest.raises(SystemExit, match="sqlite, postgresql, mariadb"):
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
