"""Notices in a member's own words: what stands in them, and that each channel escapes it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import channels
from common.channels import Message
from common.clock import now
from eventinvoke.channels.email import letter
from eventinvoke.channels.webpush import payload
from eventinvoke.models import Event
from eventinvoke.sending.claim import claim
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.text import body_for
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.tests.stand_ins import PushLike
from registration.membership import add_inbox
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    TargetFactory,
)
from tests.fixtures.people import signed_in

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVERYTHING = (
    "{title}|{start}|{end}|{date}|{time}|{distance}|{place}|{link}|{description}|{organiser}|{calendar}"
)
NASTY = "<script>alert(1)</script> & {title} {0.__class__} \"'"


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


def telecon(**values: Any) -> Event:
    made: Event = EventFactory.create(
        **{
            "source": CalendarFactory(name="Work").source,
            "starts_at": NOON + HOUR / 6,
            "ends_at": NOON + HOUR,
            "location": "Room 5",
            "url": "https://meet.example/1",
            "description": "Agenda",
            "labels": {"organiser": "Ann"},
        }
        | values
    )
    return made


def said(event: Event, text: str, **member: Any) -> str:
    return body_for(event, MemberFactory(**({"time_zone": "Asia/Tokyo"} | member)), text, now())


def notice(text: str, event: Event, kind: str = "pushlike", **member: Any) -> Any:
    target = TargetFactory(member=MemberFactory(**member), kind=kind, address="ok")
    one = RegistrationFactory(member=target.member, text=text)
    return DeliveryFactory(target=target, registration=one, event=event)


def test_every_field_is_filled_in_for_the_reader() -> None:
    assert said(telecon(), EVERYTHING) == (
        "PFS telecon|21 November 2026 21:10|22:00|21 November 2026|21:10|in 10 minutes|Room 5|https://meet.example/1|Agenda|Ann|Work"
    )
    assert said(telecon(), "{date} {time} {distance}", language="de", time_zone="UTC") == (
        "21. November 2026 12:10 in 10 Minuten"
    )


def test_a_day_has_no_hour_and_is_the_same_day_everywhere() -> None:
    day = telecon(
        is_all_day=True,
        starts_on=date(2026, 11, 22),
        starts_at=datetime(2026, 11, 22, tzinfo=UTC),
        ends_at=datetime(2026, 11, 24, tzinfo=UTC),
        deadline_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    text = "{start}|{end}|{date}|{time}|{distance}"
    assert (
        said(day, text, time_zone="Pacific/Honolulu")
        == "22 November 2026|23 November 2026|22 November 2026|all day|in 1 day"
    )
    assert said(day, "{distance} {time}", time_zone="Pacific/Kiritimati", language="de") == "heute ganztägig"
    assert said(day, "", time_zone="Pacific/Honolulu").startswith("All day on 22 November 2026")


def test_what_the_event_lacks_is_left_empty() -> None:
    bare = telecon(location="", url="", ends_at=None, labels={}, description="", source="system")
    assert said(bare, "At {time} {place}\nJoin: {link}\n{organiser}{calendar}{end}") == "At 21:10"


def test_a_text_that_got_past_the_forms_is_replaced_by_the_usual_one() -> None:
    assert said(telecon(), "{title.__class__} {").startswith("At 21:10, in 10 minutes")


def test_a_notice_says_the_text_of_its_registration(push: PushLike) -> None:
    event = telecon()
    notice("{title} in {place}", event)
    notice("", event)
    notice("{calendar}", event)
    fire("pushlike")
    assert sorted(message.body for message in push.sent) == [
        "At 12:10, in 10 minutes\nRoom 5\nAgenda",
        "PFS telecon in Room 5",
        "Work",
    ]


def test_own_texts_take_two_queries_a_batch_and_none_where_there_is_none(
    push: PushLike, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        notice("", telecon())
    with CaptureQueriesContext(connection) as usual:
        claim(push, 10)
    for _ in range(3):
        notice("{end} {calendar}", telecon())
    with django_assert_num_queries(len(usual) + 2):
        claimed, _more = claim(push, 10)
    assert [one.message.body for one in claimed] == ["13:00 Work"] * 3
    assert not any("event" in query["sql"] and "labels" in query["sql"] for query in usual)


def _message(body: str) -> Message:
    return Message("p" * 43, "ann@example.org", "Title", body, "tag", now() + HOUR, starts_at=now())


def test_what_a_text_holds_is_escaped_in_a_mail_and_a_push() -> None:
    body = said(telecon(title=NASTY), "{title}")
    assert body == NASTY, "what a value holds is not filled in"
    message = _message(body)._replace(address="ann@example.org")
    mail = letter.build(message, None)  # type: ignore[arg-type]  # it is not sent
    html = str(mail.alternatives[0][0])
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {title}" in html
    assert NASTY in str(mail.body)
    assert json.loads(payload.build(message))["body"] == NASTY


def test_the_inbox_shows_the_text_and_escapes_it(settings: Any) -> None:
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.inbox.channel.InboxChannel"]
    channels.registry.cache_clear()
    member = MemberFactory()
    one = RegistrationFactory(member=member, text="Come to {place}, {distance}: {title}")
    event = telecon(title="<b>Bold</b>")
    DeliveryFactory(target=add_inbox(member), registration=one, event=event)
    DeliveryFactory(target=add_inbox(member), event=EventFactory(title="Usual"))
    fire("inbox")
    page = signed_in(member)
    shown = page.get("/inbox/").content.decode()
    assert "Come to Room 5, in 10 minutes: &lt;b&gt;Bold&lt;/b&gt;" in shown
    assert "Usual" in shown
    news = page.get("/inbox/news").content.decode()
    assert "Come to Room 5" in news
