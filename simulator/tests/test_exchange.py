"""What can't be seen from outside: that the provider forgets."""

import asyncio
from collections.abc import Sequence

from simulator.provider.behaviours import Behaviour
from simulator.provider.exchange import Exchange
from simulator.provider.parameters import Draft
from simulator.provider.records import Call, CallOptions, CallStatus
from simulator.provider.settings import Settings
from simulator.tests.rest import FROM, SAY_HELLO, TO


async def all_over(exchange: Exchange, calls: Sequence[Call]) -> None:
    async with asyncio.timeout(10):
        while not all(call.status.is_final for call in calls):
            await exchange.phones.wait(TO, exchange.phones.revision(TO), 10)


def test_only_so_many_calls_and_messages_are_remembered() -> None:
    async def use() -> tuple[int, int]:
        exchange = Exchange(Settings(kept=5, time_scale=0.0001))
        await exchange.open()
        exchange.behaviours.set(TO, Behaviour(answers="person"))
        for _ in range(12):
            call = exchange.switchboard.place(TO, FROM, CallOptions(twiml=SAY_HELLO))
            message = exchange.centre.send(Draft(TO, FROM, "", "Hello", None))
            await all_over(exchange, [call])
            if message.task is not None:
                await message.task
        sizes = len(exchange.switchboard.calls), len(exchange.centre.messages)
        await exchange.close()
        return sizes

    assert asyncio.run(use()) == (5, 5)


def test_a_call_that_is_under_way_is_never_forgotten() -> None:
    async def use() -> set[CallStatus]:
        exchange = Exchange(Settings(kept=5, time_scale=0.0001))
        await exchange.open()
        calls = [exchange.switchboard.place(TO, FROM, CallOptions(twiml=SAY_HELLO)) for _ in range(12)]
        await all_over(exchange, calls)
        await exchange.close()
        return {call.status for call in calls}

    assert asyncio.run(use()) == {CallStatus.NO_ANSWER}
