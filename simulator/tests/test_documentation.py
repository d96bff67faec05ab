"""``docs/simulator.md`` names everything that can be set, and nothing else."""

import re
from pathlib import Path

from simulator.provider import behaviours, faults
from simulator.provider.settings import from_environment

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "simulator.md").read_text()


def table(heading: str) -> set[str]:
    """Return the words in code of a section's table."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_every_behaviour_and_value_is_described() -> None:
    known = {*behaviours.ANSWERS, *behaviours.MESSAGES, *behaviours._NAMES}
    assert known <= table("Behaviours")


def test_every_kind_of_fault_is_described() -> None:
    assert set(faults.KINDS) <= table("Faults")
    assert all(f"`{operation}`" in PAGE for operation in faults.OPERATIONS)


def test_every_variable_of_the_environment_is_described_and_read() -> None:
    asked: set[str] = set()

    class Environment(dict[str, str]):
        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
            asked.add(key)
            return default

    from_environment(Environment())
    assert {name for name in table("Environment") if name.startswith("SIMULATOR_")} == asked
