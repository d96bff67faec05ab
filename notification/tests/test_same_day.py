"""An event that lasts all day is on the same day wherever a member is told of it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.channels import Message
from eventinvoke.channels.email.letter import build
from eventinvoke.channels.sms.text import compose
from eventinvoke.sending.text import body_of
from notification.tests.conftest import Ask, Notice, said
from registration.models import Member

TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONES = ("Pacific/Honolulu", "UTC", "Asia/Tokyo", "Pacific/Kiritimati")


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(TODAY, tick=False):
        yield


@pytest.mark.parametrize("zone", ZONES)
def test_page_mail_text_and_phone_name_one_day(zone: str, client: Client, call: Notice, ask: Ask) -> None:
    # The calendar's own zone is 12 hours ahead of UTC.
    starts_at, ends_at = datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC)
    mail = Notice("email")
    for notice in (call, mail):
        notice.change_event(
            is_all_day=True,
            starts_on=date(2026, 11, 22),
            starts_at=starts_at,
            ends_at=ends_at,
            deadline_at=ends_at,
        )
    Member.objects.update(time_zone=zone)
    call.delivery.refresh_from_db()
    page = client.get(reverse("notification:answer", args=[mail.answer_id])).content.decode()
    assert '<p class="when">22 November 2026</p>' in page
    message = Message(
        call.process_id,
        "a@example.org",
        "Title",
        body_of(call.delivery, TODAY),
        "tag",
        ends_at,
        time_zone=zone,
    )
    assert "All day on 22 November 2026" in str(build(message, None).body)  # type: ignore[arg-type]  # not sent
    assert "All day on 22 November 2026" in compose(message)
    assert "All day on 22 November." in said(ask("call-content", call))


@pytest.mark.parametrize(("zone", "day"), [("Pacific/Honolulu", "20"), ("Asia/Tokyo", "21")])
def test_other_events_are_on_the_day_of_the_members_clock(
    zone: str, day: str, client: Client, call: Notice, ask: Ask
) -> None:
    starts_at = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
    mail = Notice("email")
    for notice in (call, mail):
        notice.change_event(starts_at=starts_at, deadline_at=starts_at)
    Member.objects.update(time_zone=zone)
    page = client.get(reverse("notification:answer", args=[mail.answer_id])).content.decode()
    assert f"{day} November 2026 at" in page
    assert "in 10 hours 30 minutes" in page
    assert "in 10 hours 30 minutes" in said(ask("call-content", call))
