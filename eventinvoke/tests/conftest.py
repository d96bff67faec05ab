from collections.abc import Iterator
from typing import Any, cast

import pytest
import time_machine

from common import channels
from eventinvoke import tasks
from eventinvoke.planning import replan
from eventinvoke.tests import stand_ins
from eventinvoke.tests.muting import START

INBOX = "eventinvoke.channels.inbox.channel.InboxChannel"
PATH = "eventinvoke.tests.stand_ins."


@pytest.fixture(autouse=True)
def installed(settings: Any) -> Iterator[None]:
    """Install the stand-ins in place of all real channels but the inbox, which every member has."""
    settings.NOTICE_CHANNELS = [INBOX, *(PATH + name for name in ("PushLike", "CallLike", "OneASecond"))]
    channels.registry.cache_clear()
    replan.forget()
    # What another test did just now is not of this one's time.
    for spacing in (tasks.WAKE_UPS, tasks.TENDINGS):
        spacing.reset()
    yield
    channels.registry.cache_clear()


@pytest.fixture
def push() -> stand_ins.PushLike:
    return cast("stand_ins.PushLike", channels.get("pushlike"))


@pytest.fixture
def call() -> stand_ins.CallLike:
    return cast("stand_ins.CallLike", channels.get("calllike"))


@pytest.fixture
def slow() -> stand_ins.OneASecond:
    return cast("stand_ins.OneASecond", channels.get("slowlike"))


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller
