"""Lists of the REST API: filters on dates, and pages.

https://www.twilio.com/docs/usage/twilios-response#pagination
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from simulator.provider.errors import invalid
from simulator.provider.parameters import Form
from simulator.provider.records import Call, Message, OwnNumber

_PAGE_SIZE: Final = 50
_MAX_PAGE_SIZE: Final = 1000
_PAGING: Final = frozenset({"Page", "PageSize", "PageToken"})
Record = TypeVar("Record", Call, Message, OwnNumber)


def is_in_period(instant: datetime | None, form: Form, name: str) -> bool:
    """Say whether an instant fits ``name``, ``name<`` and ``name>``; each is a date or an instant.

    Compared is what Twilio shows, in whole seconds. What has not happened yet fits no period: a
    call that is still queued has no StartTime.
    """
    bounds = [(sign, form.get(f"{name}{sign}")) for sign in ("", "<", ">")]
    asked = [(sign, value) for sign, value in bounds if value]
    if not asked:
        return True
    if instant is None:
        return False
    shown = instant.replace(microsecond=0)
    for sign, value in asked:
        first, last = _period(value, name)
        if (sign != "<" and shown < first) or (sign != ">" and shown > last):
            return False
    return True


def _period(value: str, name: str) -> tuple[datetime, datetime]:
    """Return the first and the last instant that a value means."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise invalid(20001, f"Parameter {name!r} is not valid: {value}") from error
    aware = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
    is_date = len(value) == len("2026-01-31")
    return aware, aware + timedelta(days=1, microseconds=-1) if is_date else aware


def page(
    records: Iterable[Record], form: Form, path: str, key: str, render: Callable[[Record], dict[str, Any]]
) -> dict[str, Any]:
    """Return one page of ``records``, which are the newest first and already filtered."""
    size = min(max(_whole(form.get("PageSize"), _PAGE_SIZE), 1), _MAX_PAGE_SIZE)
    number = _whole(form.get("Page"), 0)
    remaining = iter(records)
    token = form.get("PageToken").removeprefix("PA")
    if token:
        for record in remaining:
            if record.sid == token:
                break
    else:
        remaining = islice(remaining, number * size, None)
    shown = list(islice(remaining, size + 1))
    is_more, shown = len(shown) > size, shown[:size]
    filters = [(name, value) for name, value in form.pairs if name not in _PAGING]
    uri = partial(_uri, path, filters, size)
    return {
        key: [render(record) for record in shown],
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, shown[-1].sid) if is_more else None,
        "previous_page_uri": uri(number - 1) if number else None,
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(len(shown) - 1, 0),
        "uri": uri(number),
    }


def _uri(path: str, filters: list[tuple[str, str]], size: int, number: int, after: str = "") -> str:
    paging = [("PageSize", str(size)), ("Page", str(number))]
    token = [("PageToken", f"PA{after}")] if after else []
    return f"{path}?{urlencode([*filters, *paging, *token])}"


def _whole(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal():
        raise invalid(20001, f"Page and PageSize are whole numbers: {text}")
    return int(text)
