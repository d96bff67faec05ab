"""A signed id opens the pages of its own purpose, kind and call, until it expires and while its member is active."""

from datetime import timedelta
from typing import Final

import pytest
from django.test import Client
from django.urls import reverse

from common.clock import now
from common.process_ids import Purpose, sign
from common.states import State
from eventinvoke.models import Answer, Attempt, Delivery, Event, Receipt
from notification.tests.conftest import CALL, SMS, Ask, Notice, said
from registration.models import Member, Registration, Target, User

OTHER: Final = "CA" + "9" * 32
DAY: Final = timedelta(days=1)
PAGES: Final = {"answer": Purpose.ANSWER, "unsubscribe": Purpose.UNSUBSCRIBE, "push-report": Purpose.REPORT}
PURPOSES: Final = {
    "call-content": {"voice"},
    "call-key": {"voice"},
    "call-status": {"voice"},
    "message-status": {"sms"},
    "push-report": {"webpush"},
    "answer": {"email", "sms"},
    "unsubscribe": {"email"},
}
"""The kinds of delivery that each page is for."""
TWILIO: Final = {"CallStatus": "busy", "MessageStatus": "delivered", "MessageSid": SMS, "Digits": "1"}

pytestmark = pytest.mark.usefixtures("db", "account")


def open_page(name: str, signed_id: str, ask: Ask, call_sid: str = CALL) -> int:
    """Post to a page all that would make it act; return the status."""
    if name.startswith(("call", "message")):
        return ask(name, signed_id, **TWILIO | {"CallSid": call_sid}).status_code
    path = reverse(f"notification:{name}", args=[signed_id])
    if name == "push-report":
        return Client().post(path, {"what": "confirm"}, content_type="application/json").status_code
    return Client().post(path, {"do": "acknowledge"}).status_code


def effects(notice: Notice) -> tuple[object, ...]:
    target = Target.objects.filter(pk=notice.delivery.target_id or 0, disabled_at__isnull=False)
    return notice.state, Receipt.objects.count(), Answer.objects.count(), target.exists()


@pytest.mark.parametrize("kind", ["voice", "sms", "webpush", "email", "inbox"])
@pytest.mark.parametrize("page", PURPOSES)
def test_a_page_accepts_the_kinds_that_it_is_for(page: str, kind: str, ask: Ask) -> None:
    notice = Notice(kind)
    before = effects(notice)
    status = open_page(page, sign(notice.attempt.pk, PAGES.get(page, Purpose.REPORT)), ask)
    if kind in PURPOSES[page]:
        assert status in {200, 204}
        assert effects(notice) != before or page == "call-content"
    else:
        assert status == 404
        assert effects(notice) == before


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("page", PURPOSES)
def test_an_id_opens_pages_of_its_own_purpose_alone(page: str, purpose: Purpose, ask: Ask) -> None:
    notice = Notice(min(PURPOSES[page]))
    if purpose == PAGES.get(page, Purpose.REPORT):
        return
    before = effects(notice)
    assert open_page(page, sign(notice.attempt.pk, purpose), ask) == 404
    assert effects(notice) == before


@pytest.mark.parametrize("page", ["call-content", "call-key", "call-status"])
def test_another_call_than_the_attempt_s_changes_and_tells_nothing(page: str, ask: Ask, call: Notice) -> None:
    Attempt.objects.update(provider_id=CALL)
    before = effects(call)
    for sid in (OTHER, "", CALL[:-1]):
        assert open_page(page, call.process_id, ask, sid) in {400, 404}
    assert effects(call) == before
    assert open_page(page, call.process_id, ask) in {200, 204}


def test_another_message_than_the_attempt_s_changes_nothing(ask: Ask, sms: Notice) -> None:
    Attempt.objects.update(provider_id="SM" + "8" * 32)
    before = effects(sms)
    assert open_page("message-status", sms.process_id, ask) == 404
    assert effects(sms) == before


