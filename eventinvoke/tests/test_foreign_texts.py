"""What others wrote can't reorder what stands beside it, in any message; and loses nothing but controls."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from common import channels
from common.channels import Message
from common.clock import now
from eventinvoke.channels.email import letter
from eventinvoke.channels.sms.text import compose
from eventinvoke.channels.webpush import payload
from eventinvoke.sending.claim import claim
from eventinvoke.sending.deliver import fire
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.stand_ins import PushLike
from registration.membership import add_inbox
from registration.tests.factories import MemberFactory, RegistrationFactory, TargetFactory

pytestmark = pytest.mark.django_db

KEPT = "会議\u3000室 👩\u200d👧 \u0645\u06cc\u200c\u062e 10\u00a0h "


def told(push: PushLike, wording: str = "", **event: Any) -> Message:
    """Return the message that a channel gets of such an event."""
    values = {"starts_at": now() + timedelta(minutes=10)} | event
    target = TargetFactory(member=MemberFactory(), kind="pushlike", address="ok")
    one = RegistrationFactory(member=target.member, text=wording)
    DeliveryFactory(target=target, registration=one, event=EventFactory(**values))
    ((claimed,), _more) = claim(push, 10)
    return claimed.message


def test_a_channel_gets_texts_that_reorder_nothing(push: PushLike) -> None:
    message = told(push, title="Pump\u202e 3", location="Room\u2067 5", description="a\u2069b\nplain")
    assert message.title == "\u2068Pump\u202e 3\u202c\u2069"
    assert message.body.split("\n")[1:] == [
        "\u2068Room\u2067 5\u2069\u2069",
        "\u2068\u2068a\u2069b\u2069",
        "plain",
    ]


def test_a_value_within_a_members_own_text_ends_where_it_ends(push: PushLike) -> None:
    message = told(push, "{title} in {place} now", title="Pump\u202e 3", location="Room 5")
    assert message.body == "\u2068\u2068Pump\u202e 3\u202c\u2069 in Room 5 now\u2069"


def test_a_members_own_text_is_isolated_too(push: PushLike) -> None:
    assert told(push, "See\u202e {title}", title="Pump").body == "\u2068See\u202e Pump\u202c\u2069"


def test_a_link_with_such_a_control_leads_to_the_same_place(push: PushLike) -> None:
    assert told(push, url="https://x.example/\u202egpj.exe").url == "https://x.example/%E2%80%AEgpj.exe"


def test_every_message_keeps_what_is_not_a_control(push: PushLike) -> None:
    message = told(push, title=f"{KEPT}A\x07B", description=f"{KEPT}\x1bC\r\nD")
    assert message.title == f"{KEPT}A B"
    assert message.body.endswith(f"{KEPT}C\nD")
    mail = letter.build(message, None)  # type: ignore[arg-type]  # it is not sent
    assert mail.subject == message.title
    assert f"{KEPT}C\nD" in str(mail.body)
    assert KEPT in compose(message)
    pushed = json.loads(payload.build(message))
    assert (pushed["title"], pushed["body"]) == (message.title, message.body)


def test_a_long_description_is_cut_between_characters_and_closed(push: PushLike) -> None:
    message = told(push, description="\u202e" + "👩\u200d👧" * 200)
    line = message.body.split("\n")[-1]
    assert line.startswith("\u2068\u202e👩\u200d👧")
    assert line.endswith("👧…\u202c\u2069")


def test_the_inbox_isolates_the_title(settings: Any) -> None:
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.inbox.channel.InboxChannel"]
    channels.registry.cache_clear()
    member = MemberFactory()
    DeliveryFactory(target=add_inbox(member), event=EventFactory(title="Pump\u202e 3", location="Room\u202e"))
    fire("inbox")
    client = Client()
    client.force_login(member.user)
    for page in ("/inbox/", "/inbox/news"):
        shown = client.get(page).content.decode()
        assert "<bdi>\u2068Pump\u202e 3\u202c\u2069</bdi>" in shown
        assert "<bdi>\u2068Room\u202e\u202c\u2069</bdi>" in shown
