"""The page behind the link in a mail or a text message."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Delivery
from eventinvoke.replies import answers
from eventinvoke.tests.factories import DeliveryFactory
from notification.tests.conftest import Notice
from registration.tests.factories import MemberFactory, TargetFactory


@pytest.fixture
def mail(db: None, account: None) -> Notice:
    """A notice by mail."""
    return Notice("email", time_zone="UTC")


def path(notice: Notice) -> str:
    return reverse("notification:answer", args=[notice.answer_id])


def show(client: Client, notice: Notice) -> str:
    answer = client.get(path(notice))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, notice: Notice, button: str) -> str:
    answer = client.post(path(notice), {"do": button})
    assert answer.status_code == 200
    return answer.content.decode()


def shown(page: str) -> str:
    """The start that the page's forms send back."""
    found = re.search(r'name="starts_at" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def add_next_person(notice: Notice) -> Delivery:
    target = TargetFactory.create(member=MemberFactory.create(name="Ben"), kind="email")
    later = now() + timedelta(minutes=3)
    following: Delivery = DeliveryFactory.create(
        event=notice.delivery.event, registration=notice.delivery.registration, target=target, due_at=later
    )
    return following


def test_opening_the_page_shows_the_notice_and_acknowledges_nothing(client: Client, mail: Notice) -> None:
    page = show(client, mail)
    assert "Weekly telecon" in page
    assert 'value="acknowledge"' in page
    assert mail.state == State.SENDING
    assert not Answer.objects.exists()


def test_the_button_acknowledges_without_login_and_without_a_cookie(mail: Notice) -> None:
    page = press(Client(enforce_csrf_checks=True), mail, "acknowledge")
    assert "Acknowledged. Thank you." in page
    assert "<button" not in page
    assert mail.state == State.ACKNOWLEDGED
    assert Answer.objects.get().way == "link"


def test_acknowledging_twice_says_so(client: Client, mail: Notice) -> None:
    press(client, mail, "acknowledge")
    assert "You have acknowledged this already." in press(client, mail, "acknowledge")
    assert Answer.objects.count() == 1


def test_an_acknowledged_notice_says_when_and_has_no_buttons(client: Client, mail: Notice) -> None:
    press(client, mail, "acknowledge")
    page = show(client, mail)
    assert f"You acknowledged this at {Answer.objects.get().at:%H:%M}." in page
    assert "<button" not in page


def test_it_says_who_else_has_acknowledged(client: Client, mail: Notice) -> None:
    answers.acknowledge(add_next_person(mail), "key")
    assert "Ben acknowledged this at" in show(client, mail)


def test_a_canceled_event_says_so(client: Client, mail: Notice) -> None:
    mail.change_event(canceled_at=now())
    page = show(client, mail)
    assert "This was canceled." in page
    assert "<button" not in page


def test_an_event_that_is_over_says_so(client: Client, mail: Notice) -> None:
    Delivery.objects.filter(pk=mail.delivery.pk).update(deadline_at=now() - timedelta(minutes=1))
    assert "This is over." in show(client, mail)


def test_snoozing_says_when_the_reminder_comes(client: Client, mail: Notice) -> None:
    page = press(client, mail, "snooze")
    again = Delivery.objects.get(origin="snooze")
    assert f"Snoozed until {again.due_at:%H:%M}." in page
    assert press(client, mail, "snooze") == page


def test_snoozing_without_time_left_keeps_the_buttons(client: Client, mail: Notice) -> None:
    Delivery.objects.filter(pk=mail.delivery.pk).update(deadline_at=now() + timedelta(minutes=1))
    page = press(client, mail, "snooze")
    assert "The event is over by then. Not snoozed." in page
    assert 'value="acknowledge"' in page


def test_passing_on_says_to_whom_and_repeating_it_asks_no_one_else(client: Client, mail: Notice) -> None:
    following = add_next_person(mail)
    assert "Ben will be asked now." in press(client, mail, "pass_on")
    following.refresh_from_db()
    assert following.next_attempt_at <= now()
    assert "The next person has been asked already." in press(client, mail, "pass_on")


def test_passing_on_with_no_one_left_says_so(client: Client, mail: Notice) -> None:
    page = press(client, mail, "pass_on")
    assert "There is no one else to ask." in page
    assert 'value="acknowledge"' in page


@pytest.mark.parametrize("button", ["", "delete", "acknowledge " * 1000])
def test_a_button_that_is_none_is_a_bad_request_and_changes_nothing(
    client: Client, mail: Notice, button: str
) -> None:
    answer = client.post(path(mail), {"do": button})
    assert answer.status_code == 400
    assert b"Press one of the buttons." in answer.content
    assert not Answer.objects.exists()


def test_a_hostile_title_is_only_shown(client: Client, mail: Notice) -> None:
    mail.change_event(
        title="<script>alert(1)</script>", location="<b>", description="<img src=x>", url="javascript:x"
    )
    page = show(client, mail)
    assert "&lt;script&gt;" in page
    for raw in ("<script", "<b>", "<img", "javascript:"):
        assert raw not in page


def test_the_page_is_private(client: Client, mail: Notice) -> None:
    headers = client.get(path(mail)).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in headers["Cache-Control"]
    assert "noindex" in headers["X-Robots-Tag"]


@pytest.mark.parametrize(
    ("language", "button"),
    [("de", "Bestätigen"), ("fr", "Confirmer"), ("ja", "確認する"), ("it", "Acknowledge")],
)
def test_the_page_speaks_the_members_language(
    client: Client, account: None, db: None, language: str, button: str
) -> None:
    notice = Notice("email", language=language)
    answer = client.get(path(notice))
    assert f">{button}</button>" in answer.content.decode()
    assert answer.headers["Content-Language"] == (language if language != "it" else "en")


@pytest.mark.usefixtures("db")
def test_an_id_that_is_not_ours_is_not_found(client: Client) -> None:
    assert client.get(reverse("notification:answer", args=["x" * 43])).status_code == 404
    assert client.post(reverse("notification:answer", args=["é"]), {"do": "acknowledge"}).status_code == 404


def test_the_address_is_short_enough_for_a_text_message(mail: Notice) -> None:
    assert len(path(mail)) == len("/a/") + 43


def test_an_answer_on_a_stale_page_counts_for_the_start_that_was_shown(client: Client, mail: Notice) -> None:
    told = shown(show(client, mail))
    start = mail.delivery.event.starts_at + timedelta(hours=4)
    mail.change_event(starts_at=start, deadline_at=start + timedelta(hours=1))
    call = add_next_person(mail)
    page = client.post(path(mail), {"do": "acknowledge", "starts_at": told}).content.decode()
    assert "This event has moved to" in page
    assert f"at {start:%H:%M} (UTC)" in page
    assert shown(page) == start.isoformat()
    call.refresh_from_db()
    assert call.state == State.PENDING
    assert Answer.objects.get().starts_at.isoformat() == told


@pytest.mark.parametrize("button", ["snooze", "pass_on"])
def test_every_button_of_a_stale_page_says_where_the_event_moved(
    client: Client, mail: Notice, button: str
) -> None:
    told = shown(show(client, mail))
    start = mail.delivery.event.starts_at + timedelta(hours=4)
    mail.change_event(starts_at=start, deadline_at=start + timedelta(hours=1))
    page = client.post(path(mail), {"do": button, "starts_at": told}).content.decode()
    assert "This event has moved to" in page
    assert 'value="acknowledge"' in page


@pytest.mark.parametrize(("after", "minutes"), [("5", 5), ("10", 10), ("30", 30), ("", 5)])
def test_snooze_takes_a_choice_of_minutes(client: Client, mail: Notice, after: str, minutes: int) -> None:
    Delivery.objects.filter(pk=mail.delivery.pk).update(deadline_at=now() + timedelta(hours=1))
    with time_machine.travel(now(), tick=False):
        client.post(path(mail), {"do": "snooze", "after": after})
        assert Delivery.objects.get(origin="snooze").due_at == now() + timedelta(minutes=minutes)


def test_snooze_takes_the_start(client: Client, mail: Notice) -> None:
    client.post(path(mail), {"do": "snooze", "after": "start"})
    at = Delivery.objects.get(origin="snooze").due_at
    assert abs(at - mail.delivery.event.starts_at) < timedelta(seconds=1)


def test_an_all_day_event_names_the_day_that_the_mail_names(client: Client, db: None, account: None) -> None:
    notice = Notice("email", time_zone="Pacific/Honolulu")
    day = datetime(2027, 3, 1, tzinfo=UTC)
    notice.change_event(
        is_all_day=True, starts_at=day, starts_on=day.date(), deadline_at=day + timedelta(days=1)
    )
    assert "1 March 2027" in show(client, notice)


def test_a_button_that_was_open_before_it_was_renamed_still_works(client: Client, mail: Notice) -> None:
    press(client, mail, "confirm")
    assert mail.state == State.ACKNOWLEDGED
