"""The telephone exchange: the state that both APIs work on."""

from collections import deque
from typing import Any, Final

from simulator.provider.behaviours import Behaviours
from simulator.provider.callbacks import Courier
from simulator.provider.calls import Switchboard
from simulator.provider.clock import Clock
from simulator.provider.faults import Faults
from simulator.provider.inbound import Inbound
from simulator.provider.messages import MessageCentre
from simulator.provider.phones import Phones
from simulator.provider.settings import Settings

_BALANCE: Final = "100.00"


class Exchange:
    """One account's calls and messages, and the phones that they reach."""

    def __init__(self, settings: Settings) -> None:
        """Make its parts."""
        self.settings = settings
        self.balance = _BALANCE
        """The account's credit, as Twilio writes it."""
        self.clock = Clock(settings.time_scale)
        self.phones = Phones()
        self.behaviours = Behaviours()
        self.faults = Faults()
        self.requests: deque[dict[str, Any]] = deque(maxlen=settings.kept)
        """Every request to the REST API and what it was answered with, the oldest first."""
        self.courier = Courier(
            account_sid=settings.account_sid,
            auth_token=settings.auth_token,
            timeout=settings.webhook_timeout,
            clock=self.clock,
            kept=settings.kept,
        )
        self.switchboard = Switchboard(
            clock=self.clock,
            courier=self.courier,
            behaviours=self.behaviours,
            phones=self.phones,
            calls_per_second=settings.calls_per_second,
            kept=settings.kept,
        )
        self.centre = MessageCentre(
            clock=self.clock,
            courier=self.courier,
            behaviours=self.behaviours,
            phones=self.phones,
            kept=settings.kept,
        )

        self.inbound = Inbound(self.centre, self.courier)

    async def open(self) -> None:
        """Start to work. Call it in the running loop."""
        await self.courier.open()
        self.switchboard.open()

    async def clear(self) -> None:
        """Forget everything, as if just started."""
        await self.switchboard.clear()
        await self.centre.clear()
        self.inbound.clear()
        self.balance = _BALANCE
        self.behaviours.clear()
        self.faults.clear()
        self.requests.clear()
        self.courier.journal.clear()

    async def close(self) -> None:
        """End everything that is in progress, without callbacks."""
        self.inbound.clear()
        await self.switchboard.close()
        await self.centre.clear()
        await self.courier.close()
