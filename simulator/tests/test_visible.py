"""In an installation that several members share, the phone shows each what was sent to the own targets, and no other's code."""

from typing import Any

import pytest
from django.urls import reverse

from common.clock import now
from common.process_ids import sign
from eventinvoke.links import link
from eventinvoke.models import Attempt
from eventinvoke.tests.factories import DeliveryFactory
from registration import verification
from registration.direct import send_test
from registration.models import Member, Target
from registration.tests.factories import TargetFactory
from simulator.tests.rest import TO, call, text
from tests.fixtures.people import signed_in
from tests.simulated_twilio import SimulatedTwilio

pytestmark = pytest.mark.django_db


def phone_of(member: Member, *, is_verified: bool, kind: str = "sms") -> Target:
    verified_at = now() if is_verified else None
    made: Target = TargetFactory.create(
        member=member, kind=kind, address=TO, shown="+49 1511 2345678", verified_at=verified_at
    )
    return made


def seen(viewer: Member, target: Target) -> list[str]:
    """Return what the viewer reads on the phone of a target, the newest first; calls by what they said."""
    answer = signed_in(viewer).get(reverse("simulator:phone-state", args=[target.pk]))
    assert answer.status_code == 200
    state = answer.json()
    assert "callback" not in str(state)
    calls = [" ".join(one["text"] for one in item["transcript"]) or item["sid"] for item in state["calls"]]
    return [item["body"] for item in state["messages"]] + calls


def has_code(texts: list[str]) -> bool:
    return any("Your code" in one for one in texts)


def tell(twilio: SimulatedTwilio, target: Target, body: str) -> None:
    """Send a notice to a target, as its channel does."""
    attempt = Attempt.objects.create(delivery=DeliveryFactory.create(target=target), started_at=now())
    text(twilio, Body=body, StatusCallback=link("notification:message-status", sign(attempt.pk)))


def test_a_code_for_a_number_that_another_has_verified_is_shown_to_neither(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member, staff: Member
) -> None:
    mine = phone_of(member, is_verified=True)
    claimed = phone_of(other, is_verified=False)
    verification.start(claimed)
    simulated_twilio.wait_for_message(TO, status="delivered")
    for viewer, target in ((member, mine), (other, claimed), (staff, mine), (staff, claimed)):
        assert seen(viewer, target) == []


def test_a_code_by_phone_call_is_shown_to_neither_and_neither_answers_it(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member
) -> None:
    mine = phone_of(member, is_verified=True, kind="voice")
    claimed = phone_of(other, is_verified=False, kind="voice")
    verification.start(claimed)
    sid = simulated_twilio.wait_for_call(TO, status="ringing").sid
    for viewer, target in ((member, mine), (other, claimed)):
        assert seen(viewer, target) == []
        for named in ({}, {"sid": sid}):
            answer = signed_in(viewer).post(reverse("simulator:phone-act", args=[target.pk, "answer"]), named)
            assert answer.status_code == 409


def test_a_code_on_its_way_is_shown_to_no_other_before_its_id_is_stored(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member
) -> None:
    mine, claimed = phone_of(member, is_verified=True), phone_of(other, is_verified=False)
    sent = verification.start(claimed)
    sent.provider_id = ""
    sent.save()
    simulated_twilio.wait_for_message(TO, status="delivered")
    assert seen(member, mine) == []


def test_two_who_add_a_number_see_their_own_code_each(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member, staff: Member
) -> None:
    mine, theirs = phone_of(member, is_verified=False), phone_of(other, is_verified=False)
    verification.start(mine)
    simulated_twilio.wait_for_message(TO, status="delivered")
    assert has_code(seen(member, mine))
    assert seen(other, theirs) == []
    assert seen(staff, mine) == []


def test_the_first_owner_s_notices_are_hidden_from_one_who_only_added_the_number(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member
) -> None:
    mine, claimed = phone_of(member, is_verified=True), phone_of(other, is_verified=False)
    tell(simulated_twilio, mine, "Pump 3")
    send_test(mine)
    assert len(seen(member, mine)) == 2
    assert seen(other, claimed) == []


def test_two_who_share_a_phone_see_their_own_notices_each(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member, staff: Member
) -> None:
    mine, theirs = phone_of(member, is_verified=True), phone_of(other, is_verified=True)
    tell(simulated_twilio, mine, "to the first")
    tell(simulated_twilio, theirs, "to the second")
    text(simulated_twilio, Body="by hand")
    assert seen(member, mine) == ["by hand", "to the first"]
    assert seen(other, theirs) == ["to the second"]
    assert seen(staff, theirs) == ["to the second"]


def test_the_answer_changes_when_something_becomes_visible(
    simulated_twilio: SimulatedTwilio, member: Member
) -> None:
    mine = phone_of(member, is_verified=False)
    text(simulated_twilio, Body="by hand")
    simulated_twilio.wait_for_message(TO, status="delivered")
    page, address = signed_in(member), reverse("simulator:phone-state", args=[mine.pk])
    first = page.get(address)
    assert first.json()["messages"] == []
    Target.objects.filter(pk=mine.pk).update(verified_at=now())
    second = page.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert [one["body"] for one in second.json()["messages"]] == ["by hand"]


def test_a_call_of_another_member_s_target_can_not_be_hung_up(
    simulated_twilio: SimulatedTwilio, member: Member, other: Member
) -> None:
    mine, theirs = (phone_of(one, is_verified=True, kind="voice") for one in (member, other))
    call(simulated_twilio, Timeout="600")
    sid = simulated_twilio.wait_for_call(TO, status="ringing").sid
    act: Any = reverse("simulator:phone-act", args=[theirs.pk, "answer"])
    assert signed_in(other).post(act, {"sid": sid}).status_code == 409
    mine_act = reverse("simulator:phone-act", args=[mine.pk, "answer"])
    assert signed_in(member).post(mine_act, {"sid": sid}).status_code == 200
