"""The engine as the model test drives it: the one place that knows the names of its functions and columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Min, Q

from common import process_ids
from common.channels import Message
from common.clock import now
from common.states import REACHED, State
from eventinvoke.models import Answer, Attempt, Delivery, Held
from eventinvoke.planning import replan
from eventinvoke.planning.publish import EventDraft, publish, withdraw
from eventinvoke.replies import answers, receipts
from eventinvoke.sending.deliver import fire
from eventinvoke.sending.digest import summarise_due
from eventinvoke.sending.leases import recover_leases, take_back
from registration.membership import add_inbox
from registration.models import Calendar, Member, Registration, Step, Target, User
from registration.models.targets import fingerprint
from tests.model import world
from tests.model.channels import desk
from tests.model.world import KINDS

MIDNIGHT: Final = datetime(2026, 11, 21, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
ZONES: Final = {0: "UTC", 540: "Asia/Tokyo", -300: "America/Bogota"}
SETTINGS: Final = {
    "NOTICE_LEASE_SECONDS": 60, "NOTICE_ASK_SECONDS": 5, "NOTICE_REPORT_SECONDS": 180, "NOTICE_RATES": {},
    "NOTICE_RECEIPT_SECONDS": 60, "NOTICE_DAILY": {}, "NOTICE_DAILY_MEMBER": {},
}  # fmt: skip
_ROUNDS: Final = 25
_LAST_TICK, _NEXT_STEP = 20, 30
ACKNOWLEDGED: Final = Answer.Kind.CONFIRMED


def instant(at: float) -> datetime:
    """Return the instant of a minute of the history."""
    return MIDNIGHT + timedelta(minutes=at)


def minute(at: datetime) -> float:
    """Return the minute of the history, with its fraction."""
    return (at - MIDNIGHT) / timedelta(minutes=1)


def _time_of_day(local: int) -> Any:
    return (MIDNIGHT + timedelta(minutes=local)).time()


class Engine:
    """The real engine, in the words of the model."""

    def __init__(self, traveller: Any) -> None:
        """Drive the engine on a clock that ``time_machine`` controls."""
        self._clock = traveller
        self.members: dict[world.Member, Member] = {}
        self.targets: dict[world.Target, Target] = {}
        self.names: dict[int, world.Target] = {}
        self.calendars: list[Calendar] = []
        self.plans: dict[world.Plan, Registration] = {}
        self.steps: dict[world.Step, Step] = {}

    # The world

    def make_world(self, targets: Iterable[world.Target], calendars: int) -> None:
        """Store members, their targets, and calendars that everybody sees."""
        for target in targets:
            if target.member not in self.members:
                user = User.objects.create(username=target.member.name)
                self.members[target.member] = Member.objects.create(
                    user=user, name=target.member.name, daily_cap=None, critical_reserve=0
                )
            row = self._make_target(target)
            self.targets[target], self.names[row.pk] = row, target
        for number in range(calendars):
            self.calendars.append(Calendar.objects.create(name=f"Calendar {number}", is_active=False))

    def _make_target(self, target: world.Target) -> Target:
        member = self.members[target.member]
        if target.kind == "inbox":
            return add_inbox(member)
        return Target.objects.create(
            member=member, kind=target.kind, address=target.name, shown=target.name,
            fingerprint=fingerprint(target.name), verified_at=now(),
        )  # fmt: skip

    def set_member(self, member: world.Member) -> None:
        """Store zone, quiet hours and daily limit as a member's page does."""
        begin, end = member.quiet or (None, None)
        row = self.members[member]
        Member.objects.filter(pk=row.pk).update(
            time_zone=ZONES[member.zone],
            quiet_from=None if begin is None else _time_of_day(begin),
            quiet_until=None if end is None else _time_of_day(end),
            daily_cap=member.cap,
        )
        Registration.objects.filter(member=row).changed()

    def set_limits(self, each: int | None, most: int | None) -> None:
        """Set how many calls a day go out, as the administrator does by the environment."""
        settings.NOTICE_DAILY_MEMBER, settings.NOTICE_DAILY = {"call": each}, {"call": most}

    def switch_account(self, member: world.Member) -> None:
        """Switch an account on or off as an administrator does."""
        row = self.members[member]
        User.objects.filter(pk=row.user_id).update(is_active=member.is_on)
        Registration.objects.filter(member=row).changed()

    def switch_target(self, target: world.Target) -> None:
        """Disable a target or enable it again as its page does."""
        row = self.targets[target]
        disabled_at = None if target.is_on else now()
        Target.objects.filter(pk=row.pk).update(disabled_at=disabled_at, disabled_reason="")
        Registration.objects.filter(steps__target=row).changed()

    def delete_target(self, target: world.Target) -> None:
        """Delete a target as its page does."""
        row = self.targets.pop(target)
        concerned = list(Registration.objects.filter(steps__target=row).values_list("pk", flat=True))
        row.delete()
        Registration.objects.filter(pk__in=concerned).changed()

    # Registrations

    def register(self, plan: world.Plan) -> None:
        """Store a registration with its steps."""
        row = Registration.objects.create(
            member=self.members[plan.member], kind="standing", name=f"Plan {plan.number}", syntax="words",
            action=plan.action, pattern=plan.word, skips_away=plan.skips_away,
            calendar=None if plan.calendar is None else self.calendars[plan.calendar],
        )  # fmt: skip
        self.plans[plan] = row
        for step in plan.steps:
            self._add_step(row, step)

    def _add_step(self, row: Registration, step: world.Step) -> None:
        self.steps[step] = Step.objects.create(
            registration=row, target=self.targets[step.target], **_columns(step)
        )

    def switch_plan(self, plan: world.Plan) -> None:
        """Switch a registration on or off."""
        Registration.objects.filter(pk=self.plans[plan].pk).changed(is_active=plan.is_on)

    def delete_plan(self, plan: world.Plan) -> None:
        """Delete a registration."""
        self.plans.pop(plan).delete()

    def add_step(self, plan: world.Plan, step: world.Step) -> None:
        """Add a step to a plan."""
        self._add_step(self.plans[plan], step)
        Registration.objects.filter(pk=self.plans[plan].pk).changed()

    def change_step(self, plan: world.Plan, step: world.Step) -> None:
        """Store a step's new offset and condition."""
        Step.objects.filter(pk=self.steps[step].pk).update(**_columns(step))
        Registration.objects.filter(pk=self.plans[plan].pk).changed()

    def delete_step(self, plan: world.Plan, step: world.Step) -> None:
        """Delete a step."""
        self.steps.pop(step).delete()
        Registration.objects.filter(pk=self.plans[plan].pk).changed()

    # Events

    def publish(self, event: world.Event) -> None:
        """Publish an event as its calendar has it now, or withdraw it."""
        source = self.calendars[event.calendar].source
        if event.is_canceled:
            withdraw(source, [event.title])
            return
        draft = EventDraft(
            source=source, external_id=event.title, title=event.title, severity=event.severity,
            starts_at=instant(event.start), ends_at=instant(event.start + event.length),
        )  # fmt: skip
        publish([draft])

    # Time

    @property
    def now(self) -> float:
        """The present minute."""
        return minute(now())

    def advance(self, until: float, *, is_down: bool = False) -> None:
        """Let time pass, waking whenever the engine has something to do, as the beat does every second."""
        while not is_down:
            wake = self._next_wake()
            if wake is None or wake > instant(until):
                break
            self._clock.move_to(max(_whole_second(wake), now() + SECOND))
            self.work()
        if now() < instant(until):
            self._clock.move_to(instant(until))
        self.work()
        take_back()

    def tick(self) -> None:
        """Let a second pass between two actions, so that one comes after the other; never half a minute."""
        if now().second < _LAST_TICK:
            self._clock.move_to(now() + SECOND)

    def try_again(self) -> None:
        """Let the seconds pass after which a try is repeated, or its provider asked: to the reference that takes no time.

        At most until the next half minute, when the reference itself goes on.
        """
        while True:
            tried = Delivery.objects.filter(attempts__gt=0)
            repeated = tried.filter(state=State.PENDING).aggregate(at=Min("next_attempt_at"))["at"]
            asked = tried.filter(state=State.SENDING).aggregate(at=Min("lease_until"))["at"]
            soon = [repeated, asked and asked + SECOND]
            found = [at for at in soon if at is not None and now() < at < now().replace(second=_NEXT_STEP)]
            if not found:
                return
            self._clock.move_to(min(found))
            self.work()

    def step_clock(self, minutes: float) -> None:
        """Set the clock wrong, let the engine work by it, and set it right again."""
        right = now()
        self._clock.move_to(right + timedelta(minutes=minutes))
        self.work()
        self._clock.move_to(right)
        self.work()

    def work(self) -> None:
        """Do what the beat and its workers do on one wake-up, until nothing is due."""
        for _round in range(_ROUNDS):
            if not self._do_what_is_due():
                return
        raise AssertionError("the engine does not come to rest")

    def _do_what_is_due(self) -> bool:
        is_changed = replan.has_changes()
        if is_changed:
            replan.follow_changes()
        Delivery.objects.restore_wrongly_expired(now())
        is_lost = Delivery.objects.filter(lease_until__lt=now()).exists()
        if is_lost:
            recover_leases()
        due = Delivery.objects.filter(state=State.PENDING, next_attempt_at__lte=now())
        kinds = set(due.order_by().values_list("kind", flat=True))
        for kind in KINDS:
            if kind in kinds:
                fire(kind)
        is_held = Held.objects.filter(until__lte=now()).exists()
        if is_held:
            summarise_due()
        return bool(is_changed or kinds or is_lost or is_held)

    def _next_wake(self) -> datetime | None:
        lease, held = Min("lease_until"), Min("held__until")
        found = Delivery.objects.aggregate(
            due=Min("next_attempt_at", filter=Q(state=State.PENDING)), lease=lease, held=held
        )
        if found["lease"]:
            found["lease"] += SECOND
        return min((at for at in found.values() if at is not None), default=None)

    # Answers and receipts

    def acknowledge(self, process_id: str, starts_at: float) -> None:
        """Acknowledge the start that a message told."""
        answers.acknowledge(_delivery(process_id), "page", starts_at=instant(starts_at))

    def snooze(self, process_id: str, after: int | None, starts_at: float) -> float | None:
        """Snooze by minutes, or to the start (None); return when it is told again."""
        pause = None if after is None else timedelta(minutes=after)
        at = answers.snooze(_delivery(process_id), "page", pause, starts_at=instant(starts_at))
        return None if at is None else minute(at)

    def pass_on(self, process_id: str, starts_at: float) -> str | None:
        """Pass on; return the name of the member who is told now."""
        member = answers.pass_on(_delivery(process_id), "page", starts_at=instant(starts_at))
        return None if member is None else member.name

    def stop(self, process_id: str, starts_at: float) -> None:
        """Stop notices by this kind of channel."""
        answers.stop(_delivery(process_id), "page", starts_at=instant(starts_at))

    def report(self, process_id: str, fact: str, number: int, sequence: int | None) -> None:
        """Have a provider or a device report a fact; ``number`` is its fingerprint, ``sequence`` its own order."""
        means = State.DELIVERED if fact == "shown" else State.UNDELIVERED
        attempt = process_ids.read(process_id)
        is_busy = fact == "busy"
        receipts.apply(
            receipts.Report(
                attempt,
                fact,
                f"{attempt}-{number}",
                means,
                sequence,
                reason=fact,
                may_redial=is_busy,
                kind=_delivery(process_id).kind,
            )
        )

    # What is to be seen

    def about(self, message: Message) -> tuple[str, float, world.Target, str]:
        """Return the title, the start, the target and the source of what a message tells."""
        row = _delivery(message.process_id)
        return row.event.external_id, minute(row.starts_at), self.names[row.target_id or 0], row.event.source

    def look(self) -> "Seen":
        """Read what is stored now."""
        deliveries = Delivery.objects.select_related("member", "event")
        return Seen(
            {row.pk: row for row in deliveries},
            list(Attempt.objects.all()),
            list(Answer.objects.all()),
            list(Held.objects.values_list("until", flat=True)),
        )


