"""Array literals are read back by PostgreSQL as what they were."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.db import connection

from common.db.arrays import literal

TEXTS = ["", "NULL", "a,b", 'say "x"', "back\\slash", '\\"', "{}", "'; --", "ünï\ncode"]


def test_numbers_uuids_and_nothing_are_written_plainly() -> None:
    one = UUID("0189a7b0-0000-7000-8000-000000000001")
    assert literal([1, None, one]) == f"{{1,NULL,{one}}}"


def test_what_can_t_be_written_is_refused() -> None:
    with pytest.raises(TypeError, match="dict"):
        literal([{}])


@pytest.mark.parametrize("texts", [["a\0b", "\0"], ["a\0b", None]])
def test_a_null_character_which_no_text_can_hold_is_left_out(texts: list[object]) -> None:
    assert "\0" not in literal(texts)
    assert literal(texts).startswith('{"ab",')


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", [*TEXTS, None]),
        ("text", TEXTS),
        ("text", [""]),
        ("bigint", [1, -(2**62)]),
        ("boolean", [True, False]),
        ("text", []),
        ("timestamptz", [datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC), None]),
        ("timestamptz", [datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)]),
        ("date", [date(2026, 2, 28)]),
        ("bytea", [b"", b'\0\xff\\",{}', None]),
    ],
)
def test_postgresql_reads_back_what_was_written(kind: str, values: list[object]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has arrays")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM unnest(%s::{kind}[])", [literal(values)])  # noqa: S608
        assert [row[0] for row in cursor.fetchall()] == values
