"""Upcoming, History, and the timelines in the panel."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, DailyCount, Delivery, Event, Period, Receipt
from eventinvoke.replies import answers
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from eventinvoke.views.timeline import say_status
from registration.models import Member
from registration.tests.factories import RegistrationFactory, TargetFactory
from registration.tests.pages import text_of

pytestmark = pytest.mark.django_db


def mine(member: Member, **more: Any) -> Delivery:
    made: Delivery = DeliveryFactory.create(
        target=TargetFactory.create(member=member, kind="calllike"), **more
    )
    return made


def test_upcoming_says_what_how_and_when(page: Client, member: Member) -> None:
    one = mine(member)
    shown = text_of(page.get("/upcoming/"))
    assert "PFS telecon" in shown
    assert f"Call-like, {one.target}: " in shown


def test_upcoming_shows_neither_what_is_over_nor_another_member_s(page: Client, member: Member) -> None:
    mine(member, state=State.SENT, event__title="Told")
    DeliveryFactory.create(event__title="Other")
    mine(member, registration=None, event__title="Deleted")
    shown = text_of(page.get("/upcoming/"))
    assert not {"Told", "Other", "Deleted"} & set(shown.split())
    assert "Nothing scheduled" in shown


def test_the_staff_sees_what_is_upcoming_for_all_members(staff_page: Client, member: Member) -> None:
    mine(member)
    assert "PFS telecon" not in text_of(staff_page.get("/upcoming/"))
    assert "PFS telecon" in text_of(staff_page.get("/upcoming/?all=1"))


def test_an_open_page_is_told_nothing_while_nothing_changed(page: Client, member: Member) -> None:
    mine(member)
    found = re.search(r"token=(\w+)", page.get("/upcoming/").content.decode())
    assert found is not None
    live = {"HX-Request": "true"}
    assert page.get("/upcoming/", {"token": found[1]}, headers=live).status_code == 204
    mine(member)
    assert page.get("/upcoming/", {"token": found[1]}, headers=live).status_code == 200


@pytest.mark.parametrize("path", ["/upcoming/", "/history/"])
def test_a_list_costs_the_same_for_many_deliveries(
    page: Client, member: Member, path: str, django_assert_max_num_queries: Any
) -> None:
    state = State.PENDING if path == "/upcoming/" else State.SENT
    for _ in range(25):
        mine(member, state=state)
    with django_assert_max_num_queries(12):
        page.get(path)


def test_history_is_filtered_by_state_and_kind(page: Client, member: Member) -> None:
    mine(member, state=State.DELIVERED, event__title="Arrived")
    mine(member, state=State.FAILED, event__title="Broken")
    mine(member, state=State.CANCELED, event__title="Gone")
    shown = text_of(page.get("/history/"))
    assert {"Arrived", "Broken"} <= set(shown.split())
    assert "Gone" not in shown.split()
    assert "Arrived" not in text_of(page.get("/history/?state=failed"))
    assert "Gone" in text_of(page.get("/history/?state=canceled"))
    assert "No matches" in text_of(page.get("/history/?kind=pushlike"))


def test_the_history_goes_on_page_by_page_without_a_gap_or_a_repeat(page: Client, member: Member) -> None:
    at = now() - timedelta(hours=1)
    for number in range(95):
        # Many at the same instant: the key decides.
        mine(member, state=State.SENT, due_at=at - timedelta(minutes=number // 30))
    seen: list[str] = []
    path = "/history/"
    for _ in range(3):
        html = page.get(path).content.decode()
        seen += re.findall(r'href="/deliveries/(\d+)/"', html)
        older = re.search(r'href="(\?[^"]*before=[^"]+)" rel="next"', html)
        path = "/history/" + (older[1].replace("&amp;", "&") if older else "")
    assert len(seen) == len(set(seen)) == 95
    assert older is None


@pytest.mark.parametrize(
    "before",
    [
        "x",
        "2026-01-01_1",
        "_",
        f"{'9' * 30}_{'9' * 30}",
        "2026-01-01T00:00:00+00:00_x",
        "0001-01-01T00:00:00+14:00_1",
    ],
)
@pytest.mark.parametrize("path", ["/history/", "/inbox/"])
def test_a_mangled_page_mark_is_passed_over(page: Client, path: str, before: str) -> None:
    assert page.get(path, {"before": before}).status_code == 200


def test_a_timeline_tells_everything_in_its_order(page: Client, member: Member) -> None:
    at = now() - timedelta(minutes=10)
    one = mine(member, state=State.ACKNOWLEDGED, created_at=at, attempts=2)
    for number, outcome in ((1, "retry"), (2, "accepted")):
        start = at + timedelta(minutes=number)
        attempt = Attempt.objects.create(
            delivery=one,
            number=number,
            started_at=start,
            ended_at=start,
            outcome=outcome,
            reason="",
            provider_id="1",
        )
    for number, status in enumerate(("ringing", "in-progress", "a-new-word")):
        Receipt.objects.create(
            attempt=attempt,
            status=status,
            fingerprint=status,
            received_at=at + timedelta(minutes=3 + number),
            is_applied=status == "in-progress",
        )
    Answer.objects.create(
        event=one.event,
        member=member,
        delivery=one,
        kind=Answer.Kind.CONFIRMED,
        starts_at=one.event.starts_at,
        way="key",
        at=at + timedelta(minutes=7),
    )
    shown = text_of(page.get(f"/deliveries/{one.pk}/"))
    sentences = [
        "Scheduled",
        "Not accepted; will be tried again",
        "Sent again (attempt 2)",
        "Accepted by provider",
        "Ringing",
        "Answered",
        "Reported by provider: “a-new-word”",
        "Acknowledged by keypress",
    ]
    places = [shown.index(sentence) for sentence in sentences]
    assert places == sorted(places)


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_page(page: Client, member: Member, state: State) -> None:
    lease = now() if state is State.SENDING else None
    one = mine(member, state=state, reason="A reason.", lease_until=lease)
    assert page.get(f"/deliveries/{one.pk}/").status_code == 200
    assert page.get(f"/events/{one.event_id}/").status_code == 200


@pytest.mark.parametrize(
    "outcome", ["", "accepted", "delivered", "retry", "rejected", "gone", "misconfigured", "unknown"]
)
def test_every_outcome_has_a_sentence(page: Client, member: Member, outcome: str) -> None:
    one = mine(member, state=State.SENT)
    Attempt.objects.create(delivery=one, outcome=outcome)
    assert page.get(f"/deliveries/{one.pk}/").status_code == 200


def test_another_member_s_delivery_and_event_are_not_found(page: Client, staff_page: Client) -> None:
    other = DeliveryFactory.create()
    for path in (f"/deliveries/{other.pk}/", f"/events/{other.event_id}/"):
        assert page.get(path).status_code == 404
        assert staff_page.get(path).status_code == 200


def test_an_event_shows_no_more_than_one_s_own_deliveries_and_answers(page: Client, member: Member) -> None:
    event = EventFactory.create()
    mine(member, event=event)
    other = DeliveryFactory.create(event=event)
    Answer.objects.create(
        event=event,
        member=other.member,
        delivery=other,
        kind="confirmed",
        starts_at=event.starts_at,
        way="key",
    )
    shown = text_of(page.get(f"/events/{event.pk}/"))
    assert other.member.name not in shown
    assert member.name in shown


def test_what_a_source_says_is_shown_as_text(page: Client, member: Member) -> None:
    one = mine(member, event__title="<script>alert(1)</script>", event__url="javascript:alert(1)")
    for path in ("/upcoming/", f"/events/{one.event_id}/", f"/deliveries/{one.pk}/"):
        html = page.get(path).content.decode()
        assert "<script>alert" not in html
        assert 'href="javascript' not in html


@pytest.mark.parametrize(
    "path",
    [
        "/upcoming/",
        "/history/",
        "/inbox/",
        "/changes/",
        "/calendars/1/",
        "/calendars/counts",
        "/deliveries/1/",
        "/events/1/",
        "/targets/",
        "/calendars/",
    ],
)
def test_a_visitor_who_is_not_signed_in_is_led_to_the_login(client: Client, path: str) -> None:
    assert client.get(path)["Location"].startswith("/accounts/login/")


def test_a_browser_gets_the_public_key_to_subscribe_with(client: Client) -> None:
    key = client.get("/push/key").json()["key"]
    assert re.fullmatch(r"B[\w-]{86}", key)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("key 1", "Key 1 pressed"),
        ("human", "Answered by a person"),
        ("completed by human", "Call ended"),
        ("machine_end_beep", "Answered by voicemail"),
        ("new-word", "Reported by provider: “new-word”"),
    ],
)
def test_a_receipt_s_word_is_said_in_plain_words(status: str, said: str) -> None:
    assert say_status(status)[1] == said


def test_upcoming_says_what_a_mute_will_hold_back(page: Client, member: Member) -> None:
    hour = timedelta(hours=1)
    mute = RegistrationFactory.create(member=member, action="mute")
    run = EventFactory.create(title="Observing run", starts_at=now() - hour, ends_at=now() + hour)
    Period.objects.create(
        member=member,
        registration=mute,
        event=run,
        kind="mute",
        starts_at=run.starts_at,
        ends_at=now() + hour,
    )
    mine(member, due_at=now() + hour / 2)
    mine(member, due_at=now() + 2 * hour)
    shown = text_of(page.get("/upcoming/"))
    assert shown.count("will be held back: Observing run") == 1


def test_an_all_day_event_stands_on_its_day_in_every_zone(page: Client, member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone="Pacific/Honolulu")
    with time_machine.travel(datetime(2026, 11, 20, 20, tzinfo=UTC), tick=False):
        starts_at = datetime(2026, 11, 22, tzinfo=UTC)
        day = EventFactory.create(
            title="Holiday", is_all_day=True, starts_at=starts_at, starts_on=starts_at.date()
        )
        mine(member, event=day, due_at=starts_at)
        mine(member, event__starts_at=datetime(2026, 11, 22, 9, tzinfo=UTC), due_at=starts_at)
        shown = text_of(page.get("/upcoming/"))
    assert re.search(r"Tomorrow.*PFS telecon.*Sun 22 Nov.*all day Holiday", shown), shown


def test_pages_under_their_old_addresses_lead_on_for_good(page: Client, member: Member) -> None:
    one = mine(member, state=State.SENT)
    for old, new in (("/coming/?all=1", "/upcoming/?all=1"), ("/delivered/?kind=sms", "/history/?kind=sms")):
        answer = page.get(old)
        assert (answer.status_code, answer["Location"]) == (308, new)
    answer = page.post(f"/deliveries/{one.pk}/confirm", follow=True)
    assert answer.redirect_chain[0] == (f"/deliveries/{one.pk}/acknowledge", 308)
    one.refresh_from_db()
    assert one.state == State.ACKNOWLEDGED


def story(page: Client, one: Delivery) -> list[tuple[str, str]]:
    """The lines of a delivery's timeline: colour and title."""
    html = page.get(f"/deliveries/{one.pk}/").content.decode()
    return re.findall(r'avatar-sm bg-(\w+)-lt.*?fw-medium">([^<]+)<', html, re.DOTALL)


