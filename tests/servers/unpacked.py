"""Programs of Debian's unstable release, unpacked into a folder and run from it; nothing is installed.

apt works out and checks what belongs to a package (signed by Debian's keyring), with lists and a cache of its
own. A program runs with the C library that came with it, so the machine's release does not matter.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.servers import packages

_RELEASE: Final = "sid"
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TARGETS: Final = ("Created-By: Packages", "Origin: Debian", "Label: Debian")


def unpacked(package: str, cache: Path | None = None) -> Path | None:
    """Return the folder of a package with all that it depends on, made at the first call; None if it can't be had.

    The folder stays until it is deleted, which is also how to get a newer version.
    """
    folder = (cache or _cache()) / f"{package}-{os.uname().machine}"
    if folder.is_dir():
        return folder
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb") and _KEYRING.exists()):
        return None
    sys.stderr.write(f"Unpacking {package} of Debian {_RELEASE} into {folder} ...\n")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # It gets its name when it is complete: another run may look for it meanwhile.
    with tempfile.TemporaryDirectory(prefix="unpack-", dir=folder.parent) as name:
        work = Path(name)
        if not _unpack(package, work):
            return None
        (work / "root").chmod(0o755)
        if not folder.is_dir():
            (work / "root").rename(folder)
    return folder


def command(folder: Path, path: str) -> list[str]:
    """Return the words that begin a command line with a program of such a folder."""
    loader = next(folder.glob("usr/lib*/ld-linux-*.so.*"))
    libraries = ":".join(map(str, folder.glob("usr/lib/*-linux-gnu*")))
    return [str(loader), "--library-path", libraries, str(folder / path)]


def _cache() -> Path:
    """Return a folder that the account without privileges can read too."""
    if os.geteuid() == 0:
        return Path("/var/cache/pfs-notice")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pfs-notice"


def _unpack(package: str, work: Path) -> bool:
    mirror = _mirror()
    if not mirror:
        return False
    for made in ("lists/partial", "archives/partial", "root"):
        (work / made).mkdir(parents=True)
    (work / "status").touch()  # no package is installed, so all of them are fetched
    (work / "sources").write_text(f"deb [signed-by={_KEYRING}] {mirror} {_RELEASE} main\n")
    options = {
        "Dir::State": work,
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work,
        "Dir::Etc::sourcelist": work / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Debug::NoLocking": 1,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": 3,
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    fetch = ["install", "-y", "--no-install-recommends", "--download-only", package]
    return (
        _run([*apt, "update"])
        and _run([*apt, *fetch])
        and all(_run(["dpkg-deb", "-x", str(one), str(work / "root")]) for one in work.glob("archives/*.deb"))
    )


def _mirror() -> str:
    """Return the address from which this machine gets Debian's packages; empty where it has none."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *_TARGETS]
    for is_fresh in (False, True):
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if found or is_fresh or not packages.may_install():
            return min(found, default="")
        _run(["apt-get", "-qq", "update"])
    return ""


def _run(command: list[str]) -> bool:
    """Say whether a command succeeded; what it says goes to our standard error."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
