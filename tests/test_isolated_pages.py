"""No text that another person wrote reorders what stands around it, on any page (UAX 9)."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from common.channels import Outcome
from common.clock import now
from common.process_ids import Purpose, sign
from common.states import State
from common.texts import BIDI_CONTROLS
from eventinvoke.links import path
from eventinvoke.models import Answer, Attempt, Delivery, Event, EventChange, Receipt
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Calendar, CalendarAccount, Member, Registration, Target
from registration.tests.factories import CalendarFactory, DateFactory, RegistrationFactory, StepFactory
from registration.tests.form_data import standing
from tests.fixtures.people import signed_in

pytestmark = pytest.mark.django_db
BAD: Final = "left\u202eright\u2069out\u200f"
_ISOLATES: Final = frozenset("\u2066\u2067\u2068")
_PDI: Final = "\u2069"


class Texts(HTMLParser):
    """Collects the texts and attributes that a page shows; what a field holds for editing stays as it was typed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_typed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_typed = tag == "textarea"
        for name, value in attrs:
            if not (tag in {"input", "option", "button"} and name == "value"):
                self.found.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._is_typed = False

    def handle_data(self, data: str) -> None:
        if not self._is_typed:
            self.found.append(data)


def reaches_out(text: str) -> bool:
    """Say whether a control in the text is outside an isolate, or an isolate is not closed."""
    depth = 0
    for character in text:
        if character in _ISOLATES:
            depth += 1
        elif character in BIDI_CONTROLS and depth == 0:
            return True
        elif character == _PDI:
            depth -= 1
    return depth > 0


def wrong_in(html: str) -> list[str]:
    page = Texts()
    page.feed(html)
    return [text.strip() for text in page.found if reaches_out(text)]


def test_the_check_finds_what_reaches_out() -> None:
    html = f'<p title="{BAD}">{escape(BAD)}</p><p>\u2068left\u202eright\u202c\u2069</p><textarea>{BAD}</textarea>'
    assert len(wrong_in(html)) == 2


@pytest.fixture
def hostile(staff: Member) -> Member:
    """A member of the staff, whose every name and text turns around what follows it."""
    user = staff.user
    user.is_superuser, user.first_name, user.last_name = True, BAD, BAD
    user.save()
    Member.objects.filter(pk=staff.pk).update(name=BAD)
    staff.refresh_from_db()
    account = CalendarAccount.objects.create(
        owner=staff, provider="caldav", name=BAD, url="https://192.0.2.7/"
    )
    calendar = CalendarFactory.create(owner=staff, name=BAD, problem=BAD, failures=3)
    CalendarFactory.create(owner=staff, name=BAD, kind="caldav", account=account, remote_id=BAD)
    phone = Target.objects.create(
        member=staff,
        kind="sms",
        address="+12025550123",
        fingerprint="1",
        shown=BAD,
        label=BAD,
        disabled_reason=BAD,
    )
    for target in (phone, staff.targets.get(kind="inbox")):
        Target.objects.filter(pk=target.pk).update(label=BAD)
    plan = RegistrationFactory.create(
        member=staff, calendar=calendar, name=BAD, pattern=BAD, exclude=BAD, syntax="words", created_by=staff
    )
    date = DateFactory.create(member=staff, name=BAD, title=BAD, description=BAD, location=BAD)
    for one in (plan, date):
        StepFactory.create(registration=one, target=phone)
    texts = {
        "title": BAD,
        "description": BAD,
        "location": BAD,
        "labels": {"organiser": BAD, "attendees": BAD},
    }
    for target in staff.targets.all():
        for state in State:
            event = EventFactory.create(source=calendar.source, **texts)
            made_of(event, target, plan, state)
    return staff


def made_of(event: Event, target: Target, plan: Registration, state: str) -> None:
    lease = now() + timedelta(hours=1) if state == State.SENDING else None
    delivery = DeliveryFactory.create(
        event=event,
        target=target,
        registration=plan,
        state=state,
        reason=BAD,
        sent_at=now(),
        lease_until=lease,
    )
    attempt = Attempt.objects.create(
        delivery=delivery, number=1, started_at=now(), ended_at=now(), outcome=Outcome.REJECTED, reason=BAD
    )
    Receipt.objects.create(attempt=attempt, status=BAD, fingerprint=f"{delivery.pk}", received_at=now())
    for kind in Answer.Kind:
        Answer.objects.create(
            event=event, member=target.member, delivery=delivery, kind=kind, starts_at=event.starts_at,
            way="page", channel=target.kind, member_name=BAD,
        )  # fmt: skip
    before = {"title": BAD, "location": BAD, "starts_at": now().isoformat()}
    for change in EventChange.Kind:
        after = {"title": BAD + "2", "location": BAD + "2", "starts_at": now().isoformat()}
        EventChange.objects.create(event=event, kind=change, before=before, after=after)


def addresses() -> list[str]:
    lists = [
        "eventinvoke:upcoming-list", "eventinvoke:change-list", "eventinvoke:history-list", "eventinvoke:inbox",
        "eventinvoke:inbox-news", "registration:profile-edit", "registration:target-list",
        "registration:registration-list", "registration:registration-add", "registration:calendar-list",
        "registration:calendar-add", "eventupdate:caldav-connect", "simulator:phone",
    ]  # fmt: skip
    found = [reverse(name) for name in lists]
    found += [f"{one}?all=1&q={BAD}" for one in found]
    objects: list[tuple[str, Any]] = [
        ("eventinvoke:calendar-detail", Calendar), ("eventinvoke:delivery-detail", Delivery),
        ("eventinvoke:event-detail", Event), ("registration:target-edit", Target),
        ("registration:registration-edit", Registration), ("registration:calendar-edit", Calendar),
        ("registration:target-verify", Target), ("simulator:phone", Target),
    ]  # fmt: skip
    for name, model in objects:
        found += [reverse(name, args=[pk]) for pk in model.objects.values_list("pk", flat=True)]
    return found


def test_every_page_isolates_what_others_wrote(hostile: Member) -> None:
    browser = signed_in(hostile)
    wrong, shown = {}, 0
    for address in addresses():
        html = browser.get(address).content.decode()
        shown += BAD[:5] in html
        if some := wrong_in(html):
            wrong[address] = some[:3]
    assert wrong == {}
    assert shown > 50


def test_the_preview_of_a_search_isolates_what_it_finds(hostile: Member) -> None:
    form = standing(
        hostile.targets.get(kind="inbox"), pattern=BAD[:4], searched=["title", "location"], member=hostile.pk
    )
    html = signed_in(hostile).post(reverse("eventinvoke:match-list"), form).content.decode()
    assert html.count(BAD[4:10]) > 2
    assert wrong_in(html) == []


def test_the_page_of_a_link_and_a_button_s_sentence_isolate_it(hostile: Member) -> None:
    for attempt in Attempt.objects.filter(delivery__kind="sms")[:3]:
        html = Client().get(path("notification:answer", sign(attempt.pk, Purpose.ANSWER))).content.decode()
        assert BAD[:5] in html
        assert wrong_in(html) == []
    browser = signed_in(hostile)
    for address in ("test", "disable", "enable"):
        target = hostile.targets.get(kind="sms")
        page = browser.post(f"/targets/{target.pk}/{address}", follow=True).content.decode()
        assert wrong_in(page) == []