def tried(one: Delivery, at: datetime, *statuses: str) -> Attempt:
    """An attempt that was accepted, with receipts a minute apart."""
    attempt = Attempt.objects.create(
        delivery=one, started_at=at, ended_at=at, outcome="accepted", provider_id=f"{one.pk}"
    )
    for number, status in enumerate(statuses, start=1):
        Receipt.objects.create(
            attempt=attempt,
            status=status,
            fingerprint=f"{one.pk} {status}",
            received_at=at + timedelta(minutes=number),
            is_applied=number == len(statuses),
        )
    return attempt


def test_not_reached_stands_where_it_happened_and_is_drawn_as_bad_news(page: Client, member: Member) -> None:
    at = now() - timedelta(minutes=10)
    one = mine(member, state=State.UNDELIVERED, created_at=at, due_at=at, reason="No answer.")
    tried(one, at, "ringing", "no-answer")
    Answer.objects.create(
        event=one.event,
        member=member,
        delivery=one,
        kind=Answer.Kind.SNOOZED,
        starts_at=one.event.starts_at,
        way="key",
        at=at + timedelta(minutes=5),
    )
    lines = story(page, one)
    titles = [title for _colour, title in lines]
    assert titles.index("No answer") < titles.index("Not reached") < titles.index("Snoozed by keypress")
    assert {("red", "Not reached"), ("red", "No answer")} <= set(lines)
    shown = text_of(page.get(f"/deliveries/{one.pk}/"))
    assert f"Not reached Today, {at + timedelta(minutes=2):%H:%M:%S}" in shown


