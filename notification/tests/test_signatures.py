"""Only Twilio gets in."""

import hashlib
import json

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from eventinvoke.models import Receipt
from notification.signatures import is_genuine
from notification.tests.conftest import ACCOUNT, OLD_TOKEN, PUBLIC, TOKEN, Ask, Notice, signature

RINGING = {"AccountSid": ACCOUNT, "CallStatus": "ringing"}


def path_of(notice: Notice) -> str:
    return reverse("notification:call-status", args=[notice.process_id])


def form(path: str, parameters: dict[str, str], given: str, **more: str) -> bool:
    body = "&".join(f"{name}={value}" for name, value in parameters.items())
    return is_genuine(
        RequestFactory().post(
            path,
            body,
            content_type="application/x-www-form-urlencoded",
            headers={"X-Twilio-Signature": given, **more},
        )
    )


@pytest.mark.parametrize("token", [TOKEN, OLD_TOKEN])
def test_both_tokens_are_good_while_one_replaces_the_other(ask: Ask, call: Notice, token: str) -> None:
    assert ask("call-status", call, token=token, CallStatus="ringing").status_code == 204


def test_a_token_that_was_rotated_out_is_good_no_more(ask: Ask, call: Notice, settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKENS = [TOKEN]
    assert ask("call-status", call, token=OLD_TOKEN, CallStatus="ringing").status_code == 403


@pytest.mark.parametrize("tokens", [[], [""]])
def test_with_no_token_nothing_is_good(ask: Ask, call: Notice, settings: Settings, tokens: list[str]) -> None:
    settings.TWILIO_AUTH_TOKENS = tokens
    assert ask("call-status", call, token="", CallStatus="ringing").status_code == 403


@pytest.mark.parametrize("given", ["", "AAAA", "ä" * 28, "A" * 27 + "="])
def test_a_forged_signature_is_refused_and_changes_nothing(
    ask: Ask, call: Notice, client: Client, given: str
) -> None:
    path = path_of(call)
    answer = client.post(path, RINGING, headers={"X-Twilio-Signature": given.encode().decode("latin-1")})
    assert answer.status_code == 403
    assert not Receipt.objects.exists()


@pytest.mark.usefixtures("account")
def test_a_parameter_that_was_changed_on_the_way_is_refused() -> None:
    given = signature(f"{PUBLIC}/n/x/call-status", RINGING)
    assert form("/n/x/call-status", RINGING, given)
    assert not form("/n/x/call-status", RINGING | {"CallStatus": "completed"}, given)


@pytest.mark.usefixtures("account")
def test_a_signature_is_good_for_its_own_address_only() -> None:
    given = signature(f"{PUBLIC}/n/x/call-status", RINGING)
    assert not form("/n/y/call-status", RINGING, given)
    assert not form("/n/x/call-status?reading=9", RINGING, given)


@pytest.mark.usefixtures("account")
def test_the_public_address_counts_and_not_the_host_header() -> None:
    own = signature("http://testserver/n/x/call-status", RINGING)
    assert not form("/n/x/call-status", RINGING, own)
    public = signature(f"{PUBLIC}/n/x/call-status", RINGING)
    assert form("/n/x/call-status", RINGING, public, Host="evil.example", X_Forwarded_Host="evil.example")


@pytest.mark.parametrize(
    "public",
    [
        "https://notice.example.org",
        "http://localhost:8000",
        "https://notice.example.org:8443",
        "http://[::1]:8000",
    ],
)
def test_addresses_with_and_without_a_port_are_good(account: None, settings: Settings, public: str) -> None:
    settings.NOTICE_PUBLIC_URL = public
    given = signature(f"{public}/n/x/key?reading=2", RINGING)
    assert form("/n/x/key?reading=2", RINGING, given)


def test_another_account_with_our_token_is_refused(ask: Ask, call: Notice) -> None:
    assert ask("call-status", call, AccountSid="AC" + "9" * 32, CallStatus="ringing").status_code == 403


def test_a_get_request_is_signed_with_its_address(client: Client, call: Notice) -> None:
    path = reverse("notification:call-content", args=[call.process_id]) + f"?AccountSid={ACCOUNT}"
    good = {"X-Twilio-Signature": signature(PUBLIC + path, {})}
    assert client.get(path, headers=good).status_code == 200
    assert client.get(path + "&reading=2", headers=good).status_code == 403


@pytest.mark.usefixtures("account")
def test_json_is_signed_by_the_hash_of_its_body() -> None:
    body = json.dumps({"a": "ü"})
    url = f"/n/x/call-status?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    given = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(PUBLIC + url, {})}
    factory = RequestFactory()
    assert is_genuine(factory.post(url, body, content_type="application/json", headers=given))
    assert not is_genuine(factory.post(url, body + " ", content_type="application/json", headers=given))


@pytest.mark.usefixtures("account")
def test_json_without_the_hash_of_its_body_is_refused() -> None:
    given = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(f"{PUBLIC}/n/x/key", {})}
    request = RequestFactory().post("/n/x/key", "{}", content_type="application/json", headers=given)
    assert not is_genuine(request)


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, call: Notice, method: str) -> None:
    assert getattr(client, method)(path_of(call)).status_code == 405
