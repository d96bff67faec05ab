"""The linters and Django's own checks."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from pfs_notice import keys

BIN: Final = Path(sys.executable).parent


def lint() -> bool:
    """Run the linters and Django's own checks; return whether all passed."""
    with tempfile.TemporaryDirectory(prefix="pfsn-") as var:
        environment = os.environ | {"PFS_NOTICE_VAR": var, "PFS_NOTICE_ENV": "embedded"}
        environment.pop("DATABASE_URL", None)
        manage = [sys.executable, "-W", "error", "manage.py"]
        steps: list[tuple[list[str], dict[str, str]]] = [
            ([str(BIN / "ruff"), "check", "--quiet"], environment),
            ([str(BIN / "ruff"), "format", "--check", "--quiet"], environment),
            ([str(BIN / "lint-imports"), "--no-cache"], environment),
            ([sys.executable, "-m", "tests.words"], environment),
            ([*manage, "makemigrations", "--check", "--dry-run"], environment),
            ([*manage, "check", "--deploy", "--fail-level", "WARNING"], environment | _production(Path(var))),
            ([str(BIN / "mypy"), "."], environment),
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
