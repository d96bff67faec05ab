"""The inbox: what is new, what was seen, what is read."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from common.clock import now
from common.states import State
from eventinvoke.inbox import mark_read, mark_seen, news_for
from eventinvoke.models import Answer, Attempt, Delivery, Event, Receipt
from eventinvoke.replies import answers
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


def test_an_acknowledged_notice_is_not_unread(member: Member) -> None:
    notice(member, state=State.ACKNOWLEDGED)
    assert news_for(member).unread == 0


def test_what_is_not_sent_yet_is_no_news(member: Member) -> None:
    for state in (State.PENDING, State.CANCELED, State.FAILED):
        notice(member, state=state)
    assert news_for(member).unread == 0


def test_another_member_s_notice_is_no_news(member: Member, other: Member) -> None:
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


def test_a_poll_without_a_session_gets_403_and_no_login_page(client: Client) -> None:
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


def test_seeing_does_not_take_an_acknowledgement_back(page: Client, member: Member) -> None:
    one = notice(member)
    page.post(f"/deliveries/{one.pk}/acknowledge")
    page.post("/inbox/seen", {"pk": [str(one.pk)]})
    one.refresh_from_db()
    assert one.state == State.ACKNOWLEDGED


def test_a_member_can_t_mark_another_member_s_notice_as_seen(page: Client, other: Member) -> None:
    one = notice(other)
    page.post("/inbox/seen", {"pk": [str(one.pk)]})
    one.refresh_from_db()
    assert one.state == State.SENT


@pytest.mark.parametrize("pk", ["x", "", "-1", "9" * 40, "1.5"])
def test_what_is_no_notice_is_passed_over(page: Client, pk: str) -> None:
    assert page.post("/inbox/seen", {"pk": pk}).status_code == 204


def test_acknowledging_cancels_the_pending_steps_of_the_event(page: Client, member: Member) -> None:
    one = notice(member)
    call = DeliveryFactory.create(
        event=one.event,
        registration=one.registration,
        target=TargetFactory.create(member=member, kind="calllike"),
        due_at=now() + timedelta(minutes=5),
    )
    answer = page.post(f"/deliveries/{one.pk}/acknowledge", headers={"HX-Request": "true"})
    assert "acknowledged" in answer.content.decode()
    one.refresh_from_db()
    call.refresh_from_db()
    assert (one.state, call.state) == (State.ACKNOWLEDGED, State.CANCELED)
    assert Answer.objects.get().way == "inbox"


def test_snooze_says_until_when(page: Client, member: Member) -> None:
    one = notice(member)
    answer = page.post(f"/deliveries/{one.pk}/snooze", headers={"HX-Request": "true"})
    assert "Snoozed until" in answer.content.decode()
    assert Delivery.objects.filter(origin="snooze", state=State.PENDING).count() == 1


def test_snoozing_past_the_end_is_refused_in_words(page: Client, member: Member) -> None:
    event = EventFactory.create(starts_at=now(), deadline_at=now() + timedelta(minutes=1))
    one = notice(member, event=event)
    answer = page.post(f"/deliveries/{one.pk}/snooze", headers={"HX-Request": "true"})
    assert "Not snoozed: the event is over by then" in answer.content.decode()


def test_without_scripts_the_buttons_lead_back(page: Client, member: Member) -> None:
    one = notice(member)
    answer = page.post(f"/deliveries/{one.pk}/acknowledge", {"next": f"/deliveries/{one.pk}/"})
    assert answer["Location"] == f"/deliveries/{one.pk}/"


def test_the_buttons_lead_to_no_other_site(page: Client, member: Member) -> None:
    one = notice(member)
    answer = page.post(f"/deliveries/{one.pk}/acknowledge", {"next": "https://evil.example/"})
    assert answer["Location"] == "/inbox/"


@pytest.mark.parametrize("action", ["acknowledge", "snooze"])
def test_a_member_can_t_answer_for_another(page: Client, other: Member, action: str) -> None:
    assert page.post(f"/deliveries/{notice(other).pk}/{action}").status_code == 404
    assert not Answer.objects.exists()


def test_the_staff_does_not_answer_for_another_either(staff_page: Client, member: Member) -> None:
    assert staff_page.post(f"/deliveries/{notice(member).pk}/acknowledge").status_code == 404


@pytest.mark.parametrize("state", [State.PENDING])
def test_a_pending_notice_can_t_be_answered(page: Client, member: Member, state: State) -> None:
    one = notice(member, state=state)
    assert page.post(f"/deliveries/{one.pk}/acknowledge").status_code == 404


def test_the_inbox_costs_the_same_for_many_notices(
    page: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    DeliveryFactory.create_batch(60, target=member.targets.get(kind="inbox"), state=State.SENT, sent_at=now())
    with django_assert_max_num_queries(10):
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


def shown(page: Client, path: str = "/inbox/") -> str:
    """The start that the forms of a page send back."""
    found = re.search(r'name="starts_at" value="([^"]+)"', page.get(path).content.decode())
    assert found is not None
    return found[1]


def move(one: Delivery, hours: int = 4) -> None:
    start = one.event.starts_at + timedelta(hours=hours)
    Event.objects.filter(pk=one.event_id).update(
        starts_at=start, deadline_at=start + timedelta(hours=1), updated_at=now()
    )


def call_for(one: Delivery) -> Delivery:
    made: Delivery = DeliveryFactory.create(
        event=one.event,
        registration=one.registration,
        target=TargetFactory.create(member=one.member, kind="calllike"),
        due_at=now() + timedelta(hours=4),
    )
    return made


@pytest.mark.parametrize("path", ["/inbox/", "/inbox/news", "detail"])
def test_an_answer_on_a_stale_page_counts_for_the_start_that_the_page_showed(
    page: Client, member: Member, path: str
) -> None:
    one = notice(member)
    told = shown(page, f"/deliveries/{one.pk}/" if path == "detail" else path)
    move(one)
    one.event.refresh_from_db()
    call = call_for(one)
    page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": told})
    call.refresh_from_db()
    assert call.state == State.PENDING
    assert Answer.objects.get().starts_at == datetime.fromisoformat(told)


@pytest.mark.parametrize("action", ["acknowledge", "snooze"])
def test_a_stale_page_says_where_the_event_moved_and_asks_about_the_new_start(
    page: Client, member: Member, action: str
) -> None:
    one = notice(member)
    told = shown(page)
    move(one)
    answer = page.post(
        f"/deliveries/{one.pk}/{action}", {"starts_at": told}, headers={"HX-Request": "true"}
    ).content.decode()
    start = Event.objects.get().starts_at
    assert f"{start:%H:%M} since this page was shown." in answer
    assert f'name="starts_at" value="{start.isoformat()}"' in answer
    assert f"/deliveries/{one.pk}/acknowledge" in answer


def test_the_new_start_is_acknowledged_on_the_page_that_shows_it(page: Client, member: Member) -> None:
    one = notice(member)
    told = shown(page)
    move(one)
    one.event.refresh_from_db()
    call = call_for(one)
    page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": told})
    page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": shown(page)})
    call.refresh_from_db()
    assert call.state == State.CANCELED


def test_a_toast_of_an_event_that_moved_stays_and_says_so(page: Client, member: Member) -> None:
    one = notice(member)
    told = shown(page, "/inbox/news")
    move(one)
    headers = {"HX-Request": "true", "HX-Target": f"toast-{one.pk}"}
    answer = page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": told}, headers=headers)
    assert answer["HX-Reswap"] == "outerHTML"
    assert f'id="toast-{one.pk}"' in answer.content.decode()
    assert "since this page was shown" in answer.content.decode()


def test_a_toast_that_was_answered_goes(page: Client, member: Member) -> None:
    one = notice(member)
    told = shown(page, "/inbox/news")
    headers = {"HX-Request": "true", "HX-Target": f"toast-{one.pk}"}
    answer = page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": told}, headers=headers)
    assert "HX-Reswap" not in answer


def test_without_scripts_a_stale_page_says_where_the_event_moved(page: Client, member: Member) -> None:
    one = notice(member)
    told = shown(page, f"/deliveries/{one.pk}/")
    move(one)
    path = f"/deliveries/{one.pk}/"
    answer = page.post(f"{path}acknowledge", {"starts_at": told, "next": path}, follow=True)
    assert "since this page was shown" in answer.content.decode()
    assert shown(page, path) == Event.objects.get().starts_at.isoformat()


@pytest.mark.parametrize("starts_at", ["", "soon", "2026-11-25T10:10:00", "9" * 40, "0001-01-01T00:00+14:00"])
def test_a_mangled_start_is_no_server_error(page: Client, member: Member, starts_at: str) -> None:
    one = notice(member)
    assert page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": starts_at}).status_code == 302


@pytest.mark.parametrize(("after", "minutes"), [("5", 5), ("10", 10), ("30", 30), ("", 5), ("-1", 5)])
def test_snooze_takes_a_choice_of_minutes(page: Client, member: Member, after: str, minutes: int) -> None:
    one = notice(member)
    with time_machine.travel(now(), tick=False):
        page.post(f"/deliveries/{one.pk}/snooze", {"after": after})
        again = Delivery.objects.get(origin="snooze")
        assert again.due_at == now() + timedelta(minutes=minutes)


def test_snooze_takes_the_start(page: Client, member: Member) -> None:
    with time_machine.travel(now(), tick=False):
        one = notice(member)
        page.post(f"/deliveries/{one.pk}/snooze", {"after": "start"})
        assert Delivery.objects.get(origin="snooze").due_at == one.event.starts_at


def test_the_choices_of_snooze_end_with_the_event(page: Client, member: Member) -> None:
    start = now() + timedelta(minutes=7)
    event = EventFactory.create(starts_at=start, deadline_at=start + timedelta(minutes=5))
    one = notice(member, event=event)
    html = page.get(f"/deliveries/{one.pk}/").content.decode()
    assert re.findall(r'name="after" value="(\w+)"', html) == ["5", "10", "start"]


def test_an_acknowledgement_takes_the_other_notices_of_the_event_off_the_count(
    page: Client, member: Member
) -> None:
    one = notice(member)
    notice(member, event=one.event, due_at=now() - timedelta(minutes=1))
    other = notice(member)
    assert news_for(member).unread == 3
    before = news_for(member).token
    page.post(f"/deliveries/{one.pk}/acknowledge")
    news = news_for(member)
    assert (news.unread, news.unseen) == (1, (other.pk,))
    assert news.token != before
    assert page.get("/inbox/").content.decode().count("is-answered") == 2


def test_a_colleague_s_acknowledgement_leaves_one_s_own_count(member: Member, other: Member) -> None:
    one = notice(member)
    theirs = notice(other, event=one.event)
    answers.acknowledge(theirs, "inbox")
    assert news_for(member).unread == 1


def test_an_acknowledgement_of_the_old_start_leaves_the_new_one_unread(page: Client, member: Member) -> None:
    one = notice(member)
    page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": shown(page)})
    move(one)
    notice(member, event=one.event)
    assert news_for(member).unread == 1


def test_an_open_inbox_is_drawn_again_when_an_event_moves(page: Client, member: Member) -> None:
    one = notice(member)
    token = news_for(member).token
    move(one)
    assert "inbox-changed" in page.get("/inbox/news", {"token": token})["HX-Trigger"]


def test_a_notice_acknowledged_before_its_event_moved_asks_again(page: Client, member: Member) -> None:
    one = notice(member)
    page.post(f"/deliveries/{one.pk}/acknowledge", {"starts_at": shown(page)})
    assert "answer-problem" not in page.get("/inbox/").content.decode()
    move(one)
    assert "Moved since you acknowledged it." in text_of(page.get("/inbox/"))
    assert shown(page) == Event.objects.get().starts_at.isoformat()
