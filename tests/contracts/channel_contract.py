"""The contract of all channels: tests that the test class of each channel inherits.

How to use it. Write ``tests/contracts/test_<kind>.py`` with one class::

    class TestSms(ChannelContract):
        path = "eventinvoke.channels.sms.channel.SmsChannel"   # as it stands in NOTICE_CHANNELS
        outcomes = {**ChannelContract.outcomes, Answer.GONE: None}   # None: this provider has no such answer

        @pytest.fixture
        def provider(self):                     # a real server on loopback that behaves like the provider
            with RunningProvider() as provider:
                yield provider

        def make_message(self, provider, number): ...   # the same number gives the same message
        def make_bad_message(self, provider): ...       # one that can't be sent, by a fault of its own
        def good_addresses(self, provider): ...         # [(address, config)]
        def bad_addresses(self, provider): ...          # [(address, config, field)]

A stand-in is a ``Provider`` (``tests.contracts.providers``): a test sets how it answers and reads what it
received. It is a server at the network's edge; nothing inside the channel is patched. Settings that point
the channel at it (an API address, ``NOTICE_ALLOWED_PRIVATE_NETWORKS``) belong into the fixture
``provider``, which may use pytest-django's ``settings``. A channel that has no provider (the
inbox) gives ``NoProvider()`` and an ``outcomes`` in which all but ``Answer.ACCEPT`` is None.

The tests have no database: a channel that touches it in ``send``, ``ask`` or ``cancel`` fails.
"""

import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.utils.module_loading import import_string

from common import clock
from common.channels import Adding, Channel, Message, Outcome, Resend, SendResult
from common.errors import AddressError
from tests.contracts.providers import RETRY_AFTER, Answer, NoProvider, Provider

__all__ = ["RETRY_AFTER", "Answer", "ChannelContract", "NoProvider", "Provider"]


ICONS = Path(__file__).resolve().parent.parent.parent / "static" / "icons.svg"


