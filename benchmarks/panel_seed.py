"""What ``benchmarks.panel`` shows: one member with any number of deliveries, half of them over."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks import planning_seed

STEPS: Final = (timedelta(days=1), timedelta(minutes=10), timedelta(minutes=5), timedelta(minutes=2))
"""How long before the start the four steps of the plan are."""
BETWEEN: Final = timedelta(minutes=5)
"""Between the starts of two events."""
_CHUNK: Final = 5_000


def member() -> tuple[Any, Any]:
    """Make a member of the staff with a calendar and a plan of four steps; return the member and the calendar."""
    from registration.membership import member_of  # noqa: PLC0415
    from registration.models import Calendar, Registration, Step, Target, User  # noqa: PLC0415

    user = User.objects.create_user("panel", is_staff=True, first_name="Panel")
    one = member_of(user)
    made = Calendar.objects.create(name="Observatory", owner=one, is_active=False)
    plan = Registration.objects.create(
        member=one,
        kind="standing",
        syntax="words",
        name="Telecons",
        pattern="telecon",
        calendar=made,
        planned_version=1,
    )
    others = [
        Target.objects.create(
            member=one,
            kind=kind,
            address=kind,
            shown=f"A {kind}",
            fingerprint=f"{n:064x}",
            verified_at=datetime.now(UTC),
        )
        for n, kind in enumerate(("voice", "webpush", "email"))
    ]
    for offset, target in zip(STEPS, [*one.targets.filter(kind="inbox"), *others], strict=True):
        Step.objects.create(registration=plan, target=target, offset=-offset)
    return one, made


def grow(calendar: Any, deliveries: int) -> None:
    """Bring the deliveries to this number, with four of each event, half of the events in the past."""
    from eventinvoke.models import Event, EventChange  # noqa: PLC0415

    there = Event.objects.count()
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    now, rows = datetime.now(UTC).replace(second=0, microsecond=0), []
    for n in range(there, deliveries // len(STEPS)):
        steps = n // 2 + 1
        at = now + BETWEEN * (steps if n % 2 else -steps)
        rows.append(
            Event(
                source=f"calendar:{calendar.pk}", external_id=f"e{n}", title=f"telecon {n} of {('red', 'green', 'blue')[n % 3]}",
                location="Room 4", starts_at=at, ends_at=at + timedelta(minutes=30), deadline_at=at + timedelta(hours=1),
            )
        )  # fmt: skip
    Event.objects.bulk_create(rows, batch_size=_CHUNK)
    changed = Event.objects.filter(pk__gt=last).values_list("pk", flat=True)[:: len(STEPS)]
    EventChange.objects.bulk_create(
        [EventChange(event_id=pk, kind="canceled", at=now) for pk in changed], batch_size=_CHUNK
    )
    with planning_seed.without_indexes():
        planning_seed.deliveries(calendar, after=last)
        _settle(now, last)


def _settle(now: datetime, last: int) -> None:
    from django.db.models import F  # noqa: PLC0415

    from eventinvoke.models import Delivery  # noqa: PLC0415

    over = Delivery.objects.filter(event__gt=last, due_at__lte=now)
    over.update(state="delivered", sent_at=F("due_at"), delivered_at=F("due_at"), attempts=1)
