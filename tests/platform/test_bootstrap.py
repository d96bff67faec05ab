"""``script/bootstrap`` installs nothing whose hash is not in a file of requirements, the installer included."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent


def wheel(folder: Path, name: str) -> str:
    """Make a package of one empty module; return its hash."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("is_right", [True, False])
def test_the_installer_is_checked_by_its_hash(tmp_path: Path, *, is_right: bool) -> None:
    (tmp_path / "script").mkdir()
    shutil.copy(FOLDER / "script" / "bootstrap", tmp_path / "script")
    hashes = {name: wheel(tmp_path, name) for name in ("uv", "thing")}
    given = hashes["uv"] if is_right else "0" * 64
    (tmp_path / "requirements-uv.txt").write_text(f"uv==1.0 --hash=sha256:{given}\n")
    (tmp_path / "requirements.txt").write_text(f"thing==1.0 --hash=sha256:{hashes['thing']}\n")
    done = subprocess.run(
        [tmp_path / "script" / "bootstrap"],
        env=os.environ | {"PYTHON": sys.executable, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    installed = {path.name for path in (tmp_path / ".venv").glob("lib/python*/site-packages/*.py")}
    assert ("uv.py" in installed) is is_right
    assert "thing.py" in installed, "pip does it where uv can't be had"


def test_the_installer_is_pinned() -> None:
    lines = (FOLDER / "requirements-uv.txt").read_text()
    assert lines.startswith("uv==")
    assert "--hash=sha256:" in lines
