"""What deploy/ says: the services of compose.yaml and the variables of env.example."""

import re
import shlex
from typing import Any, Final

import yaml

from pfs_notice.settings.environment import BASE_DIR

DEPLOY: Final = BASE_DIR / "deploy"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: one for name, one in SERVICES.items() if one["image"] == "pfs-notice"}


def words_of(service: str) -> list[str]:
    """Return the command line of a service."""
    command = SERVICES[service]["command"]
    return list(command) if isinstance(command, list) else shlex.split(command)


def example() -> dict[str, str]:
    """Return the variables of env.example, those in comments too."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE))
