"""The inbox: what is new, what was seen, what is read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from common.states import State
from eventinvoke.inbox import mark_read, mark_seen, news_for
from eventinvoke.models import Answer, Attempt, Delivery, Receipt
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Member
from registration.tests.factories import TargetFactory
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db


def notice(member: Member, **more: Any) -> Delivery:
    """A notice that lies in the member's inbox and that no browser has shown yet."""
    fields = {"state": State.SENT, "sent_at": now(), "attempts": 1} | more
    delivery: Delivery = DeliveryFactory.create(target=member.targets.get(kind="inbox"), **fields)
    Attempt.objects.create(delivery=delivery, outcome="accepted")
    return delivery


def test_an_empty_inbox_says_what_will_come(page: Client) -> None:
    assert "Your inbox is empty" in page.get("/inbox/").content.decode()


def test_news_are_counted_until_the_inbox_is_opened(member: Member) -> None:
    notice(member)
    notice(member)
    assert news_for(member).unread == 2
    mark_read(member)
    assert news_for(member).unread == 0
    notice(member)
    assert news_for(member).unread == 1


def test_what_was_confirmed_is_not_unread(member: Member) -> None:
    notice(member, state=State.ACKNOWLEDGED)
    assert news_for(member).unread == 0


def test_what_is_not_sent_yet_is_no_news(member: Member) -> None:
    for state in (State.PENDING, State.CANCELED, State.FAILED):
        notice(member, state=state)
    assert news_for(member).unread == 0


def test_somebody_else_s_notice_is_no_news(member: Member, other: Member) -> None:
    notice(other)
    assert news_for(member).unseen == ()


def test_looking_for_news_takes_two_queries_however_many_there_are(
    member: Member, django_assert_num_queries: Any
) -> None:
    target = member.targets.get(kind="inbox")
    DeliveryFactory.create_batch(60, target=target, state=State.SENT, sent_at=now())
    with django_assert_num_queries(2):
        news_for(member)


def test_a_poll_is_answered_by_nothing_while_nothing_is_new(page: Client, member: Member) -> None:
    notice(member)
    answer = page.get("/inbox/news", {"token": news_for(member).token})
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_poll_costs_few_queries(page: Client, member: Member, django_assert_num_queries: Any) -> None:
    token = news_for(member).token
    with django_assert_num_queries(5):  # session, account, member, notices, mark
        page.get("/inbox/news", {"token": token})


def test_a_new_notice_comes_as_a_toast_with_the_badge(page: Client, member: Member) -> None:
    old = news_for(member).token
    new = notice(member)
    answer = page.get("/inbox/news", {"token": old})
    html = answer.content.decode()
    assert f'id="toast-{new.pk}"' in html
    assert '>1<span class="visually-hidden"> unread' in html
    assert "inbox-changed" in answer["HX-Trigger"]
    assert f"token={news_for(member).token}" in html
    assert "no-store" in answer["Cache-Control"]


def test_a_critical_notice_is_an_alert(page: Client, member: Member) -> None:
    notice(member, severity=30)
    assert 'role="alert"' in page.get("/inbox/news").content.decode()


def test_the_inbox_itself_shows_no_toast(page: Client, member: Member) -> None:
    notice(member)
    html = page.get("/inbox/news", headers={"HX-Current-URL": "http://testserver/inbox/"}).content.decode()
    assert "toast" not in html


def test_opening_the_inbox_changes_the_badge_but_does_not_draw_the_list_again(
    page: Client, member: Member
) -> None:
    notice(member)
    token = news_for(member).token
    page.post("/inbox/read")
    answer = page.get("/inbox/news", {"token": token})
    assert answer.status_code == 200
    assert "HX-Trigger" not in answer


def test_whoever_is_signed_out_is_told_so_without_a_login_page(client: Client) -> None:
    assert client.get("/inbox/news").status_code == 403


def test_a_notice_that_a_browser_showed_is_delivered(page: Client, member: Member) -> None:
    one = notice(member)
    page.post("/inbox/seen", {"pk": [str(one.pk)]})
    one.refresh_from_db()
    assert one.state == State.DELIVERED
    assert one.delivered_at is not None
    assert Receipt.objects.get().status == "seen"


def test_seeing_it_twice_changes_nothing_more(member: Member) -> None:
    one = notice(member)
    mark_seen(member, [one.pk])
    mark_seen(member, [one.pk])
    assert Receipt.objects.count() == 1


