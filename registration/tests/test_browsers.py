"""Browsers whose subscription is renewed or ended: shown by a token, not by the session."""

import json
from typing import Any

import pytest
from django.test import Client

from common.clock import now
from registration.membership import member_of
from registration.models import Member, Registration, Target
from registration.models.targets import SWITCHED_OFF_BY_ADMINISTRATOR, fingerprint
from registration.tests.factories import StepFactory, TargetFactory, UserFactory

pytestmark = pytest.mark.django_db
KEYS = {
    "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    "auth": "AAAAAAAAAAAAAAAAAAAAAA",
}
ONE, TWO, THREE = (f"https://push.example.org/{name}" for name in ("one", "two", "three"))


def send(client: Client, what: str, **data: Any) -> Any:
    path = f"/targets/subscribe/{what}" if what else "/targets/subscribe"
    return client.post(path, json.dumps(data), content_type="application/json")


@pytest.fixture
def token(page: Client) -> str:
    """What a browser of the member got at subscribing."""
    answer = send(page, "", endpoint=ONE, keys=KEYS, label="Firefox").json()
    assert answer["owner"] == str(Member.objects.get().user_id)
    return str(answer["token"])


@pytest.fixture
def target(token: str) -> Target:
    return Target.objects.get(kind="webpush")


def renew(token: str, endpoint: str, client: Client | None = None) -> Any:
    return send(
        client or Client(enforce_csrf_checks=True), "renew", endpoint=endpoint, keys=KEYS, token=token
    )


def test_a_subscription_is_renewed_while_signed_out(token: str, target: Target) -> None:
    StepFactory.create(registration__member=target.member, target=target)
    Registration.objects.update(planned_version=1)
    assert renew(token, TWO).status_code == 200
    again = Target.objects.get(kind="webpush")
    assert (again.pk, again.address, again.label, again.is_usable) == (target.pk, TWO, "Firefox", True)
    assert not Registration.objects.get().is_planned


def test_a_renewal_while_another_member_is_signed_in_stays_the_first_member_s(
    token: str, target: Target
) -> None:
    bob = Client()
    user = UserFactory.create(username="bob")
    bob.force_login(user)
    assert renew(token, TWO, bob).status_code == 200
    assert Target.objects.get(kind="webpush", fingerprint=fingerprint(TWO)).member_id == target.member_id
    assert not Target.objects.filter(kind="webpush", member=member_of(user)).exists()


def test_a_token_is_good_for_one_renewal(token: str, target: Target) -> None:
    following = renew(token, TWO).json()["token"]
    assert following != token
    assert renew(token, THREE).status_code == 403
    assert renew(following, THREE).status_code == 200
    assert Target.objects.get(pk=target.pk).address == THREE


def test_a_renewal_whose_answer_got_lost_is_repeated(token: str, target: Target) -> None:
    renew(token, TWO)
    repeated = renew(token, TWO)
    assert repeated.status_code == 200
    assert renew(repeated.json()["token"], THREE).status_code == 200
    assert renew(token, THREE).status_code == 403, "the next token has come through"


def test_neither_the_database_nor_another_purpose_gives_the_token_away(token: str, target: Target) -> None:
    row = Target.objects.filter(pk=target.pk).values().get()
    assert token.partition(".")[2] not in str(row)
    assert renew(row["renewal_hash"], TWO).status_code == 403
    assert renew(f"{target.pk}.{row['renewal_hash']}", TWO).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    ["", ".", "1", "1.", ".x", "-1.x", "٣.x", "9" * 30 + ".x", "1.\ud800", "1.x\0", "x" * 5000],
)
def test_a_wrong_token_is_refused(token: str, target: Target, wrong: str) -> None:
    for client in (Client(), Client()):
        assert renew(wrong, TWO, client).status_code == 403
        assert send(client, "end", token=wrong).status_code == 403
    assert Target.objects.get(pk=target.pk).address == ONE


