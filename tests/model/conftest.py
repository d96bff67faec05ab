"""The model's channels and clock."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from common import channels
from tests.model.channels import PATHS
from tests.model.engine import SETTINGS, Engine, instant
from tests.model.history import BEGIN, History


@pytest.fixture(autouse=True)
def installed(settings: Any) -> Iterator[None]:
    """Install the model's channels in place of the real ones."""
    settings.NOTICE_CHANNELS = PATHS
    for name, value in SETTINGS.items():
        setattr(settings, name, value)
    channels.registry.cache_clear()
    yield
    channels.registry.cache_clear()


@pytest.fixture
def traveller() -> Iterator[Any]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(instant(BEGIN), tick=False) as one:
        yield one


@pytest.fixture(params=["reference", "engine"])
def history(request: pytest.FixtureRequest, db: None, traveller: Any) -> History:
    """A history that begins at ten o'clock: of the reference alone, and of the engine beside it."""
    return History(Engine(traveller) if request.param == "engine" else None)
