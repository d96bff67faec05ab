"""Codes: sent, counted, hashed, taken once."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.db import connection

from common.errors import InputError, ProviderError
from registration import verification
from registration.models import Target, Verification
from registration.tests.factories import MemberFactory, TargetFactory
from registration.tests.stand_ins import Pager

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def new_target(address: str = "4711", **more: object) -> Target:
    target: Target = TargetFactory.create(kind="pager", address=address, verified_at=None, **more)
    return target


def code_in(pager: Pager) -> str:
    found = re.search(r"\d{6}", pager.sent[-1].body)
    assert found is not None
    return found[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.mark.django_db
def test_the_code_that_was_sent_verifies_the_target(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    verification.confirm(target, code_in(pager))
    target.refresh_from_db()
    assert target.verified_at is not None
    assert pager.sent[-1].address == "4711"


@pytest.mark.django_db
def test_a_code_may_be_typed_with_spaces(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    code = code_in(pager)
    verification.confirm(target, f" {code[:3]} {code[3:]} ")
    target.refresh_from_db()
    assert target.verified_at is not None


@pytest.mark.django_db
def test_the_code_itself_is_not_stored(pager: Pager) -> None:
    target = new_target()
    stored = verification.start(target)
    assert code_in(pager) not in stored.code_hash
    assert len(stored.code_hash) == 64


@pytest.mark.django_db
def test_a_wrong_code_says_how_many_tries_are_left(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    with pytest.raises(InputError, match="You have 4 more tries") as caught:
        verification.confirm(target, wrong(code_in(pager)))
    assert caught.value.field == "code"


@pytest.mark.django_db
def test_after_five_wrong_codes_the_right_one_is_refused_too(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    code = code_in(pager)
    for _ in range(5):
        with pytest.raises(InputError):
            verification.confirm(target, wrong(code))
    with pytest.raises(InputError, match="no tries left"):
        verification.confirm(target, code)
    target.refresh_from_db()
    assert target.verified_at is None


@pytest.mark.django_db
def test_a_code_is_good_once(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    verification.confirm(target, code_in(pager))
    with pytest.raises(InputError, match="used already"):
        verification.confirm(target, code_in(pager))


@pytest.mark.django_db
def test_a_code_is_good_for_ten_minutes(pager: Pager) -> None:
    target = new_target()
    with time_machine.travel(START, tick=False) as clock:
        verification.start(target)
        clock.shift(timedelta(minutes=10, seconds=1))
        with pytest.raises(InputError, match="too old"):
            verification.confirm(target, code_in(pager))


@pytest.mark.django_db
def test_a_new_code_makes_the_one_before_void(pager: Pager) -> None:
    target = new_target()
    with time_machine.travel(START, tick=False) as clock:
        verification.start(target)
        old = code_in(pager)
        clock.shift(timedelta(minutes=2))
        verification.start(target)
        if old != code_in(pager):
            with pytest.raises(InputError, match="That is not the code"):
                verification.confirm(target, old)
        verification.confirm(target, code_in(pager))


@pytest.mark.django_db
def test_another_target_has_another_code(pager: Pager) -> None:
    one, other = new_target("1"), new_target("2")
    verification.start(one)
    code = code_in(pager)
    verification.start(other)
    if code != code_in(pager):
        with pytest.raises(InputError):
            verification.confirm(other, code)


@pytest.mark.django_db
def test_a_new_code_is_sent_once_a_minute_at_most(pager: Pager) -> None:
    target = new_target()
    with time_machine.travel(START, tick=False) as clock:
        verification.start(target)
        clock.shift(timedelta(seconds=20))
        with pytest.raises(InputError, match="You can have another in 40 seconds"):
            verification.start(target)
        clock.shift(timedelta(seconds=41))
        verification.start(target)
    assert len(pager.sent) == 2


def send_often(make: Callable[[int], Target], times: int) -> int:
    """Ask for codes two minutes apart; return how many were sent before one was refused."""
    with time_machine.travel(START, tick=False) as clock:
        for count in range(times):
            try:
                verification.start(make(count))
            except InputError:
                return count
            clock.shift(timedelta(minutes=2))
    return times


@pytest.mark.django_db
@pytest.mark.usefixtures("pager")
def test_a_target_gets_few_codes_an_hour() -> None:
    target = new_target()
    assert send_often(lambda _n: target, 9) == verification.A_TARGET


@pytest.mark.django_db
@pytest.mark.usefixtures("pager")
def test_a_member_who_adds_ever_new_targets_gets_few_codes_an_hour() -> None:
    member = MemberFactory.create()
    assert send_often(lambda n: new_target(str(n), member=member), 14) == verification.A_MEMBER


@pytest.mark.django_db
@pytest.mark.usefixtures("pager")
def test_an_address_gets_few_codes_an_hour_from_all_members_together() -> None:
    assert send_often(lambda _n: new_target("110"), 12) == verification.AN_ADDRESS


@pytest.mark.django_db
def test_deleting_the_target_starts_no_new_count(pager: Pager) -> None:
    member = MemberFactory.create()

    def again(_count: int) -> Target:
        Target.objects.filter(member=member).delete()
        return new_target("110", member=member)

    assert send_often(again, 12) == verification.AN_ADDRESS
    assert len(pager.sent) == verification.AN_ADDRESS


@pytest.mark.django_db
def test_a_refusal_of_the_provider_is_told_and_leaves_no_open_code(pager: Pager) -> None:
    target = new_target("refused")
    with pytest.raises(ProviderError, match="This pager does not exist"):
        verification.start(target)
    assert not Verification.objects.open().exists()
    assert pager.sent == []


@pytest.mark.django_db
def test_without_a_code_there_is_nothing_to_confirm() -> None:
    with pytest.raises(InputError, match="No code was sent yet"):
        verification.confirm(new_target(), "123456")


def at_once(work: Callable[[], str], count: int) -> list[str]:
    barrier = Barrier(count)

    def run(_number: int) -> str:
        try:
            barrier.wait(20)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
def test_many_wrong_codes_at_once_get_no_more_tries_than_five(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    code = wrong(code_in(pager))

    def guess() -> str:
        try:
            verification.confirm(target, code)
        except InputError as error:
            return error.message
        return "right"

    said = at_once(guess, 12)
    # The request that took the last try is told the same as those after it.
    assert sum("no tries left" in message for message in said) >= 12 - verification_tries() + 1
    assert Verification.objects.get().tries_left == 0


def verification_tries() -> int:
    return int(Verification._meta.get_field("tries_left").get_default())


@pytest.mark.django_db(transaction=True)
def test_the_right_code_many_times_at_once_is_taken_once(pager: Pager) -> None:
    target = new_target()
    verification.start(target)
    code = code_in(pager)

    def confirm() -> str:
        try:
            verification.confirm(target, code)
        except InputError as error:
            return error.message
        return "right"

    said = at_once(confirm, 4)
    assert sorted(set(said)) == ["This code was used already.", "right"]
    assert said.count("right") == 1


@pytest.mark.django_db
def test_a_mail_address_is_verified_by_a_mail(mailoutbox: list[EmailMessage]) -> None:
    target = TargetFactory.create(kind="email", address="ann@example.org", verified_at=None)
    verification.start(target)
    (mail,) = mailoutbox
    assert mail.to == ["ann@example.org"]
    code = re.search(r"\b\d{6}\b", str(mail.body))
    assert code is not None
    verification.confirm(target, code[0])
    target.refresh_from_db()
    assert target.is_usable
