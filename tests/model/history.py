"""One history: the engine and the reference side by side, each action done to both, and the story of it."""

import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from common.channels import Message
from tests.model import engine as adapter
from tests.model import invariants
from tests.model.channels import desk
from tests.model.engine import Engine
from tests.model.notices import Told
from tests.model.reference import Reference
from tests.model.world import INFO, KINDS, Behaviour, Event, Member, Plan, Step, Target, clock

BEGIN: Final = 600
"""Ten o'clock."""
NAMES: Final = ("Alice", "Bob", "Carol")
_MOMENT: Final = 0.1
"""Minutes: actions take place this long after the full minute, so that what follows from one is due after the next."""
TOLERANCE: Final = 1
"""Minutes: back-off has jitter, leases run out within seconds of the minute."""


class DiffersError(AssertionError):
    """The engine did not do what the reference says, or broke an invariant."""


class History:
    """The actions of one history. Each method does one thing to both sides, and checks that they agree."""

    def __init__(self, engine: Engine | None) -> None:
        """Begin at ten o'clock with three members, who have four targets each, and two calendars.

        Without an engine the reference is alone, and nothing is compared.
        """
        adapter.forget()
        self.story: list[str] = []
        self.members = [Member(name) for name in NAMES]
        self.targets = [Target(member, kind) for member in self.members for kind in KINDS]
        self.reference = Reference(BEGIN + _MOMENT, self.members, self.targets)
        self._is_alone = engine is None
        self.engine: Any = engine or _NoEngine()
        self.engine.make_world(self.targets, 2)
        self.sent: list[tuple[float, str, float, Target, Message]] = []
        self.tried: set[tuple[Target, str]] = set()
        self._numbers = 0
        self._behaviours: dict[Target, Behaviour] = {}
        desk.decide, desk.note = self._decide, self._note

    # What the providers do

    def _decide(self, message: Message) -> Behaviour:
        title, _start, target, _source = self.engine.about(message)
        is_first = (target, title) not in self.tried
        self.tried.add((target, title))
        return self._behaviours.get(target, Behaviour.FINE) if is_first else Behaviour.FINE

    def _note(self, message: Message, does: Behaviour, is_taken: bool) -> None:  # noqa: FBT001 - a callback
        title, start, target, source = self.engine.about(message)
        end = f" → {does}" if does else ""
        self._tell(f"   {target.name}: {title} at {clock(start)}{end}")
        is_new = all(message.tag != other.tag for *_rest, other in self.sent)
        if is_taken and is_new and source.startswith("calendar:"):
            self.sent.append((self.engine.now, title, start, target, message))

    def _tell(self, what: str) -> None:
        at = self.reference.now if self._is_alone else self.engine.now
        self.story.append(f"{clock(at):>8} {what}")

    # Actions

    def behave(self, target: Target, does: Behaviour) -> None:
        """Decide what becomes of the next message about each event to a target."""
        self._tell(f"{target.name} is now: {does or 'fine'}")
        target.behaviour, self._behaviours[target] = does, does
        target.tried.clear()
        self.tried = {(one, title) for one, title in self.tried if one is not target}

    def register(
        self, member: Member, word: str, steps: list[tuple[Target, int, bool]], *,
        calendar: int | None = None, action: str = "notify", skips_away: bool = False,
    ) -> Plan:  # fmt: skip
        """Register."""
        own = [Step(self._number(), target, offset, is_always) for target, offset, is_always in steps]
        plan = Plan(self._number(), member, calendar, word, action, own, skips_away)
        does = {"notify": "registers", "mute": "mutes others while", "away": "is away while"}[action]
        parts = ", ".join(map(_step, own))
        skips = ", skipping who is away" if skips_away else ""
        where = "" if calendar is None else f" of calendar {calendar}"
        self._tell(f"{member.name} {does} “{word}”{where} (plan {plan.number}: {parts or 'no steps'}{skips})")
        self.reference.plans.append(plan)
        self.engine.register(plan)
        self.work()
        return plan

    def switch_plan(self, plan: Plan) -> None:
        """Switch a registration off or on."""
        plan.is_on = not plan.is_on
        self._tell(f"plan {plan.number} is switched {'on' if plan.is_on else 'off'}")
        self.engine.switch_plan(plan)
        self.work()

    def delete_plan(self, plan: Plan) -> None:
        """Delete a registration."""
        self._tell(f"plan {plan.number} is deleted")
        self.reference.plans.remove(plan)
        self.engine.delete_plan(plan)
        self.work()

    def add_step(self, plan: Plan, target: Target, offset: int, *, is_always: bool = False) -> None:
        """Add a step; does nothing if the plan has it already."""
        if any(step.target is target and step.offset == offset for step in plan.steps):
            return
        step = Step(self._number(), target, offset, is_always)
        plan.steps.append(step)
        self._tell(f"plan {plan.number} gets a step: {_step(step)}")
        self.engine.add_step(plan, step)
        self.work()

    def move_step(self, plan: Plan, step: Step, offset: int) -> None:
        """Give a step another offset; does nothing if the plan has such a step already."""
        if any(other.target is step.target and other.offset == offset for other in plan.steps):
            return
        before, step.offset = _step(step), offset
        self._tell(f"plan {plan.number}: {before} becomes {_step(step)}")
        self.engine.change_step(plan, step)
        self.work()

    def delete_step(self, plan: Plan, step: Step) -> None:
        """Delete a step."""
        plan.steps.remove(step)
        self._tell(f"plan {plan.number} loses a step: {_step(step)}")
        self.engine.delete_step(plan, step)
        self.work()

    def switch_target(self, target: Target) -> None:
        """Disable a target or enable it again."""
        target.is_on = not target.is_on
        self._tell(f"{target.name} is {'enabled' if target.is_on else 'disabled'}")
        self.engine.switch_target(target)
        self.work()

    def delete_target(self, target: Target) -> None:
        """Delete a target with its steps."""
        self._tell(f"{target.name} is deleted")
        target.is_on = False
        for plan in self.reference.plans:
            plan.steps[:] = [step for step in plan.steps if step.target is not target]
        self.engine.delete_target(target)
        self.work()

    def switch_account(self, member: Member) -> None:
        """Switch an account off or on."""
        member.is_on = not member.is_on
        self._tell(f"{member.name}'s account is switched {'on' if member.is_on else 'off'}")
        self.engine.switch_account(member)
        self.work()

    def set_member(self, member: Member, **values: Any) -> None:
        """Set zone, quiet hours (from, until) or daily limit of a member."""
        for name, value in values.items():
            setattr(member, name, value)
        words = ", ".join(f"{name} {_words(name, value)}" for name, value in values.items())
        self._tell(f"{member.name}: {words}")
        self.engine.set_member(member)
        self.work()

    def set_limits(self, each: int | None, most: int | None) -> None:
        """Limit the calls of a day: to one member, and to all."""
        self.reference.limits.calls_each, self.reference.limits.calls = each, most
        self._tell(f"calls a day: {_words('', each)} to one member, {_words('', most)} to all")
        self.engine.set_limits(each, most)
        self.work()

    def publish(
        self, title: str, start: float, *, length: int = 60, calendar: int = 0, severity: int = INFO
    ) -> Event:
        """Publish a new event."""
        event = Event(calendar, title, start, length, severity)
        critical = ", critical" if event.is_critical else ""
        self._tell(
            f"“{title}” is published in calendar {calendar}: {clock(start)}, {length} minutes{critical}"
        )
        self.reference.events.append(event)
        self.engine.publish(event)
        self.work()
        return event

    def change(self, event: Event, *, last_first: bool = False, **values: Any) -> None:
        """Move (``start``), cancel or reinstate (``is_canceled``) an event in all calendars that have it.

        ``last_first``: the calendar that had it last comes first.
        """
        words = ", ".join(f"{name} {_words(name, value)}" for name, value in values.items())
        self._tell(f"“{event.title}” changes: {words}")
        twins = [one for one in self.reference.events if one.title == event.title]
        for one in reversed(twins) if last_first else twins:
            one.__dict__.update(values)
            self.reference.tell_changes(one)
            self.engine.publish(one)
        self.work()

    def answer(self, index: int, kind: str, after: int | None = None) -> None:
        """Answer one of the messages that were told, from a page that shows the start that it told."""
        told, process_id = self._told(index)
        how = f" ({'at the start' if after is None else f'{after} minutes'})" if kind == "snooze" else ""
        self._tell(
            f"{told.target.member.name}: {kind}{how} “{told.title}” at {clock(told.start)} by {told.target.kind}"
        )
        if kind == "snooze":
            expected: Any = self.reference.snooze(told, after)
            got: Any = self.engine.snooze(process_id, after, told.start)
        elif kind == "pass on":
            person = self.reference.pass_on(told)
            expected, got = person and person.name, self.engine.pass_on(process_id, told.start)
        else:
            expected = got = None
            self.reference.say(told, kind)
            getattr(self.engine, kind)(process_id, told.start)
        is_same = expected == got
        if isinstance(expected, float) and isinstance(got, float):
            is_same = abs(expected - got) <= TOLERANCE
        if not is_same and not self._is_alone:
            words = [_words("time" if kind == "snooze" else "", one) for one in (expected, got)]
            self.fail(f"the answer “{kind}” promises {words[0]}", f"it promises {words[1]}")
        self.work()

    def report(self, index: int, fact: str, *, times: int = 1, sequence: int | None = None) -> None:
        """Have a fact reported about one of the messages that were told, perhaps repeatedly or out of order."""
        told, process_id = self._told(index)
        self._tell(f"{told.target.name} reports “{fact}” of “{told.title}” at {clock(told.start)}")
        self._numbers += 1
        self.reference.report(told, fact)
        for _time in range(times):
            self.engine.report(process_id, fact, self._numbers, sequence)
        self.work()

    def advance(self, minutes: float, *, is_down: bool = False) -> None:
        """Let time pass."""
        if is_down:
            self._tell(f"everything is down for {minutes} minutes")
        until = int(self.reference.now) + minutes
        self.reference.advance(until, is_down=is_down)
        self.engine.advance(until, is_down=is_down)
        self.engine.try_again()
        self.check()
        self.reference.now += _MOMENT

    def step_clock(self, minutes: float) -> None:
        """Set the engine's clock wrong for one round of work; nothing may follow from that."""
        self._tell(f"the clock steps by {minutes:+} minutes and back")
        self.engine.step_clock(minutes)
        self.check()

    def work(self) -> None:
        """Let both do what is due."""
        self.engine.tick()
        self.reference.work()
        self.engine.work()
        self.engine.try_again()
        self.check()

    # Comparing

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _told(self, index: int) -> tuple[Told, str]:
        """Return one of the messages that were told: as the reference and as the engine know it."""
        told = self.reference.told[index % len(self.reference.told)]
        if self._is_alone:
            return told, ""
        key = told.title, told.start, told.target
        same = [one for one in self.reference.told if (one.title, one.start, one.target) == key]
        sent = [message for _at, *what, message in self.sent if tuple(what) == key]
        return told, sent[same.index(told)].process_id

    def check(self) -> None:
        """Compare who was told, when and by which way, and who was reached; look for broken invariants."""
        if self._is_alone:
            return
        expected: dict[Any, list[float]] = defaultdict(list)
        got: dict[Any, list[float]] = defaultdict(list)
        for told in self.reference.told:
            expected[told.target, told.title, told.start].append(told.at)
        for at, title, start, target, _message in self.sent:
            got[target, title, start].append(at)
        for key in [*expected, *(key for key in got if key not in expected)]:
            same = len(expected[key]) == len(got[key])
            if not same or any(abs(a - b) > TOLERANCE for a, b in zip(expected[key], got[key], strict=True)):
                target, title, start = key
                what = f"{target.name} is told of “{title}” at {clock(start)}:"
                self.fail(f"{what} {_times(expected[key])}", _times(got[key]))
        seen = self.engine.look()
        for broken in invariants.broken(seen):
            self.fail("every invariant holds", broken)
        should, was = self.reference.reached(), seen.reached()
        for name, title, start in sorted(should ^ was):
            words = [
                f"{name} counts as {'' if found else 'not '}reached"
                for found in ((name, title, start) in should,)
            ]
            self.fail(f"{words[0]} about “{title}” at {clock(start)}", "the opposite is stored")

    def fail(self, expected: str, got: str) -> None:
        """Raise with the story of the history."""
        reasons = invariants.reasons(self.engine.look()) if os.environ.get("MODEL_VERBOSE") else []
        lines = ["", *self.story, f"expected: {expected}", f"     got: {got}", *reasons]
        raise DiffersError("\n".join(lines))


class _NoEngine:
    """In place of the engine where the reference is alone: does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_args, **_values: None


def _step(step: Step) -> str:
    side = "before" if step.offset <= 0 else "after"
    return f"{step.target.name} {abs(step.offset)} {side}{' (always)' if step.is_always else ''}"


def _words(name: str, value: Any) -> str:
    if name in {"start", "time"} and value is not None:
        return clock(value)
    if isinstance(value, tuple):
        return "-".join(map(clock, value))
    return "nothing" if value is None else str(value)


def _times(times: list[float]) -> str:
    return " and ".join(map(clock, times)) or "never"
