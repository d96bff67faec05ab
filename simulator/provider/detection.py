"""Answering machine detection: https://www.twilio.com/docs/voice/answering-machine-detection."""

from typing import Final

from simulator.provider.behaviours import Behaviour
from simulator.provider.callbacks import Courier, StatusCallback
from simulator.provider.clock import Clock
from simulator.provider.records import Call, Pickup

AMD: Final = "amd"
"""Stands for the callback of detection where callbacks are lost on purpose."""
_SECONDS: Final = {"human": 2.0, "machine_start": 4.0}
_SECONDS_OF_GREETING: Final = 8.0


async def detect(call: Call, behaviour: Behaviour, pickup: Pickup, clock: Clock) -> float:
    """Find out who answered; return the simulated seconds that it took."""
    found = behaviour.answered_by or ("human" if pickup is Pickup.PERSON else "machine_start")
    if found == "machine_start" and call.options.machine_detection == "DetectMessageEnd":
        found = "machine_end_beep"
    seconds = _SECONDS.get(found, _SECONDS_OF_GREETING)
    await clock.sleep(seconds)
    call.answered_by = found
    return seconds


async def detect_and_tell(
    call: Call, behaviour: Behaviour, pickup: Pickup, clock: Clock, courier: Courier
) -> None:
    """Find out who answered beside the call, and tell it to ``AsyncAmdStatusCallback``."""
    seconds = await detect(call, behaviour, pickup, clock)
    if call.options.amd_callback is None:
        return
    told = [
        ("AccountSid", courier.account_sid),
        ("AnsweredBy", call.answered_by),
        ("CallSid", call.sid),
        ("MachineDetectionDuration", str(int(seconds * 1000))),
    ]
    callback = StatusCallback(call.options.amd_callback, told, AMD, is_last=False, told_at=clock.seconds())
    await courier.deliver(callback, behaviour.callbacks)