@pytest.mark.parametrize("page", ["call-content", "call-key", "call-status"])
def test_a_call_whose_answer_was_lost_is_the_first_that_is_reported(
    page: str, ask: Ask, call: Notice
) -> None:
    assert open_page(page, call.process_id, ask) in {200, 204}
    assert Attempt.objects.get().provider_id == CALL
    assert open_page(page, call.process_id, ask, OTHER) == 404


GRACE: Final = {"answer": 7 * DAY, "unsubscribe": 30 * DAY, "push-report": 7 * DAY}


@pytest.mark.parametrize("page", GRACE)
@pytest.mark.parametrize("later", ["the deadline", "the end"])
def test_a_link_expires_after_the_deadline_or_the_end_whichever_is_later(
    page: str, later: str, ask: Ask
) -> None:
    minute = timedelta(minutes=1)
    for is_over in (False, True):
        notice = Notice(min(PURPOSES[page]))
        last = now() - GRACE[page] + (-minute if is_over else minute)
        first = last - 3 * DAY
        deadline, end = (last, first) if later == "the deadline" else (first, last)
        Event.objects.filter(pk=notice.delivery.event_id).update(
            starts_at=first - DAY, ends_at=end, deadline_at=first
        )
        Delivery.objects.filter(pk=notice.delivery.pk).update(deadline_at=deadline)
        before = effects(notice)
        status = open_page(page, sign(notice.attempt.pk, PAGES[page]), ask)
        assert status == (410 if is_over else 200)
        assert (effects(notice) == before) is is_over


def path(page: str, notice: Notice) -> str:
    return reverse(f"notification:{page}", args=[sign(notice.attempt.pk, PAGES[page])])


@pytest.mark.parametrize("page", ["answer", "unsubscribe"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_expired_link_says_so_in_the_member_s_language(page: str, method: str, client: Client) -> None:
    notice = Notice("email", language="de")
    Event.objects.update(starts_at=now() - 40 * DAY, ends_at=None, deadline_at=now() - 40 * DAY)
    Delivery.objects.update(deadline_at=now() - 40 * DAY)
    answer = getattr(client, method)(path(page, notice), {"do": "acknowledge"})
    assert answer.status_code == 410
    assert "Dieser Link ist abgelaufen." in answer.content.decode()
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Weekly telecon" not in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_an_inactive_member_s_links_do_nothing(page: str, ask: Ask) -> None:
    notice = Notice(min(PURPOSES[page]))
    User.objects.update(is_active=False)
    before = effects(notice)
    assert open_page(page, sign(notice.attempt.pk, PAGES[page]), ask) == 410
    assert effects(notice) == before


def test_a_call_to_a_member_who_is_inactive_meanwhile_is_recorded_and_tells_nothing(
    ask: Ask, call: Notice
) -> None:
    User.objects.update(is_active=False)
    assert "telecon" not in said(ask("call-content", call))
    assert "switched off" in said(ask("call-key", call, Digits="1"))
    assert not Answer.objects.exists()
    assert ask("call-status", call, CallStatus="completed").status_code == 204
    assert Receipt.objects.count() == 2
    assert call.state == State.DELIVERED


def test_stop_by_text_of_an_inactive_member_is_recorded(ask: Ask, sms: Notice) -> None:
    User.objects.update(is_active=False)
    told = {"MessageSid": SMS, "MessageStatus": "undelivered", "ErrorCode": "21610"}
    assert ask("message-status", sms, **told).status_code == 204
    assert sms.state == State.UNDELIVERED


GONE: Final = {"member": Member, "account": User, "target": Target, "registration": Registration}


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("page", PURPOSES)
def test_what_was_deleted_meanwhile_is_no_error(page: str, gone: str, ask: Ask) -> None:
    notice = Notice(min(PURPOSES[page]))
    GONE[gone].objects.all().delete()  # type: ignore[attr-defined]
    signed_id = sign(notice.attempt.pk, PAGES.get(page, Purpose.REPORT))
    assert open_page(page, signed_id, ask) in {200, 204, 410}
    if page in {"answer", "unsubscribe"}:
        shown = Client().get(reverse(f"notification:{page}", args=[signed_id]))
        assert shown.status_code in {200, 410}
