"""Upgrades a database that was made by the version before the engine's new promises; prints what it finds as JSON.

Runs in a process of its own, on an empty database named by DATABASE_URL. ``before.json`` holds the tables of
that version (its migrations are ``BEFORE``): the history of the demo, and of three members on one calendar, made by
its own code. Its instants are shifted, so that what was pending then is pending now.
"""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import django
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

BEFORE: Final = [
    ("eventinvoke", "0008_held"),
    ("eventupdate", "0002_problems"),
    ("registration", "0004_zones"),
]
COLUMN: Final = [("eventinvoke", "0015_language")]
"""The last version in which the mark of an event was a column of it."""
PAGES: Final = ("inbox", "upcoming-list", "history-list", "change-list")
_ROUNDS: Final = 50


def load() -> dict[str, list[str]]:
    """Migrate to the version before and fill its tables; return the keys of the rows, by table."""
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    # The other apps' tables (sessions, content types) are the same in both versions.
    apps = executor.loader.project_state(BEFORE).apps
    given = json.loads(Path(__file__).with_name("before.json").read_text())
    shift = datetime.now().astimezone() - datetime.fromisoformat(given["at"])
    models = []
    with transaction.atomic():
        for label, table in given["tables"].items():
            model = apps.get_model(label)
            models.append(model)
            rows = [
                _row(model, dict(zip(table["columns"], row, strict=True)), shift) for row in table["rows"]
            ]
            model._default_manager.bulk_create(rows)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), models):
                cursor.execute(statement)
    return {label: [str(row[0]) for row in table["rows"]] for label, table in given["tables"].items()}


def mark_one() -> int:
    """Migrate to the version before the marks had a table, and leave an event unplanned there; return its key."""
    executor = MigrationExecutor(connection)
    executor.migrate(COLUMN)
    Event = executor.loader.project_state(COLUMN).apps.get_model("eventinvoke", "Event")  # noqa: N806
    pk: int = Event.objects.order_by("pk").values_list("pk", flat=True)[0]
    Event.objects.filter(pk=pk).update(planned_version=0)
    return pk


def _row(model: Any, values: dict[str, Any], shift: timedelta) -> Any:
    row = model()
    for field in model._meta.concrete_fields:
        value = field.to_python(values[field.attname]) if not field.is_relation else values[field.attname]
        setattr(row, field.attname, _shifted(value, shift))
    return row


def _shifted(value: Any, shift: timedelta) -> Any:
    """Shift an instant, or those in what a change says of its event."""
    if isinstance(value, dict):
        return {
            name: (datetime.fromisoformat(text) + shift).isoformat()
            if name.endswith("_at") and text
            else text
            for name, text in value.items()
        }
    return value + shift if isinstance(value, datetime) else value


def rows_of(label: str, *columns: str) -> list[dict[str, Any]]:
    """Return columns of all rows of a table, in the order of their keys."""
    from django.apps import apps  # noqa: PLC0415 - after the set-up

    return list(apps.get_model(label)._default_manager.order_by("pk").values("pk", *columns))


def stored() -> list[list[Any]]:
    """Return what the table of targets holds, as the database gives it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, address, config FROM registration_target ORDER BY id")
        return [list(row) for row in cursor.fetchall()]


def plan() -> int:
    """Follow all changes, as wake-ups do; return how many registrations carried a mark."""
    from eventinvoke.planning.replan import follow_changes, has_changes  # noqa: PLC0415
    from registration.models import Registration  # noqa: PLC0415

    marked = Registration.objects.unplanned().count()
    for _round in range(_ROUNDS):
        follow_changes()
        if not has_changes():
            return marked
    raise SystemExit("there is always something left to plan")


def pages() -> dict[str, int]:
    """Open the pages of each member, and the page of each event and delivery as the staff; return the statuses."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415

    users = get_user_model().objects
    users.filter(username="ann").update(is_staff=True, is_superuser=True)
    found: dict[str, int] = {}
    for user in users.order_by("pk"):
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        paths = [reverse(f"eventinvoke:{name}") for name in PAGES]
        if user.username == "ann":
            paths += [
                reverse("eventinvoke:event-detail", args=[row["pk"]]) for row in rows_of("eventinvoke.Event")
            ]
            rows = rows_of("eventinvoke.Delivery")
            paths += [reverse("eventinvoke:delivery-detail", args=[row["pk"]]) for row in rows]
            paths += [f"{reverse('eventinvoke:history-list')}?all=1"]
        found |= {f"{user.username} {path}": client.get(path).status_code for path in paths}
    return found


DELIVERY: Final = (
    "event_id", "member_id", "target_id", "registration_id", "step_id", "origin", "recipient", "shown",
    "state", "slot", "starts_at", "due_at", "sent_at", "reason",
)  # fmt: skip


def main() -> None:
    """Load, upgrade, plan, and say what there is after each of it."""
    django.setup()
    before = load()
    marked = mark_one()
    call_command("migrate", verbosity=0)
    from eventinvoke.planning.obsolete import unwanted  # noqa: PLC0415 - after the set-up

    found: dict[str, Any] = {
        "before": before,
        "after": {label: [str(row["pk"]) for row in rows_of(label)] for label in before},
        "upgraded": rows_of("eventinvoke.Delivery", *DELIVERY),
        "events": rows_of("eventinvoke.Event", "external_id", "starts_at", "version"),
        "marked": marked,
        "marks": rows_of("eventinvoke.Unplanned", "version"),
        "moves": rows_of("eventinvoke.EventChange", "event_id", "at", "before__starts_at"),
        "addresses": rows_of("registration.Target", "address", "config", "fingerprint"),
        "stored": stored(),
        "members": rows_of("registration.Member", "name"),
        "attempts": rows_of("eventinvoke.Attempt", "delivery__sent_at", "delivery__starts_at", "starts_at"),
        "answers": rows_of(
            "eventinvoke.Answer",
            "starts_at",
            "delivery__starts_at",
            "delivery__kind",
            "channel",
            "member__name",
            "member_name",
        ),
        "registrations": plan(),
        "planned": rows_of("eventinvoke.Delivery", *DELIVERY),
        "shares": rows_of(
            "eventinvoke.Share", "delivery_id", "registration__name", "delivery__registration__name"
        ),
        "marked_again": plan(),
        "pages": pages(),
    }
    orphans = [
        row["pk"] for row in found["planned"] if row["state"] == "pending" and row["registration_id"] is None
    ]
    found["orphans"] = unwanted(orphans)
    sys.stdout.write(json.dumps(found, default=str))


if __name__ == "__main__":
    main()
