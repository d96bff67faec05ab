"""The control API, under ``/simulator/``: for the phones, and for tests.

Every request needs ``Authorization: Bearer <auth token>``, but for ``/simulator/health``.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from simulator.provider.behaviours import ANY_NUMBER, Behaviour
from simulator.provider.exchange import Exchange
from simulator.provider.faults import ANY_OPERATION, Fault
from simulator.provider.parameters import NUMBER, SHORT_CODE
from simulator.provider.records import Call, CallStatus, Pickup
from simulator.provider.rendering import call_on_phone, message_on_phone

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LONGEST_WAIT: Final = 25.0
_SHOWN: Final = 20
"""Calls, and messages, that a phone shows."""
_LONGEST_TEXT: Final = 1600
_MOST_KEYS: Final = 32
_KEYS: Final = frozenset("0123456789*#")


class ControlApi:
    """The control API as the phone in the panel and tests see it."""

    def __init__(self, exchange: Exchange) -> None:
        """Hold what it shows and changes."""
        self._exchange = exchange
        self._token = exchange.settings.auth_token.encode()
        self._switchboard = exchange.switchboard
        self._centre = exchange.centre
        self._behaviours = exchange.behaviours
        self._faults = exchange.faults
        self._phones = exchange.phones

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        phone = "/simulator/phones/{number}"
        return [
            web.get("/simulator/health", self._health),
            web.get(phone, self._private(self._show_phone)),
            web.post(f"{phone}/answer", self._private(self._answer)),
            web.post(f"{phone}/voicemail", self._private(self._voicemail)),
            web.post(f"{phone}/decline", self._private(self._decline)),
            web.post(f"{phone}/hangup", self._private(self._hang_up)),
            web.post(f"{phone}/keys", self._private(self._press)),
            web.post(f"{phone}/texts", self._private(self._write)),
            web.post(f"{phone}/behaviour", self._private(self._behave)),
            web.delete(f"{phone}/behaviour", self._private(self._behave_no_more)),
            web.post("/simulator/numbers/{number}", self._private(self._set_up_number)),
            web.post("/simulator/balance", self._private(self._set_balance)),
            web.post("/simulator/faults", self._private(self._add_fault)),
            web.delete("/simulator/faults", self._private(self._clear_faults)),
            web.get("/simulator/requests", self._private(self._requests)),
            web.get("/simulator/callbacks", self._private(self._callbacks)),
            web.get("/simulator/calls", self._private(self._calls)),
            web.get("/simulator/messages", self._private(self._messages)),
            web.post("/simulator/reset", self._private(self._reset)),
        ]

    def _private(self, handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._token):
                return _problem(401, "the auth token is missing or wrong")
            number = request.match_info.get("number")
            if number not in {None, ANY_NUMBER} and not NUMBER.fullmatch(number or ""):
                return _problem(404, f"{number} is no phone number in E.164")
            try:
                return await handler(request)
            except ValueError as error:
                return _problem(400, str(error))

        return handle

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _show_phone(self, request: web.Request) -> web.Response:
        """Show a phone; 304 when nothing changed, at once or after ``wait`` seconds."""
        number = request.match_info["number"]
        known = request.headers.get("If-None-Match", "").strip('"')
        wait = min(float(request.query.get("wait", "0")), _LONGEST_WAIT)
        revision = self._phones.revision(number)
        if known == str(revision) and wait > 0:
            revision = await self._phones.wait(number, revision, wait)
        headers = {"ETag": f'"{revision}"', "Cache-Control": "no-store"}
        if known == str(revision):
            return web.Response(status=304, headers=headers)
        return web.json_response(self._phone(number, revision), headers=headers)

    def _phone(self, number: str, revision: int) -> dict[str, Any]:
        calls = [call for call in self._switchboard.newest_first() if call.to == number][:_SHOWN]
        messages = [message for message in self._centre.newest_first() if number in message.between][:_SHOWN]
        return {
            "number": number,
            "revision": revision,
            "calls": [call_on_phone(call) for call in calls],
            "messages": [message_on_phone(message) for message in messages],
        }

    async def _answer(self, request: web.Request) -> web.Response:
        return self._pick_up(request, Pickup.PERSON)

    async def _voicemail(self, request: web.Request) -> web.Response:
        return self._pick_up(request, Pickup.MACHINE)

    async def _decline(self, request: web.Request) -> web.Response:
        return self._pick_up(request, Pickup.BUSY)

    def _pick_up(self, request: web.Request, pickup: Pickup) -> web.Response:
        call = self._current(request, CallStatus.RINGING)
        if call is None or call.pickup.done():
            return _problem(409, "no call is ringing there")
        call.pickup.set_result(pickup)
        return web.json_response({"sid": call.sid})

    async def _hang_up(self, request: web.Request) -> web.Response:
        call = self._current(request, CallStatus.IN_PROGRESS)
        if call is None:
            return _problem(409, "no call is in progress there")
        self._switchboard.end(call, CallStatus.COMPLETED)
        return web.json_response({"sid": call.sid})

    async def _press(self, request: web.Request) -> web.Response:
        """Press keys; the answer says whether a Gather is listening."""
        digits = (await _json(request)).get("digits")
        if not isinstance(digits, str) or not 1 <= len(digits) <= _MOST_KEYS or set(digits) - _KEYS:
            return _problem(400, "digits is a string of 0 to 9, * and #")
        call = self._current(request, CallStatus.IN_PROGRESS)
        if call is None:
            return _problem(409, "no call is in progress there")
        is_heard = call.listening is not None
        for digit in digits if is_heard else "":
            if not call.keys.full():
                call.keys.put_nowait(digit)
        return web.json_response({"sid": call.sid, "is_heard": is_heard})

    async def _write(self, request: web.Request) -> web.Response:
        """Write a text from the phone ``to`` a number of the account; ``wait`` until its webhook has answered."""
        data = await _json(request)
        to, body = data.get("to"), data.get("body")
        if not isinstance(to, str) or not (NUMBER.fullmatch(to) or SHORT_CODE.fullmatch(to)):
            return _problem(400, "to is a phone number in E.164 or a short code; a name can't be answered")
        if not isinstance(body, str) or not 1 <= len(body) <= _LONGEST_TEXT:
            return _problem(400, f"body is a text of at most {_LONGEST_TEXT} characters")
        inbound = self._exchange.inbound
        if url := data.get("sms_url"):
            inbound.own(to).sms_url = str(url)
        message, asking = inbound.receive(request.match_info["number"], to, body)
        if data.get("wait"):
            await asking
        return web.json_response({"sid": message.sid})

    async def _set_up_number(self, request: web.Request) -> web.Response:
        """Set where texts to a number of the account are brought, as Twilio's console does."""
        number = self._exchange.inbound.own(request.match_info["number"])
        number.sms_url = str((await _json(request)).get("sms_url", ""))
        return web.json_response({"sid": number.sid})

    async def _set_balance(self, request: web.Request) -> web.Response:
        self._exchange.balance = str((await _json(request)).get("balance", ""))
        return web.json_response({})

    def _current(self, request: web.Request, status: CallStatus) -> Call | None:
        number, sid = request.match_info["number"], request.query.get("sid")
        for call in self._switchboard.newest_first():
            if call.to == number and call.status is status and sid in {None, call.sid}:
                return call
        return None

    async def _behave(self, request: web.Request) -> web.Response:
        self._behaviours.set(request.match_info["number"], Behaviour.from_json(await _json(request)))
        return web.json_response({})

    async def _behave_no_more(self, request: web.Request) -> web.Response:
        self._behaviours.forget(request.match_info["number"])
        return web.json_response({})

    async def _add_fault(self, request: web.Request) -> web.Response:
        data = await _json(request)
        fault = Fault.from_json(data.get("fault", ""))
        operation, number = str(data.get("operation", ANY_OPERATION)), str(data.get("number", ""))
        self._faults.add(fault, operation, number, int(data.get("times", 1)))
        return web.json_response({})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response({})

    async def _requests(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._exchange.requests))

    async def _callbacks(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self._exchange.courier.journal))

    async def _calls(self, _request: web.Request) -> web.Response:
        return web.json_response([call_on_phone(call) for call in self._switchboard.calls.values()])

    async def _messages(self, _request: web.Request) -> web.Response:
        return web.json_response([message_on_phone(message) for message in self._centre.messages.values()])

    async def _reset(self, _request: web.Request) -> web.Response:
        """Forget everything, as if just started."""
        await self._exchange.clear()
        return web.json_response({})


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        data = json.loads(await request.text() or "{}")
    except ValueError as error:
        msg = f"the body is no JSON: {error}"
        raise ValueError(msg) from error
    if isinstance(data, dict):
        return data
    msg = "the body is a JSON object"
    raise ValueError(msg)


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