def test_a_target_without_a_token_can_not_be_renewed_with_an_empty_one() -> None:
    target = TargetFactory.create(kind="webpush", address=ONE)
    assert renew(f"{target.pk}.", TWO).status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * 3_000_000, "application/json", 413),
        (b"x" * 20_000, "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b'{"token": 7}', "application/json", 422),
        (b'{"token": "1.x", "endpoint": "https://10.0.0.1/x", "keys": {}}', "application/json", 422),
    ],
)
def test_bad_requests_are_problem_documents(client: Client, body: bytes, kind: str, status: int) -> None:
    answer = client.post("/targets/subscribe/renew", body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_a_target_that_was_reported_gone_is_there_again(token: str, target: Target) -> None:
    Target.objects.filter(pk=target.pk).disable("The browser has ended its subscription.")
    renew(token, TWO)
    assert Target.objects.get(pk=target.pk).is_usable


def test_a_target_that_its_member_switched_off_stays_off(page: Client, token: str, target: Target) -> None:
    page.post(f"/targets/{target.pk}/disable")
    assert renew(token, TWO).status_code == 200
    again = Target.objects.get(pk=target.pk)
    assert (again.address, again.is_usable) == (TWO, False)


def test_a_target_that_an_administrator_switched_off_stays_off(token: str, target: Target) -> None:
    Target.objects.filter(pk=target.pk).disable(SWITCHED_OFF_BY_ADMINISTRATOR)
    assert renew(token, TWO).status_code == 200
    again = Target.objects.get(pk=target.pk)
    assert (again.address, again.is_usable) == (TWO, False)


def test_a_browser_that_subscribed_by_a_page_meanwhile_is_not_there_twice(
    page: Client, token: str, target: Target
) -> None:
    send(page, "", endpoint=TWO, keys=KEYS)
    following = renew(token, TWO).json()["token"]
    assert not Target.objects.get(pk=target.pk).is_usable
    assert renew(following, THREE).status_code == 200
    assert Target.objects.get(fingerprint=fingerprint(THREE)).is_usable


def test_a_browser_that_lost_its_token_gets_one_for_its_own_target_only(
    page: Client, token: str, target: Target
) -> None:
    given = send(page, "token", endpoint=ONE).json()["token"]
    assert renew(given, TWO).status_code == 200
    assert send(page, "token", endpoint=THREE).status_code == 404
    bob = Client()
    bob.force_login(UserFactory.create(username="bob"))
    assert send(bob, "token", endpoint=TWO).status_code == 404
    assert send(Client(), "token", endpoint=TWO).status_code == 401


def test_signing_out_ends_the_subscription_for_good(token: str, target: Target) -> None:
    StepFactory.create(registration__member=target.member, target=target)
    Registration.objects.update(planned_version=1)
    assert send(Client(), "end", token=token).status_code == 204
    again = Target.objects.get(pk=target.pk)
    assert (again.is_usable, again.disabled_reason) == (False, "You signed out in this browser.")
    assert not Registration.objects.get().is_planned
    assert renew(token, TWO).status_code == 403


def test_subscribing_after_signing_out_gives_the_same_target_back(
    page: Client, token: str, target: Target
) -> None:
    send(Client(), "end", token=token)
    send(page, "", endpoint=TWO, keys=KEYS, replaces=ONE)
    again = Target.objects.get(kind="webpush")
    assert (again.pk, again.address, again.is_usable) == (target.pk, TWO, True)


def test_another_member_of_the_same_browser_has_a_target_apart(token: str, target: Target) -> None:
    bob = Client()
    user = UserFactory.create(username="bob")
    bob.force_login(user)
    send(bob, "", endpoint=TWO, keys=KEYS, replaces=ONE)
    assert Target.objects.get(pk=target.pk).address == ONE
    assert Target.objects.get(fingerprint=fingerprint(TWO)).member == member_of(user)
    assert renew(token, THREE).status_code == 200, "the first member's token is of the first member's target"


def test_a_disabled_target_that_is_switched_on_in_the_panel_can_be_renewed(
    page: Client, token: str, target: Target
) -> None:
    Target.objects.filter(pk=target.pk).update(disabled_at=now(), disabled_reason="gone")
    page.post(f"/targets/{target.pk}/enable")
    assert renew(token, TWO).status_code == 200
