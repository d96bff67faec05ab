"""Targets in the panel: adding, verifying, switching, deleting; and browsers that subscribe."""

import json
import re
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from common.clock import now
from registration.models import Member, Registration, Target
from registration.tests.factories import MemberFactory, RegistrationFactory, StepFactory, TargetFactory
from registration.tests.pages import error_at, settled, text_of
from registration.tests.stand_ins import Pager

pytestmark = pytest.mark.django_db
KEYS = {
    "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    "auth": "AAAAAAAAAAAAAAAAAAAAAA",
}
ENDPOINT = "https://push.example.org/one"


def test_the_list_offers_the_kinds_whose_address_is_typed(page: Client) -> None:
    html = page.get("/targets/").content.decode()
    kinds = set(re.findall(r"/targets/add/(\w+)/", html))
    assert {"voice", "sms", "email"} <= kinds
    assert not kinds & {"inbox", "webpush"}
    assert "Notify me in this browser" in html


@pytest.mark.parametrize("kind", ["inbox", "webpush", "nothing"])
def test_other_kinds_can_not_be_typed(page: Client, kind: str) -> None:
    assert page.get(f"/targets/add/{kind}/").status_code == 404


def add(page: Client, address: str, **more: str) -> Any:
    """Add a pager and wait for its code; return the page that follows."""
    return settled(page, page.post("/targets/add/pager/", {"address": address} | more))


def test_an_address_is_added_and_verified_by_its_code(page: Client, member: Member, pager: Pager) -> None:
    shown = add(page, "4711", label="Work")
    target = Target.objects.get(member=member, kind="pager")
    assert shown.wsgi_request.path == f"/targets/{target.pk}/verify/"
    assert "A code is on its way to Pager 4711." in text_of(shown)
    assert (target.shown, target.label, target.is_usable) == ("Pager 4711", "Work", False)
    code = re.search(r"\d{6}", pager.sent[-1].body)
    assert code is not None
    page.post(f"/targets/{target.pk}/verify/", {"code": code[0]})
    target.refresh_from_db()
    assert target.is_usable


def test_a_wrong_code_is_told_next_to_its_field(page: Client, member: Member, pager: Pager) -> None:
    add(page, "4711")
    target = Target.objects.get(member=member, kind="pager")
    code = re.search(r"\d{6}", pager.sent[-1].body)
    assert code is not None
    wrong = f"{(int(code[0]) + 1) % 1_000_000:06d}"
    answer = page.post(f"/targets/{target.pk}/verify/", {"code": wrong})
    assert error_at(answer, "code") == "That is not the code. You have 4 more tries."


@pytest.mark.parametrize("typed", ["abc", "\U0001f600", "12345", "1234567"])
def test_what_can_not_be_a_code_costs_no_try(page: Client, member: Member, pager: Pager, typed: str) -> None:
    add(page, "4711")
    target = Target.objects.get(member=member, kind="pager")
    answer = page.post(f"/targets/{target.pk}/verify/", {"code": typed})
    assert error_at(answer, "code") == "Type the 6 digits of the code."
    assert target.verifications.get().tries_left == 5


@pytest.mark.parametrize(
    ("kind", "backend", "hint"),
    [
        ("voice", "smtp", "it comes to the simulated phone"),
        ("sms", "smtp", "it comes to the simulated phone"),
        ("email", "console", "the mail is printed where PFS Notice was started"),
    ],
)
def test_a_trial_installation_says_where_the_code_arrives(
    page: Client, member: Member, settings: Any, kind: str, backend: str, hint: str
) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    target = TargetFactory.create(member=member, kind=kind, verified_at=None)
    assert hint in text_of(page.get(f"/targets/{target.pk}/verify/"))


def test_a_second_code_at_once_is_refused_in_words(page: Client, member: Member, pager: Pager) -> None:
    add(page, "4711")
    target = Target.objects.get(member=member, kind="pager")
    answer = settled(page, page.post(f"/targets/{target.pk}/code"))
    assert "A code was sent just now. You can have another in" in text_of(answer)
    assert len(pager.sent) == 1