class ChannelContract:
    """The tests. Subclass it as the module's docstring shows."""

    path: ClassVar[str]
    outcomes: ClassVar[Mapping[Answer, Outcome | None]] = {
        Answer.ACCEPT: Outcome.ACCEPTED,
        Answer.REJECT: Outcome.REJECTED,
        Answer.FAIL: Outcome.RETRY,
        Answer.LIMIT: Outcome.RETRY,
        Answer.GONE: Outcome.GONE,
        Answer.FORBID: Outcome.MISCONFIGURED,
        Answer.GARBAGE: Outcome.UNKNOWN,
        Answer.VANISH: Outcome.UNKNOWN,
        Answer.HOLD: Outcome.ACCEPTED,
    }
    max_read_ahead: ClassVar[int] = 256
    """How many messages may be read beyond those whose result is known."""
    seconds: ClassVar[float] = 10.0
    """How long a test waits for what has to come."""

    # Hooks

    def make_channel(self) -> Channel:
        channel = import_string(self.path)()
        assert isinstance(channel, Channel)
        return channel

    def make_message(self, provider: Any, number: int) -> Message:
        raise NotImplementedError

    def make_bad_message(self, provider: Any) -> Message:
        raise NotImplementedError

    def good_addresses(self, provider: Any) -> Sequence[tuple[str, Mapping[str, Any]]]:
        raise NotImplementedError

    def bad_addresses(self, provider: Any) -> Sequence[tuple[str, Mapping[str, Any], str]]:
        raise NotImplementedError

    # Help for the tests

    def expect(self, answer: Answer) -> Outcome:
        outcome = self.outcomes[answer]
        if outcome is None:
            pytest.skip(f"this provider has no answer {answer.name}")
        return outcome

    def results(self, found: Iterator[SendResult | None]) -> list[SendResult]:
        """Return the results without the Nones, and fail rather than wait for ever."""
        deadline = time.monotonic() + self.seconds
        results = []
        for result in found:
            if result is not None:
                results.append(result)
            assert time.monotonic() < deadline, "the channel does not come to an end"
        return results

    @staticmethod
    def assert_explained(result: SendResult) -> None:
        assert 0 < len(result.reason) <= 300
        assert "\n" not in result.reason
        assert "<" not in result.reason, "a reason is a sentence, not a provider's page"

    # What a channel says of itself

    def test_it_is_a_channel_with_a_kind_a_label_and_capabilities(self) -> None:
        channel = self.make_channel()
        assert re.fullmatch(r"[a-z]{1,20}", channel.kind)
        assert channel.label

    def test_its_kind_is_its_folder_and_stands_once_in_the_setting(self) -> None:
        kind = self.make_channel().kind
        assert [path for path in settings.NOTICE_CHANNELS if path.split(".")[-3] == kind] == [self.path]

    def test_the_panel_can_show_it_and_add_a_target_of_it(self) -> None:
        contact = self.make_channel().capabilities.contact
        assert f'id="{contact.icon}"' in ICONS.read_text()
        names = [one.name for one in contact.fields]
        if contact.adding is Adding.FORM:
            assert len(set(names)) == len(names)
            assert "address" in names
            assert "label" not in names, "the form has a field of this name, for the target's own"
        if contact.adding is Adding.BROWSER:
            assert get_template(contact.template).render({})
        if contact.adding is Adding.BUILT_IN:
            assert self.make_channel().check_address("", {}).address

    # Addresses

    def test_a_good_address_is_taken_and_stays_the_same_when_checked_again(self, provider: Any) -> None:
        channel = self.make_channel()
        for address, config in self.good_addresses(provider):
            checked = channel.check_address(address, config)
            assert checked.address
            assert checked.shown
            stored = json.loads(json.dumps(dict(checked.config)))
            assert channel.check_address(checked.address, stored) == checked

    def test_a_bad_address_is_refused_with_its_field_and_a_sentence(self, provider: Any) -> None:
        channel = self.make_channel()
        for address, config, field in self.bad_addresses(provider):
            with pytest.raises(AddressError) as caught:
                channel.check_address(address, config)
            assert caught.value.field == field, address
            assert re.fullmatch(r"[A-Z+].*[.?!]", caught.value.message), caught.value.message

    # Sending

    @pytest.mark.usefixtures("provider")
    def test_no_message_gives_no_result(self) -> None:
        assert self.results(self.make_channel().send([])) == []

    def test_every_message_gets_one_result_and_reaches_the_provider_once(self, provider: Any) -> None:
        messages = [self.make_message(provider, number) for number in range(40)]
        results = self.results(self.make_channel().send(messages))
        assert {result.outcome for result in results} == {self.outcomes[Answer.ACCEPT]}
        assert sorted(result.message.tag for result in results) == sorted(message.tag for message in messages)
        assert all(result.reason == "" for result in results)
        if not isinstance(provider, NoProvider):
            assert len(provider.received()) == len(set(provider.received())) == len(messages)

    def test_the_result_holds_the_very_message(self, provider: Any) -> None:
        message = self.make_message(provider, 1)
        (result,) = self.results(self.make_channel().send(iter([message])))
        assert result.message is message

    def test_an_endless_stream_is_read_only_a_little_ahead(self, provider: Any) -> None:
        read = 0

        def endless() -> Iterator[Message]:
            nonlocal read
            for number in itertools.count():
                read += 1
                yield self.make_message(provider, number)

        found = self.make_channel().send(endless())
        known = [result for result in itertools.islice(found, 300) if result is not None]
        ahead = read - len(known)
        close = getattr(found, "close", None)
        assert close is not None, "send is a generator, so that a caller can end it"
        close()
        assert ahead <= self.max_read_ahead

    def test_a_send_that_was_ended_early_does_not_harm_the_next(self, provider: Any) -> None:
        channel = self.make_channel()
        found: Any = channel.send(self.make_message(provider, number) for number in itertools.count())
        next(found)
        found.close()
        (result,) = self.results(channel.send([self.make_message(provider, -1)]))
        assert result.outcome is self.outcomes[Answer.ACCEPT]

    def test_it_says_none_while_nothing_is_known(self, provider: Any) -> None:
        self.expect(Answer.HOLD)
        provider.answer(Answer.HOLD)
        found = self.make_channel().send([self.make_message(provider, 1)])
        began = time.monotonic()
        silence = [next(found) for _ in range(4)]
        took = time.monotonic() - began
        provider.release()
        assert silence == [None] * 4
        assert 0.1 < took < 2, "None comes about every 50 ms"
        (result,) = self.results(found)
        assert result.outcome is self.outcomes[Answer.HOLD]

    def test_a_bad_message_is_its_own_result_among_good_ones(self, provider: Any) -> None:
        good = [self.make_message(provider, number) for number in range(10)]
        bad = self.make_bad_message(provider)
        results = self.results(self.make_channel().send([*good[:5], bad, *good[5:]]))
        outcomes = {result.message.tag: result for result in results}
        assert len(outcomes) == len(results) == 11
        refused = outcomes.pop(bad.tag)
        assert refused.outcome in {Outcome.REJECTED, Outcome.GONE}
        self.assert_explained(refused)
        assert {result.outcome for result in outcomes.values()} == {self.outcomes[Answer.ACCEPT]}

    @pytest.mark.parametrize(
        "answer", [answer for answer in Answer if answer not in {Answer.ACCEPT, Answer.HOLD}]
    )
    def test_an_answer_has_its_outcome(self, provider: Any, answer: Answer) -> None:
        expected = self.expect(answer)
        provider.answer(answer)
        (result,) = self.results(self.make_channel().send([self.make_message(provider, 1)]))
        assert result.outcome is expected
        if expected not in {Outcome.ACCEPTED, Outcome.DELIVERED}:
            self.assert_explained(result)

    def test_the_provider_may_say_how_long_it_wants_to_be_left_alone(self, provider: Any) -> None:
        self.expect(Answer.LIMIT)
        provider.answer(Answer.LIMIT)
        (result,) = self.results(self.make_channel().send([self.make_message(provider, 1)]))
        assert result.retry_after == RETRY_AFTER

    def test_a_failure_does_not_outlast_itself(self, provider: Any) -> None:
        self.expect(Answer.FAIL)
        channel = self.make_channel()
        message = self.make_message(provider, 1)
        provider.answer(Answer.FAIL)
        self.results(channel.send([message]))
        provider.answer(Answer.ACCEPT)
        (result,) = self.results(channel.send([message]))
        assert result.outcome is self.outcomes[Answer.ACCEPT]

    def test_what_was_taken_without_an_answer_is_not_given_twice(self, provider: Any) -> None:
        self.expect(Answer.VANISH)
        channel = self.make_channel()
        # A connection that is kept alive from before is the case in which HTTP clients repeat by themselves.
        self.results(channel.send([self.make_message(provider, 1)]))
        provider.answer(Answer.VANISH)
        self.results(channel.send([self.make_message(provider, 2)]))
        taken = len(provider.received()) - 1
        assert taken == 1 if channel.capabilities.resend is Resend.ASK else 1 <= taken <= 2

    # Asking and taking back

    def test_asking_finds_what_was_taken(self, provider: Any) -> None:
        channel = self.make_channel()
        message = self.make_message(provider, 1)._replace(started_at=clock.now())
        if channel.capabilities.resend is not Resend.ASK:
            assert list(channel.ask([message])) == []
            return
        self.expect(Answer.VANISH)
        provider.answer(Answer.VANISH)
        (lost,) = self.results(channel.send([message]))
        provider.answer(Answer.ACCEPT)
        (found,) = list(channel.ask([lost.message]))
        assert found.outcome is Outcome.ACCEPTED
        assert found.provider_id
        assert len(provider.received()) == 1, "asking sends nothing"

    def test_asking_finds_that_nothing_was_taken(self, provider: Any) -> None:
        channel = self.make_channel()
        if channel.capabilities.resend is not Resend.ASK:
            pytest.skip("this channel sends again without asking")
        # Long enough ago: a try that has just begun may still be accepted by the provider.
        began_at = clock.now() - timedelta(minutes=2)
        never_sent = self.make_message(provider, 1)._replace(started_at=began_at)
        (found,) = list(channel.ask([never_sent]))
        assert found.outcome is Outcome.RETRY
        assert provider.received() == []

    def test_asking_a_provider_that_fails_settles_nothing(self, provider: Any) -> None:
        channel = self.make_channel()
        if channel.capabilities.resend is not Resend.ASK:
            pytest.skip("this channel sends again without asking")
        self.expect(Answer.FAIL)
        provider.answer(Answer.FAIL)
        message = self.make_message(provider, 1)._replace(started_at=clock.now())
        (found,) = list(channel.ask([message]))
        assert found.outcome is Outcome.UNKNOWN

    def test_what_was_accepted_can_be_taken_back_where_the_channel_says_so(self, provider: Any) -> None:
        channel = self.make_channel()
        if not channel.capabilities.can_cancel:
            assert list(channel.cancel(["any"])) == []
            return
        (accepted,) = self.results(channel.send([self.make_message(provider, 1)]))
        assert accepted.provider_id
        assert list(channel.cancel([accepted.provider_id])) == [accepted.provider_id]
        assert provider.canceled() == [accepted.provider_id]

    @pytest.mark.usefixtures("provider")
    def test_taking_back_what_the_provider_does_not_know_yields_nothing(self) -> None:
        assert list(self.make_channel().cancel(["unknown"])) == []