@pytest.mark.parametrize(
    "status", ["busy", "no-answer", "failed", "undelivered", "machine_start", "fax", "bounced"]
)
def test_a_receipt_with_bad_news_is_red_whether_or_not_it_changed_the_state(status: str) -> None:
    assert say_status(status)[0] == "red"


@pytest.mark.parametrize("status", ["shown", "clicked", "seen", "human", "delivered", "in-progress", "key 1"])
def test_a_receipt_with_good_news_is_not_red(status: str) -> None:
    assert say_status(status)[0] == "teal"


def test_a_try_that_failed_stands_at_its_own_time(page: Client, member: Member) -> None:
    at = now() - timedelta(minutes=10)
    one = mine(
        member, state=State.FAILED, created_at=at, due_at=at, next_attempt_at=now() + timedelta(hours=1)
    )
    Attempt.objects.create(delivery=one, started_at=at, ended_at=at, outcome="rejected")
    assert f"Failed Today, {at:%H:%M:%S}" in text_of(page.get(f"/deliveries/{one.pk}/"))


def test_a_canceled_delivery_is_not_canceled_in_the_future(page: Client, member: Member) -> None:
    later = now() + timedelta(days=2)
    one = mine(member, state=State.CANCELED, due_at=later, reason="The registration was deleted.")
    shown = text_of(page.get(f"/deliveries/{one.pk}/"))
    assert "Canceled The registration was deleted." in shown
    canceled_at = now() - timedelta(minutes=3)
    Event.objects.filter(pk=one.event_id).update(canceled_at=canceled_at)
    Delivery.objects.filter(pk=one.pk).update(created_at=canceled_at - timedelta(hours=1))
    assert f"Canceled Today, {canceled_at:%H:%M:%S}" in text_of(page.get(f"/deliveries/{one.pk}/"))


