"""One scripted history for each invariant of DESIGN.md; the model test has the random ones."""

import pytest

from tests.model.history import BEGIN, History
from tests.model.world import Behaviour

pytestmark = pytest.mark.django_db
AT = BEGIN + 12.5


def test_a_step_is_told_at_its_time(history: History) -> None:
    push = history.targets[0]
    history.register(history.members[0], "telecon", [(push, -10, False)])
    history.publish("telecon A", AT)
    history.advance(6)
    assert [told.at for told in history.reference.told] == [AT - 10]
