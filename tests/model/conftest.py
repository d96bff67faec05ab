"""The model's channels and clock."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from common import channels
from tests.model.channels import PATHS
from tests.model.engine import SETTINGS, instant
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


@pytest.fixture
def history(db: None, traveller: Any) -> History:
    """A history that begins at ten o'clock."""
    return History(traveller)
