"""A contact method that dies is told to its member by another way, once."""

from typing import Any

import pytest

from common import channels
from common.channels import Outcome, SendResult
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.target_loss import disable_and_tell, tell_of_lost_targets
from eventinvoke.sending.claim import claim
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.record import record
from eventinvoke.tests.factories import DeliveryFactory
from eventinvoke.tests.stand_ins import PushLike
from registration.models import Member, Target
from registration.tests.factories import MemberFactory, TargetFactory

pytestmark = pytest.mark.django_db


def notices_of(member: Member) -> list[tuple[str, str, str]]:
    rows = Delivery.objects.filter(member=member, event__external_id__startswith="target:").order_by("pk")
    return [(row.kind, row.event.title, row.event.description) for row in rows.select_related("event")]


@pytest.fixture
def gone() -> Target:
    target: Target = TargetFactory.create(kind="pushlike", address="gone", label="Office browser")
    return target


def test_a_target_that_the_provider_says_is_gone_is_told_in_the_inbox(push: PushLike, gone: Target) -> None:
    DeliveryFactory.create(target=gone)
    fire("pushlike")
    ((kind, title, said),) = notices_of(gone.member)
    assert (kind, title) == ("inbox", "Notices no longer reach you by “Office browser”")
    assert said.startswith("It said gone. Its steps are left out")


def test_what_is_told_is_sent(settings: Any, gone: Target) -> None:
    settings.NOTICE_CHANNELS = ["eventinvoke.channels.inbox.channel.InboxChannel"]
    channels.registry.cache_clear()
    disable_and_tell(Target.objects.filter(pk=gone.pk), "Gone.")
    fire("inbox")
    assert Delivery.objects.get(kind="inbox").state == State.SENT


def test_it_is_told_by_mail_too_where_there_is_a_verified_address(push: PushLike, gone: Target) -> None:
    TargetFactory.create(member=gone.member, kind="email", address="a@example.org", verified_at=None)
    TargetFactory.create(member=gone.member, kind="email", address="b@example.org", disabled_at=now())
    mail = TargetFactory.create(member=gone.member, kind="email", address="c@example.org")
    TargetFactory.create(kind="email", address="other@example.org")
    DeliveryFactory.create(target=gone)
    fire("pushlike")
    assert [kind for kind, _title, _said in notices_of(gone.member)] == ["inbox", "email"]
    assert Delivery.objects.get(kind="email").target == mail


def test_a_mail_address_that_dies_is_not_told_by_itself() -> None:
    mail: Target = TargetFactory.create(kind="email", address="a@example.org")
    disable_and_tell(Target.objects.filter(pk=mail.pk), "The mailbox does not exist.")
    assert [kind for kind, _title, _said in notices_of(mail.member)] == ["inbox"]


def test_a_loss_is_told_once_and_the_next_loss_again(push: PushLike, gone: Target) -> None:
    first, second = (DeliveryFactory.create(target=gone) for _ in range(2))
    one, other = claim(push, 10)[0]
    for each in (one, other):
        record(push, [(each, SendResult(each.message, Outcome.GONE, reason="It said gone."))])
    assert {row.state for row in Delivery.objects.filter(pk__in=[first.pk, second.pk])} == {State.FAILED}
    tell_of_lost_targets(Target.objects.filter(pk=gone.pk))
    assert len(notices_of(gone.member)) == 1
    Target.objects.filter(pk=gone.pk).update(disabled_at=None, disabled_reason="")
    disable_and_tell(Target.objects.filter(pk=gone.pk), "It said gone.")
    assert len(notices_of(gone.member)) == 2


def test_what_the_member_switched_off_is_no_loss(push: PushLike, gone: Target) -> None:
    DeliveryFactory.create(target=gone)
    (one,), _more = claim(push, 10)
    Target.objects.filter(pk=gone.pk).disable("Switched off in the panel.")
    record(push, [(one, SendResult(one.message, Outcome.GONE, reason="It said gone."))])
    disable_and_tell(Target.objects.filter(pk=gone.pk), "again")
    assert notices_of(gone.member) == []


def test_a_loss_that_can_not_be_told_keeps_no_other_from_it(caplog: Any) -> None:
    bad, good = (
        TargetFactory.create(
            kind="pushlike", address="x", label=label, disabled_at=now(), disabled_reason="Gone."
        )
        for label in ("a", "b")
    )
    # No event can be made of a time without a zone.
    bad.disabled_at = bad.disabled_at.replace(tzinfo=None)
    tell_of_lost_targets([bad, good])
    assert "was not told" in caplog.text
    assert len(notices_of(good.member)) == 1


def test_it_is_told_in_the_member_s_language() -> None:
    target: Target = TargetFactory.create(
        kind="pushlike", member=MemberFactory.create(language="de"), label="Büro"
    )
    disable_and_tell(Target.objects.filter(pk=target.pk), "Gone.")
    assert Event.objects.get().title == "„Büro“ erreicht Sie nicht mehr"