def test_no_request_waits_for_the_provider(page: Client, member: Member, pager: Pager) -> None:
    page.post("/targets/add/pager/", {"address": "4711"})
    target = Target.objects.get(member=member, kind="pager")
    page.post(f"/targets/{target.pk}/code")
    Target.objects.update(verified_at="2026-03-10T12:00Z")
    page.post(f"/targets/{target.pk}/test")
    assert pager.sent == []


@pytest.mark.usefixtures("pager")
def test_a_refusal_of_the_provider_is_told_on_the_page(page: Client) -> None:
    answer = add(page, "refused")
    assert "The code could not be sent. This pager does not exist." in text_of(answer)


@pytest.mark.usefixtures("pager")
def test_an_address_that_the_channel_refuses_is_told_next_to_its_field(page: Client) -> None:
    answer = page.post("/targets/add/pager/", {"address": "47 11"})
    assert error_at(answer, "address") == "A pager's number has no spaces."


@pytest.mark.parametrize(("kind", "address"), [("voice", "12"), ("sms", "hello"), ("email", "no-domain")])
def test_the_product_s_own_channels_refuse_too(page: Client, kind: str, address: str) -> None:
    assert error_at(page.post(f"/targets/add/{kind}/", {"address": address}), "address")
    assert not Target.objects.filter(kind=kind).exists()


@pytest.mark.usefixtures("pager")
def test_the_same_address_is_not_added_twice(page: Client) -> None:
    add(page, "4711")
    answer = page.post("/targets/add/pager/", {"address": " 4711 "})
    assert error_at(answer, "address") == "You have added this already."


@pytest.mark.parametrize("path", ["", "verify/"])
def test_another_member_s_target_is_not_found(page: Client, path: str) -> None:
    other = TargetFactory.create(verified_at=None)
    assert page.get(f"/targets/{other.pk}/{path}").status_code == 404


@pytest.mark.parametrize("action", ["disable", "enable", "delete", "code"])
def test_another_member_s_target_can_not_be_touched(page: Client, action: str) -> None:
    other = TargetFactory.create(kind="voice", verified_at=None)
    assert page.post(f"/targets/{other.pk}/{action}").status_code == 404
    assert Target.objects.filter(pk=other.pk, disabled_at=None).exists()


def test_switching_off_and_on_has_the_registrations_planned_again(page: Client, member: Member) -> None:
    step = StepFactory.create(registration=RegistrationFactory.create(member=member))
    for action, is_off in (("disable", True), ("enable", False)):
        Registration.objects.update(planned_version=F("version"))
        page.post(f"/targets/{step.target.pk}/{action}")
        step.target.refresh_from_db()
        assert (step.target.disabled_at is not None) is is_off
        assert not Registration.objects.get(pk=step.registration_id).is_planned


def test_verifying_has_the_registrations_planned_again(page: Client, member: Member, pager: Pager) -> None:
    add(page, "4711")
    target = Target.objects.get(kind="pager")
    step = StepFactory.create(registration=RegistrationFactory.create(member=member), target=target)
    code = re.search(r"\d{6}", pager.sent[-1].body)
    assert code is not None
    page.post(f"/targets/{target.pk}/verify/", {"code": code[0]})
    assert not Registration.objects.get(pk=step.registration_id).is_planned


def test_deleting_has_the_registrations_planned_again(page: Client, member: Member) -> None:
    step = StepFactory.create(
        registration=RegistrationFactory.create(member=member),
        target=TargetFactory.create(member=member, kind="voice"),
    )
    page.post(f"/targets/{step.target.pk}/delete")
    assert not Target.objects.filter(pk=step.target.pk).exists()
    assert not Registration.objects.get(pk=step.registration_id).is_planned


def test_the_inbox_can_not_be_deleted(page: Client, member: Member) -> None:
    inbox = Target.objects.get(member=member, kind="inbox")
    assert page.post(f"/targets/{inbox.pk}/delete").status_code == 404


def test_a_target_is_renamed(page: Client, member: Member) -> None:
    target = TargetFactory.create(member=member)
    page.post(f"/targets/{target.pk}/", {"label": "Kitchen"})
    target.refresh_from_db()
    assert str(target) == "Kitchen"


