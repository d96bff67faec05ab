"""Debian's packages, installed where we may and they are missing. No system service is started."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

PACKAGES: Final[dict[str, str]] = {
    "postgres": "postgresql",
    "mariadbd": "mariadb-server",
    "redis-server": "redis-server",
    "mosquitto": "mosquitto",
    "chromium": "chromium",
    "nginx": "nginx-light",
    "firefox-esr": "firefox-esr",
    "wrk": "wrk",
    "java": "default-jre-headless",
}
"""A program, and the package that brings it."""

_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_FOLDERS: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find(program: str) -> str | None:
    """Return the path of a program; PostgreSQL's lie outside of PATH on Debian, one folder a version."""
    if program in {"postgres", "initdb"}:
        for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
            if (folder / program).exists():
                return str(folder / program)
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_FOLDERS}")


def may_install() -> bool:
    """Say whether packages can be installed: root, on Debian or the like."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def ensure(*programs: str) -> None:
    """Install the packages of missing programs, if permitted. A failure is no error here; the fixture that
    needs the program reports it.
    """
    wanted = [PACKAGES[program] for program in programs if find(program) is None]
    if not wanted or not may_install():
        return
    sys.stderr.write(f"Installing {', '.join(wanted)} ...\n")
    is_ours = not _POLICY.exists()
    if is_ours:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")  # "action forbidden": packages start no service
        _POLICY.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        apt = ["apt-get", "-qq", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"]
        log = subprocess.DEVNULL
        subprocess.run([*apt, "update"], env=environment, stdout=log, check=False)
        # One by one, so that a package that can't be had does not keep the others away.
        for package in wanted:
            command = [*apt, "install", "-y", "--no-install-recommends", package]
            subprocess.run(command, env=environment, stdout=log, check=False)
    finally:
        if is_ours:
            _POLICY.unlink()
