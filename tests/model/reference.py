"""A naive reference: who should have been told, when, by which way, and who was reached.

It goes through time in steps of half a minute and works out from nothing what is wanted. Each plan is computed alone:
there is a notice for each step, event and start, and those of one meeting and target that are due together become one
message. Nothing here is fast or shared with the engine.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from common.states import REACHED, State
from tests.model.limits import Limits
from tests.model.notices import ENDED, LATE, OFF, TAKEN, TOGETHER, Notice, Said, Told, becomes, hears
from tests.model.world import KINDS, Behaviour, Event, Member, Plan, Target

HELD, AWAY, PASSED_ON, SILENCE, BUSY, OTHER = "held", "away", "passed on", "no receipt", "busy", "other"


@dataclass
class Reference:
    """The world as it should be. Actions are the public methods; ``advance`` lets time pass."""

    now: float
    members: list[Member]
    targets: list[Target]
    plans: list[Plan] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    refused: set[Any] = field(default_factory=set)  # steps that were overdue when first planned, not worth it
    limits: Limits = field(default_factory=Limits)

    def advance(self, until: float, *, is_down: bool = False) -> None:
        """Let time pass; while everything is down, nothing happens until the end."""
        while self.now < until:
            self.now = until if is_down else (int(self.now * 2) + 1) / 2
            if self.now == until or any(n.is_due(self.now) or n.is_silent(self.now) for n in self.notices):
                self.work()

    def work(self) -> None:
        """Do what is due now, until nothing is."""
        self._plan()
        while sum(self._fire(kind) for kind in KINDS) or self._time_out():
            self._plan()

    def reached(self) -> set[tuple[str, str, float]]:
        """Return who was reached, about which start of which event."""
        return {(n.target.member.name, n.event.title, n.start) for n in self.notices if n.state in REACHED}

    def _plan(self) -> None:
        """Bring what is pending in line with the registrations and the answers."""
        wanted = {(n.plan, n.step, n.event, n.start, n.due): n for n in self._wanted()}
        for n in self._pending("plan"):
            if (n.plan, n.step, n.event, n.start, n.due) not in wanted:
                self._end(n, State.CANCELED, "not wanted")
        for n in self._pending("snooze", "redial"):
            is_on = (n.plan is None or self._in_force(n.plan)) and n.is_current
            if not is_on or self._is_settled(n, ignore_always=True):
                self._end(n, State.CANCELED, "not wanted")
        self.refused &= wanted.keys()
        for key, n in wanted.items():
            mine = [m for m in self._of(n) if m.step is n.step]
            mine += [m for m in self.notices if m.is_almost(n)]
            if key in self.refused or any(m.state != State.CANCELED or m.has_moved_on for m in mine):
                continue
            if n.due <= self.now and n.is_off:
                continue  # its plan went on when it fell due
            if n.due < self.now and not self._is_worth_it(n, wanted.values()):
                self.refused.add(key)
            else:
                self._add(n)

    def _wanted(self) -> Iterable[Notice]:
        for plan in self.plans:
            for event in self.events:
                if plan.action == "notify" and self._fits(plan, event):
                    for step in plan.steps:
                        n = Notice(event, event.start, step.target, event.start + step.offset, plan, step)
                        if n.deadline > self.now and not self._is_settled(n):
                            yield n

    def _fits(self, plan: Plan, event: Event) -> bool:
        is_here = plan.calendar in {None, event.calendar} and not event.is_canceled
        return is_here and plan.word in event.title.casefold() and self._in_force(plan)

    def _in_force(self, plan: Plan) -> bool:
        return plan in self.plans and plan.is_on and plan.member.is_on

    def _is_worth_it(self, n: Notice, wanted: Iterable[Notice]) -> bool:
        """Say whether a step that is overdue when it is first planned is carried out."""
        mine = [m for m in wanted if (m.plan, m.event, m.target) == (n.plan, n.event, n.target)]
        if n is not max((m for m in mine if m.due < self.now), key=lambda m: m.order):
            return False
        for m in self.notices:
            is_told = m.told_at is not None and m.target is n.target
            is_change = m.origin == "change" and m.state != State.CANCELED and not m.is_of_cancellation
            if m.meeting == n.meeting and (is_told or (is_change and m.target.member is n.target.member)):
                return False
        is_told_later = any(self.now < m.due < n.start for m in mine)
        return self.now - n.due < LATE or (self.now < n.start and not is_told_later)

    def _is_settled(self, n: Notice, *, ignore_always: bool = False) -> bool:
        """Say whether an answer makes a notice needless."""
        for said in self.said:
            if said.meeting != n.meeting:
                continue
            is_own = said.member is n.target.member
            if is_own and (said.by == n.target.kind if said.kind == "stop" else n.plan is None):
                return True
            if n.plan is None or n.step is None:
                continue
            before = any(s.target.member is said.member and s.offset <= n.step.offset for s in n.plan.steps)
            told = any(m.told_at is not None and m.target.member is said.member for m in self._of(n))
            counts = said.kind == "acknowledge" and (ignore_always or not n.step.is_always)
            if counts and (is_own or before or told):
                return True
        return False

    def _fire(self, kind: str) -> bool:
        """Send what is due of one kind; return whether anything was due."""
        due = [n for n in self.notices if n.is_due(self.now) and n.target.kind == kind]
        going: dict[Any, list[Notice]] = {}
        for n in sorted(due, key=lambda n: (-n.event.severity, n.next_at)):
            if any(m.due > n.due and m.target is n.target and m.is_beside(n) for m in due):
                self._end(n, State.SUPPRESSED, TOGETHER)
            elif self._may_go(n, is_counted=not going.get((n.meeting, n.target))):
                going.setdefault((n.meeting, n.target), []).append(n)
        self._each((n for notices in going.values() for n in notices), state=State.SENDING)
        for notices in going.values():
            last = max(n.due for n in notices)
            for n in notices:
                if n.due != last:
                    self._end(n, State.SUPPRESSED, TOGETHER)
            self._try([n for n in notices if n.due == last])
        return bool(due)

    def _may_go(self, n: Notice, *, is_counted: bool) -> bool:
        """Set a notice aside that must not go out; return whether it may."""
        member, now = n.target.member, self.now
        is_away = n.plan is not None and n.plan.skips_away and self._runs(member, "away")
        is_loud = n.target.kind != "inbox" and n.origin != "snooze"
        is_counted = is_counted and n.tries == 0
        for holds, state, reason, cause in (
            (n.deadline <= now, State.EXPIRED, "its time was over", OTHER),
            (n.is_off, State.CANCELED, OFF, OTHER),
            (n.is_holdable and member.is_quiet(now), State.SUPPRESSED, "quiet hours", HELD),
            (is_away and not self._is_last_hope(n), State.SUPPRESSED, "away", AWAY),
            (n.is_holdable and self._runs(member, "mute"), State.SUPPRESSED, "muted", HELD),
            (is_counted and is_loud and self.limits.caps(member, now), State.SUPPRESSED, "limit", HELD),
            (is_counted and self.limits.refuses(n.target, now), State.SUPPRESSED, "too many calls", OTHER),
        ):
            if holds:
                return self._end(n, state, reason, cause)
        self.limits.count(n.target, now, is_own=is_loud and is_counted, is_paid=is_counted)
        return True

    def _runs(self, member: Member, action: str) -> bool:
        running = [event for event in self.events if event.start <= self.now < event.start + event.length]
        plans = [plan for plan in self.plans if plan.member is member and plan.action == action]
        return any(self._fits(plan, event) for plan in plans for event in running)

    def _is_last_hope(self, n: Notice) -> bool:
        """Say whether everybody in the plan is away, and this is the last step to one who can be told."""
        steps = [s for s in (n.plan.steps if n.plan else []) if s.target.is_on and s.target.member.is_on]
        waiting = [m for m in self._of(n) if m.is_pending and m.step in steps]
        is_last = n is max(waiting, key=lambda m: m.order, default=n)
        return is_last and all(self._runs(step.target.member, "away") for step in steps)

    def _try(self, notices: list[Notice]) -> None:
        """Send one message; what becomes of it was decided in advance."""
        target, title = notices[0].target, notices[0].event.title
        does = Behaviour.FINE if title in target.tried else target.behaviour
        target.tried.add(title)
        if does in TAKEN:
            if not any(notices[0] in told.notices for told in self.told):
                self.told.append(Told(self.now, title, notices[0].start, target, notices))
            self._each(notices, told_at=self.now)
        state, pause = becomes(target.kind, does)
        next_at = self.now + min(pause, max(notices[0].deadline - 0.5 - self.now, 0))
        self._each(notices, state=state, next_at=next_at, tries=notices[0].tries + 1)
        target.is_on = target.is_on and does != Behaviour.GONE
        for n in notices:
            n.receipt_by, n.says = hears(target.kind, does, state, self.now)
            if state == State.FAILED or does == Behaviour.MISCONFIGURED:
                self._miss(n, OTHER)

    def _time_out(self) -> bool:
        """Go on where a push had no receipt in time; of a call, the provider is asked."""
        silent = [n for n in self.notices if n.is_silent(self.now)]
        self._each(silent, receipt_by=None)
        for n in silent:
            if n.target.kind == "push":
                self._miss(n, SILENCE)
            elif n.says:
                self._end(n, n.says, "", BUSY if n.says == State.UNDELIVERED else "")
        return bool(silent)

    def _miss(self, n: Notice, cause: str) -> None:
        """Tell the next person of the plan now, once for each notice."""
        if cause and not n.is_missed and n.plan is not None and n.origin != "redial":
            n.is_missed = True
            if self._next(n, cause) is None and cause == BUSY:
                self._add(Notice(n.event, n.start, n.target, self.now + 2, n.plan, n.step, "redial", n))

    def _next(self, n: Notice, cause: str) -> Notice | None:
        """Bring the next step forward and return it; None if there is none, or if it is waited for."""
        free = [m for m in self._of(n) if m.is_ahead(self.now) and m is not n and not self._is_settled(m)]
        waiting = sorted(free, key=lambda m: m.order)
        if not n.is_current or (cause == HELD and waiting and waiting[0].target.member is n.target.member):
            return None
        for m in waiting:
            one = m.target.member
            is_same = one is n.target.member and cause in {AWAY, PASSED_ON, HELD}
            is_able = one.is_on and m.target.is_on and not (m.is_holdable and one.is_quiet(self.now))
            if m.target is not n.target and not is_same and (is_able or cause != PASSED_ON):
                m.next_at = min(m.next_at, self.now)
                return m
        return None

    def report(self, told: Told, fact: str) -> None:
        """Apply a receipt: "shown" is evidence of a person, "busy" that the call was not answered."""
        if fact == "shown":
            self._reach(told, State.DELIVERED)
        for n in [n for n in told.notices if fact == "busy" and n.state == State.SENT]:
            self._end(n, State.UNDELIVERED, fact, BUSY)

    def say(self, told: Told, kind: str) -> None:
        """Apply that a member acknowledges the start that was told, or stops this kind of channel about it."""
        self.said.append(Said(kind, told.target.member, told.notices[0].meeting, told.target.kind))
        self._reach(told, State.ACKNOWLEDGED if kind == "acknowledge" else State.DELIVERED)

    def pass_on(self, told: Told) -> Member | None:
        """Tell the next person now; return who that is."""
        self._reach(told, State.DELIVERED)
        found = filter(None, [self._next(n, PASSED_ON) for n in told.notices])
        return next((m.target.member for m in found), None)

    def snooze(self, told: Told, after: int | None) -> float | None:
        """Tell again after some minutes, or at the start; return when, or None if that is refused."""
        waiting = [m for m in self._pending("snooze") if m.parent in told.notices]
        again = [n for n in told.notices if self._can_snooze(n)]
        if waiting and again:
            return waiting[0].due
        at = told.start if after is None else self.now + after
        if at <= self.now or not again or at >= max(n.deadline for n in again):
            return None
        self._reach(told, State.DELIVERED)
        for n in again:
            self._add(Notice(n.event, n.start, n.target, at, n.plan, n.step, "snooze", n))
        return at

    def _can_snooze(self, n: Notice) -> bool:
        is_able = (n.plan is None or self._in_force(n.plan)) and n.is_current and not n.is_off
        return is_able and not self._is_settled(n, ignore_always=True)

    def _reach(self, told: Told, state: State) -> None:
        self._each([n for n in told.notices if n.state not in ENDED], state=state)
        for event in {n.event for n in told.notices}:
            self.tell_changes(event)

    def tell_changes(self, event: Event) -> None:
        """Tell every member of an event as it is now who was told of it, and not yet of this."""
        for member in self.members:
            mine = [n for n in self.notices if n.event is event and n.target.member is member]
            for n in mine:
                if n.origin == "change" and n.is_pending:
                    self._end(n, State.CANCELED, "changed again")
            told = sorted((n for n in mine if n.has_told), key=lambda n: n.told_order)
            if not told:
                continue
            last, is_off = told[-1], event.is_canceled
            start = last.start if is_off else event.start
            is_over = max(last.start, start) <= self.now - LATE
            if not is_over and not last.is_known(mine, start, is_off=is_off):
                is_small = not (is_off or last.is_of_cancellation) and abs(start - last.start) < LATE
                inbox = next(t for t in self.targets if t.member is member and t.kind == "inbox")
                loud = [n.target for n in told if n.target is not inbox]
                way = inbox if is_small or not loud or not loud[-1].is_on else loud[-1]
                self._add(Notice(event, start, way, self.now, None, None, "change", None, is_off))

    def _of(self, n: Notice) -> list[Notice]:
        return [m for m in self.notices if m.is_beside(n) and m.origin == "plan"]

    def _pending(self, *origins: str) -> list[Notice]:
        return [n for n in self.notices if n.is_pending and n.origin in origins]

    def _add(self, n: Notice) -> None:
        n.next_at = n.due
        self.notices.append(n)

    def _each(self, notices: Iterable[Notice], **values: Any) -> None:
        for n in notices:
            n.__dict__.update(values)

    def _end(self, n: Notice, state: State, reason: str, cause: str = "") -> bool:
        n.state, n.reason = state, reason
        self._miss(n, cause)
        return False
