"""A naive reference: who should have been told, when, by which way, and who was reached.

It keeps everything in memory and goes through time in steps of half a minute. Each plan is computed alone, a notice
for each step, event and start; notices of one meeting and one target that are due together become one message.
Nothing here is fast, and nothing is shared with the engine.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.model.world import CRITICAL, DAY, KINDS, Behaviour, Event, Member, Plan, Step, Target

LATE: Final = 5
PENDING, SENDING, SENT, DELIVERED, ACKNOWLEDGED = "pending", "sending", "sent", "delivered", "acknowledged"
UNDELIVERED, FAILED, EXPIRED, SUPPRESSED, CANCELED = (
    "undelivered", "failed", "expired", "suppressed", "canceled",
)  # fmt: skip
HELD, AWAY, PASSED_ON, SILENCE, BUSY, OTHER = "held", "away", "passed on", "no receipt", "busy", "other"
REACHED: Final = (DELIVERED, ACKNOWLEDGED)


@dataclass(eq=False)
class Notice:
    """What one plan wants to tell by one target about one start of one event."""

    event: Event
    start: float
    target: Target
    due: float
    plan: Plan | None = None
    step: Step | None = None
    origin: str = "plan"
    parent: "Notice | None" = None
    is_of_cancellation: bool = False
    state: str = PENDING
    reason: str = ""
    next_at: float = 0
    tries: int = 0
    told_at: float | None = None
    is_missed: bool = False
    receipt_by: float | None = None

    @property
    def deadline(self) -> float:
        """Return after when it is not sent any more."""
        return max(self.start + self.event.length, self.due + LATE)

    @property
    def meeting(self) -> tuple[str, float]:
        """Return what the same meeting in several calendars has in common."""
        return self.event.title.casefold(), self.start


@dataclass(eq=False)
class Told:
    """One message that a provider took."""

    at: float
    title: str
    start: float
    target: Target
    notices: list[Notice]


@dataclass(frozen=True)
class Said:
    """One answer."""

    kind: str
    member: Member
    meeting: tuple[str, float]
    by: str


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
    refused: set[Any] = field(default_factory=set)
    used: dict[tuple[Member, int], int] = field(default_factory=dict)

    def advance(self, until: float, *, is_down: bool = False) -> None:
        """Let time pass; while everything is down, nothing happens until the end."""
        while self.now < until:
            self.now = until if is_down else self.now + 0.5
            if self.now == until or any(self._wakes(n) for n in self.notices):
                self.work()

    def _wakes(self, n: Notice) -> bool:
        is_due = n.state == PENDING and n.next_at <= self.now
        return is_due or (n.receipt_by is not None and n.receipt_by <= self.now)

    def work(self) -> None:
        """Do what is due now, until nothing is."""
        self._plan()
        while any([self._fire(kind) for kind in KINDS]) or self._time_out():
            self._plan()

    # Planning

    def _plan(self) -> None:
        """Bring what is pending in line with the registrations and the answers."""
        wanted = {(n[0], n[1], n[2], n[2].start, n[3]): n for n in self._wanted()}
        for n in self._pending("plan"):
            if (n.plan, n.step, n.event, n.start, n.due) not in wanted:
                self._end(n, CANCELED, "not wanted")
        for n in self._pending("snooze") + self._pending("redial"):
            is_off = n.plan is None or not self._in_force(n.plan) or n.event.is_canceled
            if is_off or n.start != n.event.start or self._is_settled(n, ignore_always=True):
                self._end(n, CANCELED, "not wanted")
        self.refused &= wanted.keys()
        for key, (plan, step, event, due) in wanted.items():
            mine = [n for n in self._of(plan, event, event.start) if n.step is step and n.origin == "plan"]
            if any(n.state != CANCELED or n.is_missed for n in mine) or key in self.refused:
                continue
            if due < self.now and not self._is_worth_it(plan, step, event, wanted.values()):
                self.refused.add(key)
                continue
            self._add(Notice(event, event.start, step.target, due, plan, step))

    def _wanted(self) -> Iterable[tuple[Plan, Step, Event, float]]:
        for plan in self.plans:
            for event in self.events:
                if not self._in_force(plan) or plan.action != "notify" or not self._fits(plan, event):
                    continue
                for step in plan.steps:
                    notice = Notice(event, event.start, step.target, event.start + step.offset, plan, step)
                    if notice.deadline > self.now and not self._is_settled(notice):
                        yield plan, step, event, notice.due

    def _fits(self, plan: Plan, event: Event) -> bool:
        is_here = plan.calendar in {None, event.calendar}
        return is_here and plan.word in event.title.casefold() and not event.is_canceled

    def _in_force(self, plan: Plan) -> bool:
        return plan in self.plans and plan.is_on and plan.member.is_on

    def _is_worth_it(self, plan: Plan, step: Step, event: Event, wanted: Iterable[Any]) -> bool:
        """Say whether a step that is overdue when it is first planned is carried out."""
        mine = [s for p, s, e, _due in wanted if p is plan and e is event and s.target is step.target]
        overdue = [s for s in mine if event.start + s.offset < self.now]
        later = [s for s in mine if event.start + s.offset > self.now and s.offset < 0]
        meeting = event.title.casefold(), event.start
        if step is not max(overdue, key=lambda s: (s.offset, s.number)):
            return False
        for n in self.notices:
            if n.meeting == meeting and n.target is step.target and n.told_at is not None:
                return False
            is_change = n.origin == "change" and n.state != CANCELED and n.meeting == meeting
            if is_change and n.target.member is step.target.member:
                return False
        is_recent = self.now - event.start - step.offset < LATE
        return is_recent or (self.now < event.start and not later)

    def _is_settled(self, n: Notice, *, ignore_always: bool = False) -> bool:
        """Say whether an answer makes a notice needless."""
        for said in self.said:
            if said.meeting != n.meeting or n.plan is None or n.step is None:
                continue
            is_own = said.member is n.target.member
            if said.kind == "stop" and is_own and said.by == n.target.kind:
                return True
            before = any(s.target.member is said.member and s.offset <= n.step.offset for s in n.plan.steps)
            before = before or any(
                m.told_at is not None and m.target.member is said.member for m in self._of(n.plan, n.event, n.start)
            )
            is_free = ignore_always or not n.step.is_always
            if said.kind == "acknowledge" and is_free and (is_own or before):
                return True
        return False

    # Sending

    def _fire(self, kind: str) -> bool:
        """Send what is due of one kind; return whether anything was due."""
        due = [n for n in self.notices if n.state == PENDING and n.next_at <= self.now and n.target.kind == kind]
        going: dict[tuple[tuple[str, float], Target], list[Notice]] = {}
        for n in sorted(due, key=lambda n: (-n.event.severity, n.next_at)):
            together = [m for m in due if m.meeting == n.meeting and m.target is n.target]
            if any(m.plan is n.plan and m.event is n.event and m.due > n.due for m in together):
                self._end(n, SUPPRESSED, "told together with a later step")
            elif self._may_go(n, is_counted=not going.get((n.meeting, n.target))):
                going.setdefault((n.meeting, n.target), []).append(n)
        for notices in going.values():
            for n in notices:
                n.state = SENDING
        for notices in going.values():
            last = max(n.due for n in notices)
            for n in notices:
                if n.due != last:
                    self._end(n, SUPPRESSED, "told together with a later step")
            self._try([n for n in notices if n.due == last])
        return bool(due)

    def _may_go(self, n: Notice, *, is_counted: bool) -> bool:
        """Set a notice aside that must not go out; return whether it may."""
        member, is_loud = n.target.member, n.target.kind != "inbox"
        is_late = n.origin == "plan" and self.now - n.due > LATE and self.now - n.start > LATE
        if n.deadline <= self.now or is_late:
            return self._end(n, EXPIRED, "its time was over", OTHER)
        if not member.is_on or not n.target.is_on:
            return self._end(n, CANCELED, "switched off", OTHER)
        is_holdable = is_loud and n.event.severity < CRITICAL
        if is_holdable and member.is_quiet(self.now):
            return self._end(n, SUPPRESSED, "quiet hours", HELD)
        if n.plan is not None and n.plan.skips_away and self._runs(member, "away") and not self._is_last_hope(n):
            return self._end(n, SUPPRESSED, "away", AWAY)
        if is_holdable and self._runs(member, "mute"):
            return self._end(n, SUPPRESSED, "muted", HELD)
        if is_loud and is_counted and n.tries == 0 and member.cap is not None:
            day = member, int((self.now + member.zone) // DAY)
            if self.used.get(day, 0) >= member.cap:
                return self._end(n, SUPPRESSED, "daily limit", HELD)
            self.used[day] = self.used.get(day, 0) + 1
        return True

    def _runs(self, member: Member, action: str) -> bool:
        return any(
            event.start <= self.now < event.start + event.length
            for plan in self.plans
            if plan.member is member and plan.action == action and self._in_force(plan)
            for event in self.events
            if self._fits(plan, event)
        )

    def _is_last_hope(self, n: Notice) -> bool:
        """Say whether everybody in the plan is away, and this is the plan's last step."""
        plan = n.plan
        if plan is None:
            return True
        people = {s.target.member for s in plan.steps if s.target.is_on and s.target.member.is_on}
        waiting = [m for m in self._of(plan, n.event, n.start) if m.state == PENDING and m.target.member in people]
        waiting = [m for m in waiting if m.target.is_on and m.origin == "plan"]
        last = max(waiting, key=lambda m: (m.due, m.step.number if m.step else 0), default=n)
        return all(self._runs(one, "away") for one in people) and last is n

    def _try(self, notices: list[Notice]) -> None:
        """Send one message; what becomes of it was decided in advance."""
        target, event = notices[0].target, notices[0].event
        is_first = event.title not in target.tried
        target.tried.add(event.title)
        does = target.behaviour if is_first else Behaviour.FINE
        is_call, is_push = target.kind == "call", target.kind == "push"
        for n in notices:
            n.tries += 1
            n.state, n.next_at = PENDING, self.now
        if does in {Behaviour.FINE, Behaviour.ACCEPTED, Behaviour.UNKNOWN, Behaviour.KILLED_AFTER}:
            self._tell(notices)
        if does == Behaviour.ACCEPTED or (is_call and does in {Behaviour.FINE, Behaviour.UNKNOWN}):
            self._each(notices, SENT, receipt_by=self.now + 1 if is_push else None)
        elif does == Behaviour.FINE:
            self._each(notices, DELIVERED)
        elif does in {Behaviour.KILLED, Behaviour.KILLED_AFTER}:
            # The lease runs out. A push is sent again; the provider of a call is asked.
            is_known = is_call and does == Behaviour.KILLED_AFTER
            self._each(notices, SENT if is_known else PENDING, next_at=self.now + 1)
        elif does == Behaviour.LATER:
            self._each(notices, PENDING, next_at=min(self.now + 14, *(n.deadline - 0.5 for n in notices)))
        elif does in {Behaviour.REJECTED, Behaviour.GONE}:
            target.is_on = target.is_on and does != Behaviour.GONE
            for n in notices:
                self._end(n, FAILED, does, OTHER)
        elif does == Behaviour.MISCONFIGURED:
            for n in notices:
                self._miss(n, OTHER)

    def _tell(self, notices: list[Notice]) -> None:
        n = notices[0]
        self.told.append(Told(self.now, n.event.title, n.start, n.target, notices))
        for one in notices:
            one.told_at = self.now

    def _time_out(self) -> bool:
        """Go on to the next step where a push had no receipt in time."""
        silent = [n for n in self.notices if n.receipt_by is not None and n.receipt_by <= self.now]
        for n in silent:
            n.receipt_by = None
            if n.state == SENT:
                self._miss(n, SILENCE)
        return bool(silent)

    # Going on

    def _miss(self, n: Notice, cause: str) -> None:
        """Tell the next person of the plan now, once for each notice."""
        if n.is_missed or n.plan is None or n.step is None or n.origin == "redial":
            return
        n.is_missed = True
        if self._next(n, cause) is None and cause == BUSY:
            self._add(Notice(n.event, n.start, n.target, self.now + 2, n.plan, n.step, "redial", n))

    def _next(self, n: Notice, cause: str) -> Notice | None:
        """Bring the next step forward and return it; None if there is none, or it is waited for."""
        if n.plan is None or n.start != n.event.start:
            return None
        waiting = [m for m in self._of(n.plan, n.event, n.start) if m.state == PENDING and m.tries == 0]
        waiting = [m for m in waiting if m.origin == "plan" and m is not n and m.step and not m.step.is_always]
        waiting = [m for m in waiting if not self._is_settled(m)]
        waiting.sort(key=lambda m: (m.step.offset, m.step.number) if m.step else (0, 0))
        if cause == HELD and waiting and waiting[0].target.member is n.target.member:
            return None
        for m in waiting:
            is_same = m.target.member is n.target.member
            is_quiet = m.event.severity < CRITICAL and m.target.kind != "inbox" and m.target.member.is_quiet(self.now)
            if m.target is n.target or (is_same and cause in {AWAY, PASSED_ON, HELD}):
                continue
            if cause == PASSED_ON and (is_quiet or not m.target.is_on or not m.target.member.is_on):
                continue
            m.next_at = min(m.next_at, self.now)
            return m
        return None

    # Facts and answers

    def report(self, told: Told, fact: str) -> None:
        """Apply a receipt: "shown" is evidence of a person, "busy" that the call was not answered."""
        for n in told.notices:
            if fact == "shown" and n.state not in {CANCELED, ACKNOWLEDGED}:
                n.state = DELIVERED
            elif fact == "busy" and n.state == SENT:
                self._end(n, UNDELIVERED, fact, BUSY)

    def acknowledge(self, told: Told) -> None:
        """Apply that a member knows of the start that was told."""
        self._say(told, "acknowledge", ACKNOWLEDGED)

    def stop(self, told: Told) -> None:
        """Apply that a member wants no more about this start by this kind of channel."""
        self._say(told, "stop", DELIVERED)

    def pass_on(self, told: Told) -> Member | None:
        """Tell the next person now; return who that is."""
        self._reach(told, DELIVERED)
        found = [self._next(n, PASSED_ON) for n in told.notices if n.state != CANCELED]
        return next((m.target.member for m in found if m is not None), None)

    def snooze(self, told: Told, after: int | None) -> float | None:
        """Tell again after some minutes, or at the start; return when, or None if that is refused."""
        waiting = [m for m in self._pending("snooze") if m.parent in told.notices]
        if waiting:
            return waiting[0].due
        sources = [n for n in told.notices if not self._is_settled(n, ignore_always=True) and not n.event.is_canceled]
        at = told.start if after is None else self.now + after
        if at <= self.now or not sources or at >= max(n.deadline for n in sources):
            return None
        self._reach(told, DELIVERED)
        for n in sources:
            self._add(Notice(n.event, n.start, n.target, at, n.plan, n.step, "snooze", n))
        return at

    def _say(self, told: Told, kind: str, state: str) -> None:
        self.said.append(Said(kind, told.target.member, told.notices[0].meeting, told.target.kind))
        self._reach(told, state)

    def _reach(self, told: Told, state: str) -> None:
        for n in told.notices:
            n.state = state if n.state not in {CANCELED, ACKNOWLEDGED} else n.state

    # Changes of events

    def change(self, event: Event, change: Callable[[Event], None]) -> None:
        """Alter an event; every member who was told of it is told of the change."""
        change(event)
        for member in self.members:
            mine = [n for n in self.notices if n.event is event and n.target.member is member]
            told = [n for n in mine if n.told_at is not None and n.state in {SENT, *REACHED}]
            last = max(told, key=lambda n: n.told_at or 0, default=None)
            waiting = [n for n in mine if n.origin == "change" and n.state == PENDING]
            for n in waiting:
                self._end(n, CANCELED, "changed again")
            is_same = last and (last.start, last.is_of_cancellation) == (event.start, event.is_canceled)
            if last is None or is_same or last.start <= self.now:
                continue
            is_small = not event.is_canceled and abs(event.start - last.start) < LATE
            inbox = next(t for t in self.targets if t.member is member and t.kind == "inbox")
            way = inbox if is_small or not last.target.is_on else last.target
            notice = Notice(event, event.start, way, self.now, origin="change")
            notice.is_of_cancellation = event.is_canceled
            self._add(notice)

    # Small things

    def _of(self, plan: Plan, event: Event, start: float) -> list[Notice]:
        return [n for n in self.notices if n.plan is plan and n.event is event and n.start == start]

    def _pending(self, origin: str) -> list[Notice]:
        return [n for n in self.notices if n.origin == origin and n.state == PENDING]

    def _add(self, n: Notice) -> None:
        n.next_at = n.due
        self.notices.append(n)

    def _each(self, notices: list[Notice], state: str, **values: Any) -> None:
        for n in notices:
            n.state = state
            for name, value in values.items():
                setattr(n, name, value)

    def _end(self, n: Notice, state: str, reason: str, cause: str = "") -> bool:
        n.state, n.reason = state, reason
        if cause:
            self._miss(n, cause)
        return False

    def reached(self) -> set[tuple[str, str, float]]:
        """Return who was reached, about which start of which event."""
        return {(n.target.member.name, n.event.title, n.start) for n in self.notices if n.state in REACHED}
