"""The routes of Twilio's REST API: https://www.twilio.com/docs/voice/api/call-resource."""

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from aiohttp import web

from simulator.provider import listing
from simulator.provider.errors import TwilioError, invalid, not_found, unauthorised
from simulator.provider.exchange import Exchange
from simulator.provider.faults import Fault
from simulator.provider.messages import POOL_NUMBER
from simulator.provider.parameters import Form, read_call, read_message, read_redirect
from simulator.provider.records import Call, Message
from simulator.provider.rendering import call_resource, message_resource, number_resource

log = logging.getLogger(__name__)

Operation = Callable[[web.Request, Form], tuple[int, dict[str, Any]]]
_FOREVER: Final = 3600.0
_GARBAGE: Final = b"<!DOCTYPE html><title>502 Bad Gateway</title><h1>nginx"


class RestApi:
    """The API as a client of Twilio sees it."""

    def __init__(self, exchange: Exchange) -> None:
        """Store the exchange that the operations work on."""
        self._exchange = exchange
        self._settings = exchange.settings
        self._switchboard = exchange.switchboard
        self._centre = exchange.centre
        self._behaviours = exchange.behaviours

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        account = "/2010-04-01/Accounts/{account_sid}"
        return [
            web.post(f"{account}/Calls.json", self._operation("create-call", self._create_call)),
            web.get(f"{account}/Calls.json", self._operation("list-calls", self._list_calls)),
            web.get(f"{account}/Calls/{{sid}}.json", self._operation("get-call", self._get_call)),
            web.post(f"{account}/Calls/{{sid}}.json", self._operation("update-call", self._update_call)),
            web.post(f"{account}/Messages.json", self._operation("create-message", self._create_message)),
            web.get(f"{account}/Messages.json", self._operation("list-messages", self._list_messages)),
            web.get(f"{account}/Messages/{{sid}}.json", self._operation("get-message", self._get_message)),
            web.get(f"{account}/Balance.json", self._operation("get-balance", self._get_balance)),
            web.get(
                f"{account}/IncomingPhoneNumbers.json", self._operation("list-numbers", self._list_numbers)
            ),
        ]

    def _operation(self, name: str, operation: Operation) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            form = await _form(request)
            number = form.get("To") or self._number_of(request.match_info.get("sid", ""))
            fault = self._exchange.faults.take(name, number) or self._behaviours.of(number).fault
            entry: dict[str, Any] = {
                "at": self._exchange.clock.now().isoformat(),
                "operation": name,
                "method": request.method,
                "path": request.path,
                "parameters": form.pairs,
                "fault": fault.kind if fault else "",
                "status": None,
            }
            self._exchange.requests.append(entry)
            if fault is not None and not fault.is_accepting:
                log.info("%s for %s goes wrong on purpose: %s", name, number, fault.kind)
                return await self._go_wrong(request, fault, entry)
            response = self._answer(request, form, operation)
            if fault is not None:
                log.info("%s for %s is carried out, but: %s", name, number, fault.kind)
                return await self._go_wrong(request, fault, entry, response)
            entry["status"] = response.status
            return response

        return handle

    def _answer(self, request: web.Request, form: Form, operation: Operation) -> web.Response:
        try:
            self._authenticate(request)
            status, body = operation(request, form)
        except TwilioError as error:
            log.info("%s %s is refused: %d: %s", request.method, request.path, error.code, error.message)
            return web.json_response(error.body(), status=error.status, headers=error.headers)
        return web.json_response(body, status=status)

    async def _go_wrong(
        self, request: web.Request, fault: Fault, entry: dict[str, Any], response: web.Response | None = None
    ) -> web.StreamResponse:
        """Let a fault happen; ``response`` is the right answer where the request was carried out."""
        if fault.kind == "slow" and response is not None:
            await asyncio.sleep(fault.seconds)
            entry["status"] = response.status
            return response
        if fault.kind.endswith("never"):
            # Ends when the client disconnects: the server then cancels the handler.
            await asyncio.sleep(_FOREVER)
        if fault.kind.endswith("garbage"):
            entry["status"] = 200 if response is None else response.status
            return web.Response(body=_GARBAGE, content_type="text/html", status=entry["status"])
        if fault.kind == "error":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            error = TwilioError(fault.status, fault.code, fault.message, headers)
            entry["status"] = error.status
            return web.json_response(error.body(), status=error.status, headers=error.headers)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _authenticate(self, request: web.Request) -> None:
        """Check HTTP basic authentication and the account in the path. Raises ``TwilioError`` 20003."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except binascii.Error:
            given = b""
        right = f"{self._settings.account_sid}:{self._settings.auth_token}".encode()
        is_own = request.match_info["account_sid"] == self._settings.account_sid
        if not hmac.compare_digest(given, right) or not is_own:
            raise unauthorised()

    def _number_of(self, sid: str) -> str:
        record = self._switchboard.calls.get(sid) or self._centre.messages.get(sid)
        return record.to if record else ""

    def _create_call(self, _request: web.Request, form: Form) -> tuple[int, dict[str, Any]]:
        to, from_, options = read_call(form)
        if self._behaviours.of(to).answers == "invalid":
            raise invalid(21211, f"Invalid 'To' Phone Number: {to}")
        return 201, self._call(self._switchboard.place(to, from_, options))

    def _list_calls(self, request: web.Request, form: Form) -> tuple[int, dict[str, Any]]:
        found = [
            call
            for call in self._switchboard.newest_first()
            if form.get("To") in {"", call.to}
            and form.get("From") in {"", call.from_}
            and form.get("Status") in {"", call.status.value}
            and listing.is_in_period(call.started_at, form, "StartTime")
            and listing.is_in_period(call.ended_at, form, "EndTime")
        ]
        return 200, listing.page(found, form, request.path, "calls", self._call)

    def _get_call(self, request: web.Request, _form: Form) -> tuple[int, dict[str, Any]]:
        return 200, self._call(self._found_call(request))

    def _update_call(self, request: web.Request, form: Form) -> tuple[int, dict[str, Any]]:
        call = self._found_call(request)
        self._switchboard.update(call, form.get("Status"), read_redirect(form))
        return 200, self._call(call)

    def _create_message(self, _request: web.Request, form: Form) -> tuple[int, dict[str, Any]]:
        draft = read_message(form)
        to = draft.to
        behaviour = self._behaviours.of(to)
        if behaviour.message == "invalid":
            raise invalid(21211, f"Invalid 'To' Phone Number: {to}")
        is_opted_out = ((draft.from_ or POOL_NUMBER), to) in self._centre.opted_out
        if behaviour.message == "unsubscribed" or is_opted_out:
            raise invalid(21610, "Attempt to send to unsubscribed recipient")
        return 201, self._message(self._centre.send(draft))

    def _list_messages(self, request: web.Request, form: Form) -> tuple[int, dict[str, Any]]:
        found = [
            message
            for message in self._centre.newest_first()
            if form.get("To") in {"", message.to}
            and form.get("From") in {"", message.from_}
            and listing.is_in_period(message.sent_at, form, "DateSent")
        ]
        return 200, listing.page(found, form, request.path, "messages", self._message)

    def _get_message(self, request: web.Request, _form: Form) -> tuple[int, dict[str, Any]]:
        message = self._centre.messages.get(request.match_info["sid"])
        if message is None:
            raise not_found(request.path)
        return 200, self._message(message)

    def _get_balance(self, _request: web.Request, _form: Form) -> tuple[int, dict[str, Any]]:
        account = {"account_sid": self._settings.account_sid}
        return 200, {**account, "balance": self._exchange.balance, "currency": "USD"}

    def _list_numbers(self, request: web.Request, form: Form) -> tuple[int, dict[str, Any]]:
        asked = form.get("PhoneNumber")
        found = [one for one in self._exchange.inbound.numbers.values() if asked in {"", one.number}]
        render = partial(number_resource, account_sid=self._settings.account_sid)
        return 200, listing.page(found, form, request.path, "incoming_phone_numbers", render)

    def _found_call(self, request: web.Request) -> Call:
        call = self._switchboard.calls.get(request.match_info["sid"])
        if call is None:
            raise not_found(request.path)
        return call

    def _call(self, call: Call) -> dict[str, Any]:
        return call_resource(call, self._settings.account_sid)

    def _message(self, message: Message) -> dict[str, Any]:
        return message_resource(message, self._settings.account_sid)


async def _form(request: web.Request) -> Form:
    if request.method == "GET":
        return Form(request.query.items())
    fields = await request.post()
    return Form((name, value) for name, value in fields.items() if isinstance(value, str))
