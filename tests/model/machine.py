"""The machine: random actions on a history, by hypothesis.

Numbers are small and lists short, so that what hypothesis shrinks to is a story of a few lines.
``MODEL_WITHOUT=mute,cap`` leaves rules out by name, to look behind a defect that is known already.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.model.engine import Engine, instant
from tests.model.history import BEGIN, History
from tests.model.world import CRITICAL, DAY, INFO, KINDS, Behaviour

_WITHOUT: Final = frozenset(filter(None, os.environ.get("MODEL_WITHOUT", "").split(",")))
F = TypeVar("F", bound=Callable[..., Any])

_HOUR: Final = 60
_MOST: Final = 3
"""Plans; more find nothing more and take longer."""

_members = st.integers(0, 2)
_index = st.integers(0, 5)
_offsets = st.sampled_from([-10, -5, -2, 5])
_ahead = st.sampled_from([12, 8, 3, 30])
_titles = st.sampled_from(["telecon A", "telecon B", "observing"])
_words = st.sampled_from(["telecon", "observing"])
_steps = st.lists(
    st.tuples(_members, st.integers(0, len(KINDS) - 1), _offsets, st.booleans()), max_size=3, min_size=1
)


def allowed(name: str, needs: str = "") -> Callable[[F], F]:
    """Leave a rule out when it is not wanted, or when there is nothing that it could act on."""

    def holds(machine: "Machine") -> bool:
        return name not in _WITHOUT and (not needs or bool(getattr(machine, needs)))

    decorated: Callable[[F], F] = precondition(holds)
    return decorated


class Machine(RuleBasedStateMachine):
    """Each rule does one action to the engine and to the reference; the history compares them."""

    traveller: ClassVar[Any] = None
    """The controlled clock; set by the test."""

    def __init__(self) -> None:
        """Begin a history in a transaction that is rolled back at its end."""
        super().__init__()
        self.traveller.move_to(instant(BEGIN))
        self._savepoint = transaction.savepoint()
        self.history = History(Engine(self.traveller))

    def teardown(self) -> None:
        """Undo all that was stored."""
        transaction.savepoint_rollback(self._savepoint)

    @property
    def plans(self) -> list[Any]:
        """Registrations that exist."""
        return self.history.reference.plans

    @property
    def events(self) -> list[Any]:
        """Events that were published."""
        return self.history.reference.events

    @property
    def told(self) -> list[Any]:
        """Messages that were told."""
        return self.history.reference.told

    @property
    def steps(self) -> list[Any]:
        """Steps of all plans, with their plans."""
        return [(plan, step) for plan in self.plans for step in plan.steps]

    def _target(self, member: int, kind: int) -> Any:
        return self.history.targets[member * len(KINDS) + kind]

    @initialize(steps=_steps, ahead=_ahead, skips=st.booleans())
    def begin(self, steps: list[Any], ahead: int, *, skips: bool) -> None:
        """Begin with a plan of Alice's and an event."""
        self._register(0, steps, "telecon", None, skips=skips)
        self.history.publish("telecon A", BEGIN + ahead + 0.5)

    def _exists(self, member: int, kind: int) -> bool:
        return self._target(member, kind) in self.history.engine.targets

    # Time

    @rule(minutes=st.sampled_from([1, 3, 6, 10]))
    @allowed("advance")
    def advance(self, minutes: int) -> None:
        self.history.advance(minutes)

    @rule()
    @allowed("down")
    def down(self) -> None:
        self.history.advance(60, is_down=True)

    @rule(minutes=st.sampled_from([4, 11]))
    @allowed("pause")
    def pause(self, minutes: int) -> None:
        self.history.advance(minutes, is_down=True)

    @rule()
    @allowed("clock_back")
    def clock_back(self) -> None:
        # By the wrong clock what is over just now would still be worth telling of, and rightly.
        now = self.history.reference.now
        if not any(now - _HOUR < event.start + event.length <= now for event in self.events):
            self.history.step_clock(-30)

    @rule()
    @allowed("clock_ahead")
    def clock_ahead(self) -> None:
        # By the wrong clock a longer event would still be worth telling of, and rightly.
        if all(event.length <= _HOUR for event in self.events):
            self.history.step_clock(2 * DAY)

    # Registrations

    @rule(
        member=_members, steps=_steps, word=_words, where=st.sampled_from([None, 0, 1]), skips=st.booleans()
    )
    @allowed("register")
    def register(self, member: int, steps: list[Any], word: str, where: int | None, *, skips: bool) -> None:
        if len(self.plans) < _MOST:
            self._register(member, steps, word, None if "where" in _WITHOUT else where, skips=skips)

    def _register(self, member: int, steps: list[Any], word: str, where: int | None, *, skips: bool) -> None:
        distinct = {(who, kind, offset): is_always for who, kind, offset, is_always in steps}
        plan = [
            (self._target(who, kind), offset, is_always and "always" not in _WITHOUT)
            for (who, kind, offset), is_always in distinct.items()
            if self._exists(who, kind)
        ]
        is_skipping = skips and "away" not in _WITHOUT
        self.history.register(
            self.history.members[member], word, plan, calendar=where, skips_away=is_skipping
        )

    @rule(member=_members, action=st.sampled_from(["mute", "away"]))
    @allowed("hold")
    def hold(self, member: int, action: str) -> None:
        if action not in _WITHOUT:
            self.history.register(self.history.members[member], "observing", [], action=action)

    @rule(index=_index)
    @allowed("switch_plan", "plans")
    def switch_plan(self, index: int) -> None:
        self.history.switch_plan(self.plans[index % len(self.plans)])

    @rule(index=_index)
    @allowed("delete_plan", "plans")
    def delete_plan(self, index: int) -> None:
        self.history.delete_plan(self.plans[index % len(self.plans)])

    @rule(index=_index, member=_members, kind=st.integers(0, 3), offset=_offsets)
    @allowed("add_step", "steps")
    def add_step(self, index: int, member: int, kind: int, offset: int) -> None:
        if self._exists(member, kind):
            plan = self.steps[index % len(self.steps)][0]
            self.history.add_step(plan, self._target(member, kind), offset)

    @rule(index=_index, offset=st.sampled_from([-15, -10, -5, -2, 5]))
    @allowed("move_step", "steps")
    def move_step(self, index: int, offset: int) -> None:
        plan, step = self.steps[index % len(self.steps)]
        self.history.move_step(plan, step, offset)

    @rule(index=_index)
    @allowed("delete_step", "steps")
    def delete_step(self, index: int) -> None:
        self.history.delete_step(*self.steps[index % len(self.steps)])

    # Members and targets

    @rule(member=_members, kind=st.integers(0, 2))
    @allowed("switch_target")
    def switch_target(self, member: int, kind: int) -> None:
        if self._exists(member, kind):
            self.history.switch_target(self._target(member, kind))

    @rule(member=_members, kind=st.integers(0, 2))
    @allowed("delete_target")
    def delete_target(self, member: int, kind: int) -> None:
        if self._exists(member, kind):
            self.history.delete_target(self._target(member, kind))

    @rule(member=_members)
    @allowed("switch_account")
    def switch_account(self, member: int) -> None:
        self.history.switch_account(self.history.members[member])

    @rule(
        member=_members, quiet=st.sampled_from([None, (600, 620), (540, 660)]), zone=st.sampled_from([0, 540])
    )
    @allowed("quiet")
    def quiet(self, member: int, quiet: tuple[int, int] | None, zone: int) -> None:
        local = quiet and tuple((one + zone) % 1440 for one in quiet)
        self.history.set_member(self.history.members[member], zone=zone, quiet=local)

    @rule(member=_members, cap=st.sampled_from([None, 0, 1]))
    @allowed("cap")
    def cap(self, member: int, cap: int | None) -> None:
        self.history.set_member(self.history.members[member], cap=cap)

    @rule(each=st.sampled_from([None, 1]), most=st.sampled_from([None, 0, 2]))
    @allowed("limits")
    def limits(self, each: int | None, most: int | None) -> None:
        self.history.set_limits(each, most)

    @rule(member=_members, kind=st.integers(0, 2), does=st.sampled_from(Behaviour))
    @allowed("behave")
    def behave(self, member: int, kind: int, does: Behaviour) -> None:
        if does not in _WITHOUT:
            self.history.behave(self._target(member, kind), does)

    # Events

    @rule(title=_titles, ahead=_ahead, length=st.sampled_from([60, 10, 7200]), critical=st.booleans())
    @allowed("publish")
    def publish(self, title: str, ahead: int, length: int, *, critical: bool) -> None:
        if all(event.title != title for event in self.events):
            severity = CRITICAL if critical and "critical" not in _WITHOUT else INFO
            start = int(self.history.reference.now) + ahead + 0.5
            self.history.publish(title, start, length=length, severity=severity)

    @rule(index=_index)
    @allowed("twin", "events")
    def twin(self, index: int) -> None:
        event = self.events[index % len(self.events)]
        if not event.is_canceled and sum(one.title == event.title for one in self.events) == 1:
            self.history.publish(
                event.title, event.start, length=event.length, calendar=1, severity=event.severity
            )

    @rule(index=_index, by=st.sampled_from([30, 1, -3, -30, 10]), last_first=st.booleans())
    @allowed("move", "events")
    def move(self, index: int, by: int, *, last_first: bool) -> None:
        event = self.events[index % len(self.events)]
        if not event.is_canceled:
            self.history.change(event, last_first=last_first, start=event.start + by)

    @rule(index=_index)
    @allowed("cancel", "events")
    def cancel(self, index: int) -> None:
        event = self.events[index % len(self.events)]
        if not event.is_canceled:
            self.history.change(event, is_canceled=True)

    @rule(index=_index)
    @allowed("reinstate", "events")
    def reinstate(self, index: int) -> None:
        event = self.events[index % len(self.events)]
        if event.is_canceled:
            self.history.change(event, is_canceled=False)

    # Answers and receipts

    @rule(index=_index)
    @allowed("acknowledge", "told")
    def acknowledge(self, index: int) -> None:
        self.history.answer(index, "acknowledge")

    @rule(index=_index)
    @allowed("stop", "told")
    def stop(self, index: int) -> None:
        self.history.answer(index, "stop")

    @rule(index=_index)
    @allowed("pass_on", "told")
    def pass_on(self, index: int) -> None:
        self.history.answer(index, "pass on")

    @rule(index=_index, after=st.sampled_from([5, 10, 30, None]))
    @allowed("snooze", "told")
    def snooze(self, index: int, after: int | None) -> None:
        self.history.answer(index, "snooze", after)

    @rule(
        index=_index,
        fact=st.sampled_from(["shown", "busy"]),
        times=st.integers(1, 2),
        order=st.sampled_from([None, 1, 2]),
    )
    @allowed("report", "told")
    def report(self, index: int, fact: str, times: int, order: int | None) -> None:
        told = self.told[index % len(self.told)]
        if fact == "shown" or told.target.kind == "call":
            self.history.report(index, fact, times=times, sequence=order)
