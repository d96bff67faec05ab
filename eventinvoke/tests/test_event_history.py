"""What became of an event after it was first published."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.clock import now
from eventinvoke.models import Event, EventChange
from eventinvoke.planning.publish import EventDraft, publish, withdraw

pytestmark = pytest.mark.django_db

Kind = EventChange.Kind
START = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(**columns: Any) -> None:
    """Publish the event as its source tells it now."""
    publish([EventDraft("calendar:1", "1", **{"title": "PFS telecon", "starts_at": START, **columns})])


def changes() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    return [(one.kind, one.before, one.after) for one in EventChange.objects.order_by("pk")]


def test_a_new_event_is_no_change() -> None:
    told()
    told()
    assert changes() == []


def test_a_move_says_from_when_to_when() -> None:
    told(ends_at=START + HOUR)
    told(starts_at=START + HOUR, ends_at=START + 2 * HOUR)
    assert changes() == [
        (
            Kind.MOVED,
            {"starts_at": "2030-01-02T03:04:00+00:00", "ends_at": "2030-01-02T04:04:00+00:00"},
            {"starts_at": "2030-01-02T04:04:00+00:00", "ends_at": "2030-01-02T05:04:00+00:00"},
        )
    ]


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"ends_at": START + HOUR}, Kind.MOVED),
        ({"title": "SpS telecon", "starts_at": START + HOUR}, Kind.MOVED),
        ({"title": "SpS telecon", "location": "Room 2"}, Kind.RETITLED),
        ({"location": "Room 2"}, Kind.EDITED),
        ({"description": "Agenda"}, Kind.EDITED),
        ({"url": "https://example.com/"}, Kind.EDITED),
    ],
)
def test_a_change_is_called_by_the_most_important_of_what_changed(columns: Any, kind: str) -> None:
    told()
    told(**columns)
    ((found, before, after),) = changes()
    assert found == kind
    assert before.keys() == after.keys() == columns.keys()


def test_an_edit_that_is_not_told_is_stored_and_is_no_change() -> None:
    told()
    told(labels={"colour": "red"}, attendees="Alice", severity=20)
    assert changes() == []
    assert Event.objects.get().labels == {"colour": "red"}


def test_an_event_that_is_canceled_and_comes_back_says_both() -> None:
    told()
    assert withdraw("calendar:1", ["1"]) == 1
    assert withdraw("calendar:1", ["1"]) == 0
    told(starts_at=START + HOUR)
    canceled, reinstated = changes()
    assert (canceled[0], canceled[1]) == (Kind.CANCELED, {"canceled_at": None})
    assert datetime.fromisoformat(canceled[2]["canceled_at"]) <= now()
    assert (reinstated[0], reinstated[2]["canceled_at"]) == (Kind.REINSTATED, None)
    assert reinstated[2]["starts_at"] == "2030-01-02T04:04:00+00:00"


def test_many_changes_are_written_in_few_statements(
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    drafts = [EventDraft("calendar:1", str(number), "PFS telecon", START) for number in range(300)]
    publish(drafts)
    later = [EventDraft("calendar:1", draft.external_id, draft.title, START + HOUR) for draft in drafts]
    with django_assert_max_num_queries(45):
        assert publish(later).updated == len(drafts)
    assert EventChange.objects.filter(kind=Kind.MOVED).count() == len(drafts)
    with django_assert_max_num_queries(45):
        assert withdraw("calendar:1", [draft.external_id for draft in drafts]) == len(drafts)
    assert EventChange.objects.filter(kind=Kind.CANCELED).count() == len(drafts)
