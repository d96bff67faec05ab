"""A test that is sent at once, and the language of what is sent."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from registration import verification
from registration.models import Member, Target
from registration.tests.factories import MemberFactory, TargetFactory
from registration.tests.pages import settled, text_of
from registration.tests.stand_ins import Pager

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def pager_of(member: Member, address: str = "4711", **more: datetime | None) -> Target:
    target: Target = TargetFactory.create(
        **{"member": member, "kind": "pager", "address": address, "label": "My pager", "verified_at": NOON}
        | more
    )
    return target


def ask(page: Client, target: Target) -> str:
    return text_of(settled(page, page.post(f"/targets/{target.pk}/test", follow=True)))


def test_a_test_goes_to_the_target_and_the_page_says_so(page: Client, member: Member, pager: Pager) -> None:
    assert "A test is on its way to My pager." in ask(page, pager_of(member))
    (sent,) = pager.sent
    assert (sent.address, sent.body) == ("4711", "This is a test. Your notices arrive here.")
    assert not sent.process_id


def test_what_the_provider_refuses_is_told_in_its_words(page: Client, member: Member, pager: Pager) -> None:
    said = ask(page, pager_of(member, "refused"))
    assert "The test could not be sent. This pager does not exist." in said


def test_a_second_test_has_to_wait_two_minutes(page: Client, member: Member, pager: Pager) -> None:
    target = pager_of(member)
    with time_machine.travel(NOON, tick=False) as clock:
        ask(page, target)
        clock.shift(timedelta(minutes=1, seconds=59))
        assert "Wait two minutes" in ask(page, target)
        assert len(pager.sent) == 1
        clock.shift(timedelta(seconds=1))
        ask(page, target)
    assert len(pager.sent) == 2


@pytest.mark.parametrize("state", [{"verified_at": None}, {"disabled_at": NOON}])
def test_a_target_that_is_not_ready_is_not_tested(
    page: Client, member: Member, pager: Pager, state: dict[str, datetime | None]
) -> None:
    target = pager_of(member, "4711", **state)
    assert page.post(f"/targets/{target.pk}/test").status_code == 404
    assert pager.sent == []


def test_another_member_s_target_is_not_tested(page: Client, pager: Pager) -> None:
    target = pager_of(MemberFactory.create())
    assert page.post(f"/targets/{target.pk}/test").status_code == 404
    assert pager.sent == []


@pytest.mark.usefixtures("pager")
def test_the_list_offers_a_test_of_what_is_ready_but_the_inbox(page: Client, member: Member) -> None:
    assert "Send test" not in text_of(page.get("/targets/"))
    pager_of(member)
    assert "Send test" in text_of(page.get("/targets/"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Your code for"),
        ("de", "Ihr Code für"),
        ("de-at", "Ihr Code für"),
        ("fr", "Votre code"),
        ("ja", "コード"),
    ],
)
def test_a_code_is_sent_in_the_member_s_language(
    member: Member, pager: Pager, language: str, words: str
) -> None:
    Member.objects.update(language=language)
    verification.start(pager_of(Member.objects.get(pk=member.pk), verified_at=None))
    assert words in pager.sent[-1].body