def subscribe(client: Client, **data: Any) -> Any:
    body = {"endpoint": ENDPOINT, "keys": KEYS, "label": "Firefox on Linux"} | data
    return client.post("/targets/subscribe", json.dumps(body), content_type="application/json")


def test_a_browser_subscribes_itself_and_is_ready(page: Client, member: Member) -> None:
    answer = subscribe(page)
    assert answer.status_code == 201
    target = Target.objects.get(member=member, kind="webpush")
    assert (target.label, target.is_usable, target.config["keys"]["auth"]) == (
        "Firefox on Linux",
        True,
        KEYS["auth"],
    )


def test_a_browser_that_subscribes_again_is_there_again(page: Client, member: Member) -> None:
    subscribe(page)
    Target.objects.filter(kind="webpush").update(disabled_at=now(), disabled_reason="gone")
    subscribe(page)
    assert Target.objects.get(member=member, kind="webpush").is_usable


def test_a_new_subscription_of_the_same_browser_takes_over_its_steps(page: Client, member: Member) -> None:
    subscribe(page)
    old = Target.objects.get(member=member, kind="webpush")
    subscribe(page, endpoint="https://push.example.org/two", replaces=ENDPOINT)
    new = Target.objects.get(member=member, kind="webpush")
    assert (new.pk, new.address) == (old.pk, "https://push.example.org/two")


def test_a_subscription_can_not_take_over_another_member_s(page: Client) -> None:
    other = TargetFactory.create(kind="webpush", address=ENDPOINT)
    subscribe(page, endpoint="https://push.example.org/two", replaces=ENDPOINT)
    other.refresh_from_db()
    assert other.address == ENDPOINT


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": 7}, "endpoint"),
        ({"endpoint": "ftp://push.example.org/x"}, "endpoint"),
        ({"endpoint": "https://127.0.0.1/x"}, "endpoint"),
        ({"endpoint": "https://10.1.2.3/x"}, "endpoint"),
        ({"keys": None}, "keys"),
        ({"label": ["x"]}, "label"),
        ({"replaces": {}}, "replaces"),
        ({"replaces": "\ud800"}, "replaces"),
        ({"endpoint": "https://push.example.org/\ud800"}, "endpoint"),
    ],
)
def test_a_bad_subscription_is_a_problem_document_that_names_the_field(
    page: Client, data: dict[str, Any], field: str
) -> None:
    answer = subscribe(page, **data)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["detail"]
    assert not Target.objects.filter(kind="webpush").exists()


def test_what_can_not_be_shown_is_left_out_of_a_browser_s_name(page: Client) -> None:
    assert subscribe(page, label="Fire\0fox\ud800").status_code == 201
    assert Target.objects.get(kind="webpush").label == "Firefox"


def test_a_body_of_megabytes_is_a_problem_document(page: Client) -> None:
    answer = page.post("/targets/subscribe", b"x" * 3_000_000, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


@pytest.mark.parametrize("name", ["p256dh", "auth"])
def test_bad_keys_are_a_problem_document_too(page: Client, name: str) -> None:
    answer = subscribe(page, keys=KEYS | {name: "AAAA"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "keys"


@pytest.mark.parametrize("body", [b" ", b"{", b"[]", b"7", b"\xff", b"[" * 9000])
def test_what_is_no_json_object_is_a_problem_document(page: Client, body: bytes) -> None:
    answer = page.post("/targets/subscribe", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


def test_a_form_of_another_site_can_not_subscribe(page: Client) -> None:
    body = json.dumps({"endpoint": ENDPOINT, "keys": KEYS})
    assert page.post("/targets/subscribe", body, content_type="text/plain").status_code == 415


def test_a_visitor_who_is_not_signed_in_can_not_subscribe(client: Client) -> None:
    assert subscribe(client).status_code == 401


def test_the_service_worker_may_look_after_all_pages(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")


def test_the_list_costs_the_same_for_many_targets(
    page: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    TargetFactory.create_batch(30, member=member)
    with django_assert_max_num_queries(5):
        page.get("/targets/")


def test_the_staff_may_look_at_a_target_of_another(staff_page: Client) -> None:
    target = TargetFactory.create(member=MemberFactory.create())
    assert staff_page.get(f"/targets/{target.pk}/").status_code == 200