@pytest.mark.parametrize("source", ["summary", "system"])
def test_a_digest_or_account_notice_that_was_snoozed_is_upcoming(
    page: Client, member: Member, source: str
) -> None:
    soon = now() + timedelta(minutes=5)
    mine(
        member,
        event__source=source,
        event__title="Held back during “Run”",
        event__starts_at=now(),
        event__deadline_at=now() + timedelta(days=1),
        registration=None,
        origin="snooze",
        due_at=soon,
    )
    shown = text_of(page.get("/upcoming/"))
    assert "Held back during “Run”" in shown
    assert "snoozed" in shown


def test_upcoming_says_what_falls_into_quiet_hours(page: Client, member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone="UTC", quiet_from=time(22), quiet_until=time(7))
    with time_machine.travel(datetime(2026, 11, 20, 20, tzinfo=UTC), tick=False):
        night = datetime(2026, 11, 20, 23, tzinfo=UTC)
        mine(member, due_at=night, event__starts_at=night, event__title="Night run")
        mine(member, due_at=night - timedelta(hours=2))
        mine(member, due_at=night, event__starts_at=night, severity=30)
        shown = text_of(page.get("/upcoming/"))
    note = "in your quiet hours; goes into the digest at 07:00"
    assert shown.count(note) == 1
    assert shown.index("Night run") < shown.index(note)


