"""The code in docs/adding_a_channel.md is extracted, installed, and keeps the contract."""

import atexit
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest
from pytest_django import Settings

import eventinvoke.channels

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = (ROOT / "docs" / "adding_a_channel.md").read_text(encoding="utf-8")
FILES: Final = dict(re.findall(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
LINE: Final = re.search(r"^```text\n(\S+)\n```$", PAGE, re.MULTILINE)


def install() -> Path:
    """Write the page's files into a folder of their own and make that a part of our packages."""
    folder = Path(tempfile.mkdtemp(prefix="pfsn-page-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    eventinvoke.channels.__path__.append(str(folder / "eventinvoke" / "channels"))
    spec = importlib.util.spec_from_file_location("page_test_hook", folder / "tests/contracts/test_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["page_test_hook"] = module
    spec.loader.exec_module(module)
    return folder


FOLDER: Final = install()


class TestThePagesChannel(sys.modules["page_test_hook"].TestHook):  # type: ignore[misc] # it is known at run time only
    """The contract, as the page's own test inherits it."""

    @pytest.fixture(autouse=True)
    def line_of_settings(self, settings: Settings) -> None:
        assert LINE is not None
        settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, LINE[1]]


def test_the_page_holds_the_three_files() -> None:
    assert sorted(FILES) == [
        "eventinvoke/channels/hook/__init__.py",
        "eventinvoke/channels/hook/channel.py",
        "tests/contracts/test_hook.py",
    ]


def test_the_pages_channel_passes_the_linter() -> None:
    linter = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    ignored = ["--ignore", "ARG002,PLR2004,INP001,N802"]  # told briefly: no comments that excuse
    files = sorted(str(file) for file in FOLDER.rglob("*.py"))
    ran = subprocess.run([*linter, *ignored, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    "named",
    sorted(set(re.findall(r"`((?:eventinvoke|notification|common|tests|pfs_notice)/[\w/.]+)`", PAGE))),
)
def test_every_file_that_the_page_names_is_there(named: str) -> None:
    assert named in FILES or (ROOT / named).exists()
