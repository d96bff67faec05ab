"""What ``benchmarks.planning`` plans: a million pending deliveries, filled by the database itself.

On one calendar ("busy") 100 members have catch-alls of two steps on 2,000 events, and three members have one that
matches 10, 100 and 1,000 of these events. On another ("crowd") 20,000 members have one of one step on 30 events.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

CATCH_ALLS: Final = 100
BUSY_EVENTS: Final = 2_000
CROWD: Final = 20_000
CROWD_EVENTS: Final = 30
PROBES: Final = (10, 100, 1_000)
"""Registrations of which an edit is timed, by how many events each matches."""
TOLD: Final = 10_000
"""Deliveries that were sent already, to be acknowledged and reported about."""
_CHUNK: Final = 5_000
_LEAD: Final = timedelta(minutes=10)
_REMINDER: Final = timedelta(minutes=30)


def people(name: str, count: int) -> tuple[list[Any], list[Any]]:
    """Make members, each with one verified target; return both."""
    from registration.models import Member, Target, User  # noqa: PLC0415

    users = User.objects.bulk_create([User(username=f"{name}{n}") for n in range(count)], batch_size=_CHUNK)
    members = Member.objects.bulk_create(
        [Member(user=user, name=user.username) for user in users], batch_size=_CHUNK
    )
    targets = [
        Target(
            member=member, kind="webpush", address=f"{name}{n}", shown="A browser", fingerprint=f"{n:064x}",
            verified_at=datetime.now(UTC),
        )
        for n, member in enumerate(members)
    ]  # fmt: skip
    return members, Target.objects.bulk_create(targets, batch_size=_CHUNK)


def plans(calendar: Any, name: str, patterns: list[str], offsets: tuple[timedelta, ...]) -> list[Any]:
    """Make a registration for each pattern, of a member of its own, with a step for each offset."""
    from registration.models import Registration, Step  # noqa: PLC0415

    members, targets = people(name, len(patterns))
    made = Registration.objects.bulk_create(
        [
            Registration(
                member=member, kind="standing", name=name, pattern=pattern, calendar=calendar,
                planned_version=1,
            )
            for member, pattern in zip(members, patterns, strict=True)
        ],
        batch_size=_CHUNK,
    )  # fmt: skip
    steps = [
        Step(registration=plan, target=target, offset=-offset)
        for plan, target in zip(made, targets, strict=True)
        for offset in offsets
    ]
    Step.objects.bulk_create(steps, batch_size=_CHUNK)
    return made


def events(calendar: Any, name: str, count: int) -> None:
    """Make events of a calendar, an hour apart, from the day after tomorrow."""
    from eventinvoke.models import Event  # noqa: PLC0415

    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    rows = []
    for n in range(count):
        words = " ".join(f"each{size};" for size in PROBES if n % (BUSY_EVENTS // size) == 0)
        at = first + timedelta(hours=n)
        rows.append(
            Event(
                source=f"calendar:{calendar.pk}", external_id=f"{name}{n}", title=f"telecon {n} {words} ",
                starts_at=at, ends_at=at + timedelta(hours=1), deadline_at=at + timedelta(hours=1),
            )
        )  # fmt: skip
    Event.objects.bulk_create(rows, batch_size=_CHUNK)


@contextmanager
def without_indexes() -> Iterator[None]:
    """Take the indexes of deliveries away while they are filled."""
    from django.db import connection  # noqa: PLC0415

    from eventinvoke.models import Delivery  # noqa: PLC0415

    with connection.schema_editor() as editor:
        for index in Delivery._meta.indexes:
            editor.remove_index(Delivery, index)
    yield
    with connection.schema_editor() as editor:
        for index in Delivery._meta.indexes:
            editor.add_index(Delivery, index)


def deliveries(calendar: Any, after: int = 0) -> None:
    """Have the database join the plans of a calendar with its events beyond a key, as planning would."""
    from django.db import connection  # noqa: PLC0415

    due, one = 'e.starts_at + s."offset"', "interval '1 hour'"
    ending = f"e.starts_at + {one}"
    if connection.vendor == "sqlite":  # instants are texts there, durations are microseconds
        due = "strftime('%Y-%m-%d %H:%M:%S', e.starts_at, (s.\"offset\" / 1000000) || ' seconds')"
        ending = "strftime('%Y-%m-%d %H:%M:%S', e.starts_at, '1 hour')"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO eventinvoke_delivery (event_id, member_id, target_id, registration_id, step_id,"  # noqa: S608 - no value is in it
            " origin, recipient, shown, condition, kind, severity, starts_at, due_at, next_attempt_at,"
            " deadline_at, state, attempts, slot, reason, created_at)"
            f" SELECT e.id, t.member_id, t.id, s.registration_id, s.id, 'plan', m.name, t.shown, s.condition,"
            f" t.kind, e.severity, e.starts_at, {due}, {due}, {ending}, 'pending', 0, 0, '', e.created_at"
            " FROM eventinvoke_event e, registration_step s"
            " JOIN registration_registration r ON r.id = s.registration_id"
            " JOIN registration_target t ON t.id = s.target_id"
            " JOIN registration_member m ON m.id = t.member_id"
            " WHERE e.source = %s AND r.calendar_id = %s AND e.title LIKE '%%' || r.pattern || '%%'"
            " AND e.id > %s",
            [f"calendar:{calendar.pk}", calendar.pk, after],
        )


def told(calendar: Any) -> None:
    """Make sent deliveries of the catch-alls, each with its attempt: to be acknowledged and reported about."""
    from eventinvoke.models import Attempt, Delivery, Event  # noqa: PLC0415
    from registration.models import Step  # noqa: PLC0415

    steps = list(Step.objects.filter(registration__name="catch-all").select_related("target__member"))
    busy = list(Event.objects.filter(source=f"calendar:{calendar.pk}").order_by("pk"))
    sent_at = datetime.now(UTC) - timedelta(minutes=5)
    rows = []
    for n in range(TOLD):
        event, step = busy[n % BUSY_EVENTS], steps[(n // BUSY_EVENTS * 7 + n) % len(steps)]
        rows.append(
            Delivery(
                event=event, member_id=step.target.member_id, target_id=step.target_id, kind="webpush",
                registration_id=step.registration_id, severity=10, starts_at=event.starts_at,
                due_at=sent_at - timedelta(seconds=n), next_attempt_at=sent_at, deadline_at=event.deadline_at,
                state="sent", attempts=1, sent_at=sent_at, recipient=step.target.member.name, shown="A browser",
            )
        )  # fmt: skip
    made = Delivery.objects.bulk_create(rows, batch_size=1_000)
    attempts = [
        Attempt(id=UUID(int=row.pk), delivery=row, number=1, outcome="accepted", starts_at=row.starts_at)
        for row in made
    ]
    Attempt.objects.bulk_create(attempts, batch_size=_CHUNK)


def fill() -> dict[str, int]:
    """Fill the database; return the keys of what is measured."""
    from registration.models import Calendar  # noqa: PLC0415

    busy, crowd = (Calendar.objects.create(name=name, is_active=False) for name in ("busy", "crowd"))
    plans(busy, "catch-all", ["telecon"] * CATCH_ALLS, (_REMINDER, _LEAD))
    probes = plans(busy, "probe", [f"each{size};" for size in PROBES], (_LEAD,))
    members = plans(crowd, "crowd", ["telecon"] * CROWD, (_LEAD,))
    events(busy, "busy", BUSY_EVENTS)
    events(crowd, "crowd", CROWD_EVENTS)
    with without_indexes():
        for calendar in (busy, crowd):
            deliveries(calendar)
        told(busy)
    keys = {f"probe{size}": probe.pk for size, probe in zip(PROBES, probes, strict=True)}
    return {**keys, "busy": busy.pk, "crowd": crowd.pk, "probe_crowd": members[CROWD // 2].pk}
