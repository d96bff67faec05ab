import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from registration.models import Target
from registration.tests.factories import TargetFactory
from simulator.tests.rest import FROM, TO, call, text
from tests.fixtures.people import signed_in
from tests.simulated_twilio import SimulatedTwilio

pytestmark = pytest.mark.django_db


@pytest.fixture
def target() -> Target:
    made: Target = TargetFactory(kind="voice", address=TO, shown="+49 1511 2345678")
    return made


@pytest.fixture
def member_client(target: Target) -> Client:
    return signed_in(target.member)


def state_url(target: Target) -> str:
    return reverse("simulator:phone-state", args=[target.pk])


def act_url(target: Target, action: str) -> str:
    return reverse("simulator:phone-act", args=[target.pk, action])


class TestPage:
    def test_it_shows_the_members_own_phone(self, member_client: Client, target: Target) -> None:
        page = member_client.get(reverse("simulator:phone")).content.decode()
        assert target.shown in page
        assert state_url(target) in page

    def test_a_call_and_a_message_target_of_one_number_are_one_phone(
        self, member_client: Client, target: Target
    ) -> None:
        TargetFactory(kind="sms", address=TO, member=target.member)
        assert len(member_client.get(reverse("simulator:phone")).context["phones"]) == 1

    def test_without_a_phone_it_says_how_to_get_one(self) -> None:
        target = TargetFactory(kind="email", address="anna@example.org")
        page = signed_in(target.member).get(reverse("simulator:phone")).content.decode()
        assert "You have no phone yet" in page
        assert "anna@example.org" not in page

    def test_another_members_phone_is_not_found(self, member_client: Client) -> None:
        other = TargetFactory(kind="voice", address="+4915112345699")
        assert member_client.get(reverse("simulator:phone", args=[other.pk])).status_code == 404
        assert other.address not in member_client.get(reverse("simulator:phone")).content.decode()

    def test_the_staff_may_see_any_phone(self, target: Target, staff_page: Client) -> None:
        assert staff_page.get(reverse("simulator:phone", args=[target.pk])).status_code == 200

    def test_a_chosen_phone_is_led_to(self, member_client: Client, target: Target) -> None:
        answer = member_client.get(reverse("simulator:phone"), {"target": target.pk})
        assert answer.headers["Location"] == reverse("simulator:phone", args=[target.pk])

    def test_who_is_not_signed_in_is_asked_to(self, client: Client) -> None:
        assert client.get(reverse("simulator:phone")).headers["Location"].startswith(reverse("login"))

    def test_it_has_no_script_or_style_of_its_own_in_the_page(self, member_client: Client) -> None:
        page = member_client.get(reverse("simulator:phone")).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)


class TestRealAccount:
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_with_a_real_account_there_is_no_phone(
        self, member_client: Client, target: Target, settings: Any, method: str
    ) -> None:
        urls = (reverse("simulator:phone"), state_url(target), act_url(target, "answer"))
        settings.IS_SIMULATED = False
        for url in urls:
            assert getattr(member_client, method)(url).status_code == 404


class TestState:
    def test_it_is_what_the_provider_says(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target
    ) -> None:
        text(simulated_twilio, Body="Pump 3 has started")
        state = member_client.get(state_url(target)).json()
        assert [message["body"] for message in state["messages"]] == ["Pump 3 has started"]

    def test_what_did_not_change_is_not_sent_again(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target
    ) -> None:
        text(simulated_twilio)
        simulated_twilio.wait_for_message(TO, status="delivered")
        first = member_client.get(state_url(target))
        again = member_client.get(state_url(target), headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")

    def test_another_members_phone_is_not_found(
        self, simulated_twilio: SimulatedTwilio, member_client: Client
    ) -> None:
        other = TargetFactory(kind="voice", address="+4915112345699")
        assert member_client.get(state_url(other)).status_code == 404
        assert member_client.post(act_url(other, "answer")).status_code == 404

    def test_a_script_whose_person_signed_out_is_told(self, client: Client, target: Target) -> None:
        assert client.get(state_url(target)).status_code == 403
        assert client.post(act_url(target, "answer")).status_code == 403

    def test_a_provider_that_is_away_is_said_in_a_sentence(
        self, member_client: Client, target: Target, settings: Any
    ) -> None:
        settings.SIMULATOR_URL = "http://127.0.0.1:9"
        answer = member_client.get(state_url(target))
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["message"]

    def test_a_provider_that_does_not_know_us_is_said_in_a_sentence(
        self,
        simulated_twilio: SimulatedTwilio,
        member_client: Client,
        target: Target,
        settings: Any,
    ) -> None:
        settings.TWILIO_AUTH_TOKENS = ["wrong"]
        assert member_client.post(act_url(target, "answer")).status_code == 503


class TestActs:
    def test_a_ringing_phone_is_answered(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target
    ) -> None:
        call(simulated_twilio, Timeout="600")
        simulated_twilio.wait_for_call(TO, status="ringing")
        assert member_client.post(act_url(target, "answer")).status_code == 200
        assert simulated_twilio.wait_for_call(TO, status="completed").said == ("Hello.",)

    def test_a_ringing_phone_is_declined(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target
    ) -> None:
        call(simulated_twilio, Timeout="600")
        simulated_twilio.wait_for_call(TO, status="ringing")
        member_client.post(act_url(target, "decline"))
        simulated_twilio.wait_for_call(TO, status="busy")

    def test_a_silent_phone_can_not_be_answered(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target
    ) -> None:
        answer = member_client.post(act_url(target, "answer"))
        assert (answer.status_code, answer.json()["message"]) == (409, "no call is ringing there")

    @pytest.mark.parametrize("digits", ["", "x", "1" * 33])
    def test_what_is_no_key_is_refused(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target, digits: str
    ) -> None:
        assert member_client.post(act_url(target, "keys"), {"digits": digits}).status_code == 400

    @pytest.mark.parametrize("action", ["behaviour", "explode"])
    def test_nothing_else_can_be_done(self, member_client: Client, target: Target, action: str) -> None:
        assert member_client.post(act_url(target, action)).status_code == 404

    def test_a_text_is_written_from_a_verified_number_only(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target
    ) -> None:
        url = reverse("simulator:phone-write", args=[target.pk])
        assert member_client.post(url, {"body": "Y"}).status_code == 200
        (message,) = simulated_twilio.messages()
        assert (message.from_, message.to, message.body) == (TO, FROM, "Y")
        Target.objects.update(verified_at=None)
        assert member_client.post(url, {"body": "Y"}).status_code == 403
        assert len(simulated_twilio.messages()) == 1

    def test_a_text_that_came_from_a_name_is_not_answered(
        self, simulated_twilio: SimulatedTwilio, member_client: Client, target: Target, settings: Any
    ) -> None:
        settings.TWILIO_TEXT_FROM = "PFS Notice"
        answer = member_client.post(reverse("simulator:phone-write", args=[target.pk]), {"body": "Y"})
        assert answer.status_code == 409
        assert "can't be answered" in answer.json()["message"]

    def test_a_forged_form_is_refused(self, target: Target) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(target.member.user)
        assert client.post(act_url(target, "answer")).status_code == 403
