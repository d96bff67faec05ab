"""A direct notice to one member, which needs no registration, arrives."""

from datetime import timedelta
from typing import Any

import pytest

from common import channels
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.planning.direct_notice import tell_member
from eventinvoke.planning.matching import SUMMARY_SOURCE
from eventinvoke.planning.publish import EventDraft
from eventinvoke.sending.deliver import fire
from registration.tests.factories import MemberFactory

pytestmark = pytest.mark.django_db


def test_what_a_member_is_told_comes_to_the_inbox_once(settings: Any) -> None:
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.inbox.channel.InboxChannel"]
    channels.registry.cache_clear()
    member, at = MemberFactory(), now()
    draft = EventDraft(SUMMARY_SOURCE, "1", "Connect again", at, deadline_at=at + timedelta(days=1))
    tell_member(member, draft)
    tell_member(member, draft)
    fire("inbox")
    delivery = Delivery.objects.get()
    assert (delivery.member, delivery.state, delivery.reason) == (member, State.SENT, "")
