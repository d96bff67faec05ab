"""Getting no more mail."""

import pytest
from django.test import Client
from django.urls import reverse

from eventinvoke.models import Delivery
from notification.tests.conftest import Notice
from registration.models import Target


@pytest.fixture
def mail(db: None, account: None) -> Notice:
    """A notice by mail."""
    return Notice("email")


def path(notice: Notice) -> str:
    return reverse("notification:unsubscribe", args=[notice.unsubscribe_id])


def test_opening_the_page_asks_and_changes_nothing(client: Client, mail: Notice) -> None:
    page = client.get(path(mail))
    assert b"Unsubscribe" in page.content
    assert Target.objects.get(kind="email").disabled_at is None


def test_one_click_of_a_mail_program_switches_the_target_off(mail: Notice) -> None:
    # RFC 8058: a POST with this body, without cookies, not redirected.
    answer = Client(enforce_csrf_checks=True).post(path(mail), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    target = Target.objects.get(kind="email")
    assert target.disabled_at is not None
    assert "no more mail" in target.disabled_reason


def test_a_second_click_changes_nothing(client: Client, mail: Notice) -> None:
    client.post(path(mail))
    first = Target.objects.get(kind="email").disabled_at
    assert b"No more notices are sent to" in client.post(path(mail)).content
    assert Target.objects.get(kind="email").disabled_at == first


def test_the_page_speaks_the_members_language(client: Client, account: None, db: None) -> None:
    page = client.get(path(Notice("email", language="de"))).content.decode()
    assert "Abmelden" in page


@pytest.mark.usefixtures("db")
def test_an_id_that_is_not_ours_is_not_found(client: Client) -> None:
    assert client.post(reverse("notification:unsubscribe", args=["x" * 43])).status_code == 404


def test_a_member_who_wants_no_more_mail_at_an_address_is_told_of_it_once(mail: Notice) -> None:
    for _time in range(2):
        Client().post(reverse("notification:unsubscribe", args=[mail.unsubscribe_id]))
    (told,) = Delivery.objects.filter(kind="inbox").select_related("event")
    assert (told.member, "no more mail" in told.event.description) == (mail.delivery.member, True)