def test_quiet_hours_of_another_member_are_named(staff_page: Client, member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone="UTC", quiet_from=time(22), quiet_until=time(7))
    with time_machine.travel(datetime(2026, 11, 20, 20, tzinfo=UTC), tick=False):
        mine(member, due_at=datetime(2026, 11, 20, 23, tzinfo=UTC))
        assert f"in {member.name}'s quiet hours" in text_of(staff_page.get("/upcoming/?all=1"))


def test_upcoming_says_what_is_over_the_daily_limit(page: Client, member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone="UTC", daily_cap=3, critical_reserve=1)
    with time_machine.travel(datetime(2026, 11, 20, 10, tzinfo=UTC), tick=False):
        DailyCount.objects.create(member=member, day=now().date(), used=1)
        for minutes in (10, 20, 30):
            mine(member, due_at=now() + timedelta(minutes=minutes))
        mine(member, due_at=now() + timedelta(minutes=40), severity=30)
        mine(member, due_at=now() + timedelta(days=1))
        shown = text_of(page.get("/upcoming/"))
    assert shown.count("over your limit of 3 notices that day") == 2


def token_of(page: Client, path: str) -> str:
    found = re.search(r"token=([\w.-]+)\" hx-trigger=\"every 5s", page.get(path).content.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["/upcoming/", "/events/{event}/", "/deliveries/{pk}/"])
def test_an_open_page_is_drawn_again_when_its_event_moves_or_is_canceled(
    page: Client, member: Member, path: str
) -> None:
    one = mine(member)
    path, live = path.format(event=one.event_id, pk=one.pk), {"HX-Request": "true"}
    for change in ({"starts_at": now() + timedelta(minutes=30)}, {"canceled_at": now()}):
        token = token_of(page, path)
        assert page.get(path, {"token": token}, headers=live).status_code == 204
        Event.objects.filter(pk=one.event_id).update(**change, updated_at=now())
        assert page.get(path, {"token": token}, headers=live).status_code == 200


@pytest.mark.parametrize("path", ["/events/{event}/", "/deliveries/{pk}/"])
def test_an_open_page_is_drawn_again_when_a_notice_goes_out_is_heard_of_or_answered(
    page: Client, member: Member, path: str
) -> None:
    one = mine(member)
    path, live = path.format(event=one.event_id, pk=one.pk), {"HX-Request": "true"}
    Delivery.objects.filter(pk=one.pk).update(state=State.SENT, attempts=1)
    seen = {token_of(page, path)}
    attempt = tried(one, now(), "ringing")
    seen.add(token_of(page, path))
    answers.snooze(Delivery.objects.get(pk=one.pk), "panel")
    seen.add(token_of(page, path))
    assert len(seen) == 3
    assert attempt.delivery_id == one.pk
    assert page.get(path, {"token": token_of(page, path)}, headers=live).status_code == 204


@pytest.mark.parametrize(
    ("path", "count"), [("/upcoming/", 8), ("/events/{event}/", 7), ("/deliveries/{pk}/", 5)]
)
def test_a_poll_of_an_open_page_costs_few_queries(  # session, account, member, and the page's own
    page: Client, member: Member, path: str, count: int, django_assert_max_num_queries: Any
) -> None:
    one = mine(member)
    path = path.format(event=one.event_id, pk=one.pk)
    token = token_of(page, path)
    with django_assert_max_num_queries(count):
        answer = page.get(path, {"token": token}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
