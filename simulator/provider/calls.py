"""A call from the queue to its end.

::

    queued -> initiated -> ringing -> in-progress -> completed
                  |           |-> busy | no-answer
                  |-> failed  |
    queued | initiated | ringing -> canceled      (by the client)

https://www.twilio.com/docs/voice/api/call-resource#call-status-values
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Coroutine, Iterator
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final

from simulator.provider import detection
from simulator.provider.behaviours import Behaviour, Behaviours
from simulator.provider.callbacks import Conversation, Courier, StatusCallback
from simulator.provider.clock import Clock
from simulator.provider.errors import TwilioError, invalid
from simulator.provider.phones import Phones
from simulator.provider.records import Call, CallOptions, CallStatus, Pickup
from simulator.provider.walker import Walker

log = logging.getLogger(__name__)

API_VERSION: Final = "2010-04-01"
_SECONDS_TO_RING: Final = 1.0
_EVENT_OF: Final = {
    CallStatus.INITIATED: "initiated",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "answered",
}
_OUTCOME_OF: Final = {Pickup.BUSY: CallStatus.BUSY, Pickup.FAIL: CallStatus.FAILED}
EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})


def rfc2822(instant: datetime) -> str:
    """Return an instant as Twilio writes it: ``Tue, 31 Aug 2010 20:36:28 +0000``."""
    return format_datetime(instant.replace(microsecond=0))


class Switchboard:
    """All calls of the account."""

    def __init__(
        self,
        *,
        clock: Clock,
        courier: Courier,
        behaviours: Behaviours,
        phones: Phones,
        calls_per_second: float,
        kept: int,
    ) -> None:
        """Start with no calls."""
        self.calls: OrderedDict[str, Call] = OrderedDict()
        self._clock = clock
        self._courier = courier
        self._behaviours = behaviours
        self._phones = phones
        self._interval = 1 / calls_per_second
        self._kept = kept
        self._queue: asyncio.Queue[Call] = asyncio.Queue()
        self._conversations: dict[str, Conversation] = {}
        self._dialling: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Start to dial the queue. Call it in the running loop."""
        self._dialling = asyncio.create_task(self._dial())

    async def close(self) -> None:
        """End everything at once, without callbacks."""
        if self._dialling is not None:
            self._dialling.cancel()
        await self.clear()

    async def clear(self) -> None:
        """Forget all calls, without callbacks."""
        calls = list(self.calls.values())
        tasks = [task for call in calls for task in [call.task, *call.beside] if task is not None]
        for conversation in self._conversations.values():
            conversation.stop()
        self.calls.clear()
        self._conversations.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def place(self, to: str, from_: str, options: CallOptions) -> Call:
        """Queue a call. Two requests make two calls, as with Twilio."""
        call = Call(to=to, from_=from_, options=options, created_at=self._clock.now())
        self.calls[call.sid] = call
        self._conversations[call.sid] = Conversation(self._courier, self._behaviours.of(to).callbacks)
        self._forget_old()
        self._queue.put_nowait(call)
        log.info("call %s to %s is queued", call.sid, to)
        self._phones.changed(to)
        return call

    def newest_first(self) -> Iterator[Call]:
        """Yield all calls that are remembered."""
        return reversed(self.calls.values())

    def update(self, call: Call, status: str, redirect: CallOptions | None) -> None:
        """Apply an update by the client. Raises ``TwilioError`` if the call's state forbids it.

        ``canceled`` leaves a call in progress as it is; ``completed`` ends any.
        https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource
        """
        if call.status.is_final:
            raise invalid(21220, "Invalid call state. Call is not in-progress. Cannot redirect.")
        is_connected = call.status is CallStatus.IN_PROGRESS
        if status == CallStatus.COMPLETED and is_connected:
            self.end(call, CallStatus.COMPLETED)
        elif status in {CallStatus.CANCELED, CallStatus.COMPLETED}:
            if not is_connected:
                self.end(call, CallStatus.CANCELED)
        elif status:
            raise TwilioError(400, 21218, f"Invalid status: {status}")
        elif redirect is not None:
            if not is_connected:
                raise invalid(21220, "Invalid call state. Call is not in-progress. Cannot redirect.")
            call.redirect = redirect
            self._restart(call)

    def end(self, call: Call, status: CallStatus) -> None:
        """End a call that is not over, now."""
        if call.status.is_final:
            return
        if call.answered_clock is not None:
            call.duration = math.ceil(self._clock.seconds() - call.answered_clock)
        call.ended_at = self._clock.now()
        call.duration = call.duration or 0
        call.saying = call.listening = None
        self._enter(call, status)
        for task in [call.task, *call.beside]:
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    def parameters(self, call: Call) -> list[tuple[str, str]]:
        """Return what every request about a call carries.

        https://www.twilio.com/docs/voice/twiml#twilios-request-to-your-application
        """
        told = [
            ("AccountSid", self._courier.account_sid),
            ("ApiVersion", API_VERSION),
            ("CallSid", call.sid),
            ("CallStatus", call.status.value),
            ("Called", call.to),
            ("Caller", call.from_),
            ("Direction", "outbound-api"),
            ("From", call.from_),
            ("To", call.to),
        ]
        return [*told, ("AnsweredBy", call.answered_by)] if call.answered_by else told

    async def _dial(self) -> None:
        while True:
            call = await self._queue.get()
            if call.status is not CallStatus.QUEUED or call.sid not in self.calls:
                continue
            call.task = asyncio.create_task(self._guarded(call, self._conduct(call)))
            await self._clock.sleep(self._interval)

    async def _guarded(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        """Carry it out; a defect of the simulator ends the call and is logged."""
        try:
            await work
        except Exception:
            log.exception("call %s to %s met a defect of the simulator", call.sid, call.to)
            self.end(call, CallStatus.FAILED)

    async def _conduct(self, call: Call) -> None:
        behaviour = self._behaviours.of(call.to)
        call.started_at = self._clock.now()
        call.queued_seconds = (call.started_at - call.created_at).total_seconds()
        self._enter(call, CallStatus.INITIATED)
        await self._clock.sleep(_SECONDS_TO_RING)
        if behaviour.answers == Pickup.FAIL:
            self.end(call, CallStatus.FAILED)
            return
        self._enter(call, CallStatus.RINGING)
        pickup = await self._ring(call, behaviour)
        if pickup in {Pickup.PERSON, Pickup.MACHINE}:
            await self._talk(call, behaviour, pickup)
            self.end(call, CallStatus.COMPLETED)
        else:
            self.end(call, CallStatus.NO_ANSWER if pickup is None else _OUTCOME_OF[pickup])

    async def _ring(self, call: Call, behaviour: Behaviour) -> Pickup | None:
        """Return what the called side did; None if the call was not answered in time."""
        scripted = None
        if behaviour.answers in set(Pickup):
            scripted = asyncio.create_task(self._answer_later(call, behaviour))
        try:
            async with asyncio.timeout(self._clock.real(call.options.timeout)):
                return await asyncio.shield(call.pickup)
        except TimeoutError:
            return None
        finally:
            if scripted is not None:
                scripted.cancel()

    async def _answer_later(self, call: Call, behaviour: Behaviour) -> None:
        await self._clock.sleep(behaviour.answer_after)
        if not call.pickup.done():
            call.pickup.set_result(Pickup(behaviour.answers))

    async def _talk(self, call: Call, behaviour: Behaviour, pickup: Pickup) -> None:
        call.answered_at = self._clock.now()
        call.answered_clock = self._clock.seconds()
        self._enter(call, CallStatus.IN_PROGRESS)
        seconds = call.options.time_limit
        if behaviour.hang_up_after is not None and pickup is Pickup.PERSON:
            seconds = min(seconds, behaviour.hang_up_after)
        call.beside.append(asyncio.create_task(self._end_later(call, seconds)))
        if call.options.machine_detection and call.options.is_async_amd:
            telling = detection.detect_and_tell(call, behaviour, pickup, self._clock, self._courier)
            call.beside.append(asyncio.create_task(telling))
        elif call.options.machine_detection:
            await detection.detect(call, behaviour, pickup, self._clock)
        await self._walk(call, behaviour)

    async def _walk(self, call: Call, behaviour: Behaviour) -> None:
        walker = Walker(
            call,
            behaviour,
            clock=self._clock,
            courier=self._courier,
            parameters=self.parameters,
            changed=lambda: self._phones.changed(call.to),
        )
        await walker.walk(call.redirect or call.options)

    def _restart(self, call: Call) -> None:
        """Let a call in progress go on with other TwiML."""
        if call.task is not None:
            call.task.cancel()
        call.task = asyncio.create_task(self._guarded(call, self._go_on(call)))

    async def _go_on(self, call: Call) -> None:
        call.saying = call.listening = None
        await self._walk(call, self._behaviours.of(call.to))
        self.end(call, CallStatus.COMPLETED)

    async def _end_later(self, call: Call, seconds: float) -> None:
        await self._clock.sleep(seconds)
        log.info("call %s to %s ends after %g s", call.sid, call.to, seconds)
        self.end(call, CallStatus.COMPLETED)

    def _enter(self, call: Call, status: CallStatus) -> None:
        call.status = status
        call.updated_at = self._clock.now()
        log.info("call %s to %s is %s", call.sid, call.to, status.value)
        self._phones.changed(call.to)
        event = _EVENT_OF.get(status, "completed")
        if call.options.status_callback is None or event not in call.options.events:
            return
        told = [
            *self.parameters(call),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(call.sequence_number)),
            ("Timestamp", rfc2822(self._clock.now())),
        ]
        if status.is_final:
            told += [
                ("CallDuration", str(call.duration or 0)),
                ("Duration", str(-(-(call.duration or 0) // 60))),
            ]
        call.sequence_number += 1
        callback = StatusCallback(
            call.options.status_callback, told, status.value, status.is_final, self._clock.seconds()
        )
        self._conversations[call.sid].tell(callback)

    def _forget_old(self) -> None:
        if len(self.calls) <= self._kept:
            return
        over = [call.sid for call in self.calls.values() if call.status.is_final]
        for sid in over[: len(self.calls) - self._kept]:
            del self.calls[sid]
            del self._conversations[sid]