@dataclass(frozen=True)
class Seen:
    """What is stored at one instant."""

    deliveries: dict[int, Delivery]
    attempts: list[Attempt]
    answers: list[Answer]
    held_until: list[datetime]
    """When what was held back is to be told in a digest."""

    def told_by(self, delivery: Delivery) -> set[float]:
        """Return the starts that the tries of a delivery told."""
        tries = [one for one in self.attempts if one.delivery_id == delivery.pk]
        return {minute(one.starts_at) for one in tries if one.starts_at is not None}

    def reached(self) -> set[tuple[str, str, float]]:
        """Return who was reached, about which start of which event."""
        return {
            (row.member.name, row.event.external_id, start)
            for row in self.deliveries.values()
            if row.state in REACHED and row.event.source.startswith("calendar:")
            for start in self.told_by(row)
        }


def forget() -> None:
    """Begin another history: the last one was rolled back, and its keys come again."""
    settings.NOTICE_DAILY_MEMBER, settings.NOTICE_DAILY = {}, {}
    replan.forget()
    desk.clear()


def _columns(step: world.Step) -> dict[str, Any]:
    condition = Step.Condition.ALWAYS if step.is_always else Step.Condition.UNCONFIRMED
    return {"offset": timedelta(minutes=step.offset), "condition": condition}


def _delivery(process_id: str) -> Delivery:
    attempt = Attempt.objects.select_related("delivery__event").get(pk=process_ids.read(process_id))
    return attempt.delivery


def _whole_second(at: datetime) -> datetime:
    return at if not at.microsecond else at.replace(microsecond=0) + SECOND
