from collections.abc import Iterator
from typing import Any, cast

import pytest

from common import channels
from registration.tests.stand_ins import Pager


@pytest.fixture
def pager(settings: Any) -> Iterator[Pager]:
    """Install the pager besides the product's own channels."""
    settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, "registration.tests.stand_ins.Pager"]
    channels.registry.cache_clear()
    yield cast("Pager", channels.get("pager"))
    channels.registry.cache_clear()
