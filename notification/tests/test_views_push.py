"""What the service worker reports."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from common.process_ids import sign
from common.states import State
from eventinvoke.models import Answer, Delivery, Event, Receipt
from eventinvoke.models.attempts import new_attempt_id
from notification.tests.conftest import Notice


@pytest.fixture
def push(db: None, account: None) -> Notice:
    """A notice in a browser."""
    return Notice("webpush")


def report(notice: Notice | str, body: Any) -> tuple[int, dict[str, Any]]:
    """Post as the service worker does: JSON, no cookies."""
    process_id = notice if isinstance(notice, str) else notice.process_id
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    answer = Client(enforce_csrf_checks=True).post(
        reverse("notification:push-report", args=[process_id]), text, content_type="application/json"
    )
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()


@pytest.mark.parametrize("what", ["shown", "clicked"])
def test_what_was_shown_was_delivered(push: Notice, what: str) -> None:
    assert report(push, {"what": what}) == (200, {"what": what})
    assert push.state == State.DELIVERED


def test_closing_says_nothing_new(push: Notice) -> None:
    assert report(push, {"what": "closed"})[0] == 200
    assert push.state == State.SENDING
    assert Receipt.objects.get().status == "closed"


def test_the_button_confirms(push: Notice) -> None:
    assert report(push, {"what": "confirm"}) == (200, {"what": "confirm", "is_new": True})
    assert push.state == State.ACKNOWLEDGED
    assert Answer.objects.get().way == "push"


def test_the_button_snoozes(push: Notice) -> None:
    status, said = report(push, {"what": "snooze"})
    assert (status, said["until"]) == (200, Delivery.objects.get(origin="snooze").due_at.isoformat())


def test_the_button_of_a_notice_of_the_old_time_confirms_nothing_of_the_new_one(push: Notice) -> None:
    event = Event.objects.get()
    told = f"{event.starts_at:%Y-%m-%dT%H:%M:%SZ}"
    Event.objects.update(
        starts_at=event.starts_at + timedelta(minutes=20), deadline_at=event.deadline_at + timedelta(hours=1)
    )
    assert report(push, {"what": "confirm", "starts_at": told})[0] == 200
    assert Answer.objects.get().starts_at == event.starts_at
    assert push.state == State.ACKNOWLEDGED


def test_the_button_of_a_notice_of_the_present_time_confirms_it(push: Notice) -> None:
    event = Event.objects.get()
    report(push, {"what": "confirm", "starts_at": f"{event.starts_at:%Y-%m-%dT%H:%M:%SZ}"})
    assert Answer.objects.get().starts_at == event.starts_at


@pytest.mark.parametrize("what", ["shown", "confirm", "snooze"])
def test_a_repeat_changes_nothing(push: Notice, what: str) -> None:
    report(push, {"what": what})
    count = (Receipt.objects.count(), Answer.objects.count(), Delivery.objects.count())
    assert report(push, {"what": what})[0] == 200
    assert (Receipt.objects.count(), Answer.objects.count(), Delivery.objects.count()) == count


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"what": "exploded"}, "what"),
        ({"what": 5}, "what"),
        ({"what": "confirm", "starts_at": 5}, "starts_at"),
        ({"what": "confirm", "starts_at": "tomorrow"}, "starts_at"),
        ({"what": ["shown"]}, "what"),
        ({}, "what"),
        ([], None),
        ("", None),
        ("{", None),
        ("[" * 1500, None),
        (b"\xff\xfe", None),
        ({"what": "shown", "padding": "x" * 3000}, None),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(push: Notice, body: Any, field: str | None) -> None:
    status, problem = report(push, body)
    assert status == 400
    assert problem.get("field") == field
    assert problem["detail"]
    assert not Receipt.objects.exists()


@pytest.mark.usefixtures("db")
def test_an_unknown_id_is_not_found() -> None:
    for process_id in ("x" * 43, sign(new_attempt_id())):
        assert report(process_id, {"what": "shown"})[0] == 404


def test_it_is_a_post(client: Client, push: Notice) -> None:
    assert client.get(reverse("notification:push-report", args=[push.process_id])).status_code == 405


@pytest.mark.parametrize(
    "order", [["shown", "clicked", "closed"], ["closed", "clicked"], ["confirm", "closed"]]
)
def test_what_was_opened_or_answered_was_not_closed_unread(push: Notice, order: list[str]) -> None:
    for what in order:
        assert report(push, {"what": what})[0] == 200
    client = Client()
    client.force_login(push.delivery.member.user)
    page = client.get(reverse("eventinvoke:delivery-detail", args=[push.delivery.pk])).content.decode()
    assert "closed" not in page


def test_what_was_closed_and_nothing_else_was_closed_unread(push: Notice) -> None:
    report(push, {"what": "shown"})
    report(push, {"what": "closed"})
    client = Client()
    client.force_login(push.delivery.member.user)
    page = client.get(reverse("eventinvoke:delivery-detail", args=[push.delivery.pk])).content.decode()
    assert "Notification closed" in page
