"""docs/operations.md names every environment variable that the settings read, and no other."""

import ast
import re
from pathlib import Path

from pfs_notice.settings.environment import BASE_DIR

READERS = {
    "text",
    "public_url",
    "flag",
    "whole",
    "decimal",
    "words",
    "rates",
    "secret",
    "database_url",
    "email_url",
}
# Read by the supervisor and the simulator, not by the settings.
ELSEWHERE = {"HOST", "SIMULATOR_HOST", "SIMULATOR_PORT"}


def read_by_the_settings() -> set[str]:
    found = set()
    for path in Path(BASE_DIR / "pfs_notice" / "settings").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                if name in READERS:
                    found.add(str(node.args[0].value))
    return found


def named_on_the_page() -> set[str]:
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (BASE_DIR / "docs" / "operations.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def test_the_page_names_every_variable() -> None:
    assert named_on_the_page() == read_by_the_settings() | ELSEWHERE
