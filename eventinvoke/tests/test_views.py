"""What is coming, what was delivered, timelines in the panel."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from common.clock import now
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Period, Receipt
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


def test_what_is_coming_says_what_how_and_when(page: Client, member: Member) -> None:
    one = mine(member)
    shown = text_of(page.get("/coming/"))
    assert "PFS telecon" in shown
    assert f"Call-like, {one.target}: " in shown


def test_what_is_over_or_somebody_else_s_is_not_coming(page: Client, member: Member) -> None:
    mine(member, state=State.SENT, event__title="Told")
    DeliveryFactory.create(event__title="Other")
    mine(member, registration=None, event__title="Deleted")
    shown = text_of(page.get("/coming/"))
    assert not {"Told", "Other", "Deleted"} & set(shown.split())
    assert "Nothing is coming" in shown


def test_the_staff_sees_what_is_coming_for_everybody(staff_page: Client, member: Member) -> None:
    mine(member)
    assert "PFS telecon" not in text_of(staff_page.get("/coming/"))
    assert "PFS telecon" in text_of(staff_page.get("/coming/?all=1"))


def test_an_open_page_is_told_nothing_while_nothing_changed(page: Client, member: Member) -> None:
    mine(member)
    found = re.search(r"token=(\w+)", page.get("/coming/").content.decode())
    assert found is not None
    live = {"HX-Request": "true"}
    assert page.get("/coming/", {"token": found[1]}, headers=live).status_code == 204
    mine(member)
    assert page.get("/coming/", {"token": found[1]}, headers=live).status_code == 200


@pytest.mark.parametrize("path", ["/coming/", "/delivered/"])
def test_a_list_costs_the_same_for_many_deliveries(
    page: Client, member: Member, path: str, django_assert_max_num_queries: Any
) -> None:
    state = State.PENDING if path == "/coming/" else State.SENT
    for _ in range(25):
        mine(member, state=state)
    with django_assert_max_num_queries(7):
        page.get(path)


def test_what_was_delivered_is_filtered_by_state_and_kind(page: Client, member: Member) -> None:
    mine(member, state=State.DELIVERED, event__title="Arrived")
    mine(member, state=State.FAILED, event__title="Broken")
    mine(member, state=State.CANCELED, event__title="Gone")
    shown = text_of(page.get("/delivered/"))
    assert {"Arrived", "Broken"} <= set(shown.split())
    assert "Gone" not in shown.split()
    assert "Arrived" not in text_of(page.get("/delivered/?state=failed"))
    assert "Gone" in text_of(page.get("/delivered/?state=canceled"))
    assert "Nothing fits" in text_of(page.get("/delivered/?kind=pushlike"))


def test_the_history_goes_on_page_by_page_without_a_gap_or_a_repeat(page: Client, member: Member) -> None:
    at = now() - timedelta(hours=1)
    for number in range(95):
        # Many at the same instant: the key decides.
        mine(member, state=State.SENT, due_at=at - timedelta(minutes=number // 30))
    seen: list[str] = []
    path = "/delivered/"
    for _ in range(3):
        html = page.get(path).content.decode()
        seen += re.findall(r'href="/deliveries/(\d+)/"', html)
        older = re.search(r'href="(\?[^"]*before=[^"]+)" rel="next"', html)
        path = "/delivered/" + (older[1].replace("&amp;", "&") if older else "")
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
@pytest.mark.parametrize("path", ["/delivered/", "/inbox/"])
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
        "Planned",
        "Not taken; it is tried again",
        "Sent again (try 2)",
        "The provider took it",
        "The phone rings",
        "Somebody picked up",
        "The provider reports “a-new-word”",
        "Confirmed by a key of the phone",
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


def test_somebody_else_s_delivery_and_event_are_not_found(page: Client, staff_page: Client) -> None:
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
    for path in ("/coming/", f"/events/{one.event_id}/", f"/deliveries/{one.pk}/"):
        html = page.get(path).content.decode()
        assert "<script>alert" not in html
        assert 'href="javascript' not in html


@pytest.mark.parametrize(
    "path",
    [
        "/coming/",
        "/delivered/",
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
def test_whoever_is_not_signed_in_is_led_to_the_login(client: Client, path: str) -> None:
    assert client.get(path)["Location"].startswith("/accounts/login/")


def test_a_browser_gets_the_public_key_to_subscribe_with(client: Client) -> None:
    key = client.get("/push/key").json()["key"]
    assert re.fullmatch(r"B[\w-]{86}", key)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("key 1", "Key 1 was pressed"),
        ("human", "A person answered"),
        ("completed by human", "The call is over"),
        ("machine_end_beep", "A voicemail picked up"),
        ("new-word", "The provider reports “new-word”"),
    ],
)
def test_a_receipt_s_word_is_said_in_plain_words(status: str, said: str) -> None:
    assert say_status(status) == said


def test_what_is_coming_says_what_will_be_held_back(page: Client, member: Member) -> None:
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
    shown = text_of(page.get("/coming/"))
    assert shown.count("will be held back: Observing run") == 1


def test_what_lasts_all_day_stands_on_its_day_wherever_somebody_is(page: Client, member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(time_zone="Pacific/Honolulu")
    with time_machine.travel(datetime(2026, 11, 20, 20, tzinfo=UTC), tick=False):
        starts_at = datetime(2026, 11, 22, tzinfo=UTC)
        day = EventFactory.create(
            title="Holiday", is_all_day=True, starts_at=starts_at, starts_on=starts_at.date()
        )
        mine(member, event=day, due_at=starts_at)
        mine(member, event__starts_at=datetime(2026, 11, 22, 9, tzinfo=UTC), due_at=starts_at)
        shown = text_of(page.get("/coming/"))
    assert re.search(r"Tomorrow.*PFS telecon.*Sun 22 Nov.*all day Holiday", shown), shown