def test_seeing_does_not_take_a_confirmation_back(page: Client, member: Member) -> None:
    one = notice(member)
    page.post(f"/deliveries/{one.pk}/confirm")
    page.post("/inbox/seen", {"pk": [str(one.pk)]})
    one.refresh_from_db()
    assert one.state == State.ACKNOWLEDGED


def test_a_member_does_not_see_for_another(page: Client, other: Member) -> None:
    one = notice(other)
    page.post("/inbox/seen", {"pk": [str(one.pk)]})
    one.refresh_from_db()
    assert one.state == State.SENT


@pytest.mark.parametrize("pk", ["x", "", "-1", "9" * 40, "1.5"])
def test_what_is_no_notice_is_passed_over(page: Client, pk: str) -> None:
    assert page.post("/inbox/seen", {"pk": pk}).status_code == 204


def test_confirming_settles_what_is_pending_for_the_event(page: Client, member: Member) -> None:
    one = notice(member)
    call = DeliveryFactory.create(
        event=one.event,
        registration=one.registration,
        target=TargetFactory.create(member=member, kind="calllike"),
        due_at=now() + timedelta(minutes=5),
    )
    answer = page.post(f"/deliveries/{one.pk}/confirm", headers={"HX-Request": "true"})
    assert "confirmed" in answer.content.decode()
    one.refresh_from_db()
    call.refresh_from_db()
    assert (one.state, call.state) == (State.ACKNOWLEDGED, State.CANCELED)
    assert Answer.objects.get().way == "inbox"


def test_later_is_told_with_its_time(page: Client, member: Member) -> None:
    one = notice(member)
    answer = page.post(f"/deliveries/{one.pk}/snooze", headers={"HX-Request": "true"})
    assert "You are told again at" in answer.content.decode()
    assert Delivery.objects.filter(origin="snooze", state=State.PENDING).count() == 1


def test_later_than_the_end_is_told_in_words(page: Client, member: Member) -> None:
    event = EventFactory.create(starts_at=now(), deadline_at=now() + timedelta(minutes=1))
    one = notice(member, event=event)
    answer = page.post(f"/deliveries/{one.pk}/snooze", headers={"HX-Request": "true"})
    assert "It is over by then" in answer.content.decode()


def test_without_scripts_the_buttons_lead_back(page: Client, member: Member) -> None:
    one = notice(member)
    answer = page.post(f"/deliveries/{one.pk}/confirm", {"next": f"/deliveries/{one.pk}/"})
    assert answer["Location"] == f"/deliveries/{one.pk}/"


def test_the_buttons_lead_to_no_other_site(page: Client, member: Member) -> None:
    one = notice(member)
    answer = page.post(f"/deliveries/{one.pk}/confirm", {"next": "https://evil.example/"})
    assert answer["Location"] == "/inbox/"


@pytest.mark.parametrize("action", ["confirm", "snooze"])
def test_a_member_does_not_answer_for_another(page: Client, other: Member, action: str) -> None:
    assert page.post(f"/deliveries/{notice(other).pk}/{action}").status_code == 404
    assert not Answer.objects.exists()


def test_the_staff_does_not_answer_for_another_either(staff_page: Client, member: Member) -> None:
    assert staff_page.post(f"/deliveries/{notice(member).pk}/confirm").status_code == 404


@pytest.mark.parametrize("state", [State.PENDING])
def test_what_was_not_told_yet_is_not_answered(page: Client, member: Member, state: State) -> None:
    one = notice(member, state=state)
    assert page.post(f"/deliveries/{one.pk}/confirm").status_code == 404


def test_the_inbox_costs_the_same_for_many_notices(
    page: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    DeliveryFactory.create_batch(60, target=member.targets.get(kind="inbox"), state=State.SENT, sent_at=now())
    with django_assert_max_num_queries(9):
        html = page.get("/inbox/").content.decode()
    assert html.count("notice-row") >= 40
    assert "Older" in html


def test_a_notice_of_what_lasts_all_day_names_its_day_in_every_zone(page: Client, member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone="Pacific/Honolulu")
    starts_at = datetime(2027, 3, 1, tzinfo=UTC)
    day = EventFactory.create(is_all_day=True, starts_at=starts_at, starts_on=starts_at.date())
    one = notice(member, event=day)
    for path in ("/inbox/", "/inbox/news", f"/deliveries/{one.pk}/"):
        shown = text_of(page.get(path))
        assert "Mon 1 Mar 2027 , all day" in shown
        assert "28 Feb" not in shown
