from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from tests.raw_server import RawServer, Serve


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """Return a function that starts a server with a behaviour; the guard lets requests go there."""
    settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    with ExitStack() as stack:
        yield lambda *args, **named: stack.enter_context(RawServer(*args, **named))
