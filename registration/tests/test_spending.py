"""What may cost money in a day: codes and tests; notices are in eventinvoke/tests/test_daily_limits.py."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction

from common.clock import now
from common.errors import InputError
from registration import spending, verification
from registration.direct import send_test
from registration.models import PaidCount, Target
from registration.tests.factories import MemberFactory, TargetFactory
from registration.tests.stand_ins import Pager

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def take(kind: str, *members: int) -> list[str]:
    with transaction.atomic():
        return spending.take(kind, members, now())


@pytest.fixture
def few(settings: Any) -> Any:
    settings.NOTICE_DAILY = {"pager": 3, "codes": 4}
    settings.NOTICE_DAILY_MEMBER = {"pager": 2, "codes": 2}
    return settings


def test_a_member_and_all_members_have_a_limit_of_a_day(few: Any) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert take("pager", 1, 1, 1) == ["", "", spending.MEMBER_LIMIT]
        assert take("pager", 2, 2) == ["", spending.INSTALLATION_LIMIT]
        assert take("pager", 1) == [spending.MEMBER_LIMIT]
        clock.shift(timedelta(hours=12))
        assert take("pager", 1, 2) == ["", ""]


def test_what_costs_nothing_is_not_counted(few: Any) -> None:
    assert take("inbox", 1, 1, 1) == ["", "", ""]
    assert not PaidCount.objects.exists()


def test_a_limit_of_none_lets_nothing_out(few: Any) -> None:
    few.NOTICE_DAILY = {"pager": 0}
    assert take("pager", 1) == [spending.INSTALLATION_LIMIT]


def test_tests_count_like_notices(few: Any, pager: Pager) -> None:
    member = MemberFactory.create()
    targets = [TargetFactory.create(member=member, kind="pager", address=f"{n}") for n in range(3)]
    send_test(targets[0])
    send_test(targets[1])
    with pytest.raises(InputError, match="one member"):
        send_test(targets[2])
    assert len(pager.sent) == 2


def waiting(member: Any, number: int) -> Target:
    made: Target = TargetFactory.create(member=member, kind="pager", address=f"{number}", verified_at=None)
    return made


def test_a_member_has_codes_for_a_day(few: Any, pager: Pager) -> None:
    few.NOTICE_DAILY_MEMBER = {"codes": 2}
    few.NOTICE_DAILY = {"codes": 100}
    member = MemberFactory.create()
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(2):
            verification.start(waiting(member, number))
        clock.shift(timedelta(hours=3))
        with pytest.raises(InputError, match=r"Too many codes were asked for\. Try again in 21 hours"):
            verification.start(waiting(member, 3))
        clock.shift(timedelta(hours=21))
        verification.start(waiting(member, 4))


def test_all_members_have_codes_for_a_day(few: Any, pager: Pager) -> None:
    few.NOTICE_DAILY = {"codes": 4}
    for number in range(4):
        verification.start(waiting(MemberFactory.create(), number))
    with pytest.raises(InputError, match="Too many codes"):
        verification.start(waiting(MemberFactory.create(), 4))
    assert len(pager.sent) == 4


def test_codes_count_as_messages_of_their_kind(few: Any, pager: Pager) -> None:
    few.NOTICE_DAILY = {"pager": 1, "codes": 100}
    verification.start(waiting(MemberFactory.create(), 1))
    late = waiting(MemberFactory.create(), 2)
    with pytest.raises(InputError, match="in a day was reached"):
        verification.start(late)
    assert len(pager.sent) == 1
    assert not late.verifications.exists()
