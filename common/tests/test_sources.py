"""The registry of sources."""

from collections.abc import Iterator
from typing import Any

import pytest

from common import sources
from common.sources import Source, SourceKind

HERE = f"{__name__}."


def _none(*_arguments: object) -> list[Source]:
    return []


ROOM = SourceKind(prefix="room:", label="Rooms", find=_none, offer=_none)
AGAIN = SourceKind(prefix="room:", label="Rooms, again", find=_none, offer=_none)
NEWS = SourceKind(prefix="news", label="News")
MALFORMED = SourceKind(prefix="Room 7", label="Rooms")
BLIND = SourceKind(prefix="blind:", label="Can't look up its sources")
NO_KIND = "room:"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    sources.registry.cache_clear()
    yield
    sources.registry.cache_clear()


def listed(settings: Any, *names: str) -> None:
    settings.NOTICE_SOURCES = [HERE + name for name in names]


def test_a_source_s_kind_is_found_by_its_name(settings: Any) -> None:
    listed(settings, "ROOM", "NEWS")
    named = {name: sources.kind_of(name) for name in ("room:7", "room:", "news", "room", "news:1", "", "x:7")}
    assert {name for name, kind in named.items() if kind is ROOM} == {"room:7", "room:"}
    assert {name for name, kind in named.items() if kind is NEWS} == {"news"}


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        (("ROOM", "AGAIN"), ValueError, "two kinds of sources have the prefix 'room:'"),
        (("MALFORMED",), ValueError, "malformed prefix"),
        (("BLIND",), ValueError, "needs find and offer"),
        (("NO_KIND",), TypeError, "is not a common.sources.SourceKind"),
        (("MISSING",), ImportError, "MISSING"),
    ],
)
def test_a_list_that_can_not_be_right_is_refused(
    settings: Any, names: tuple[str, ...], error: type[Exception], said: str
) -> None:
    listed(settings, *names)
    with pytest.raises(error, match=said):
        sources.registry()


@pytest.mark.parametrize(
    ("name", "key"), [("room:7", 7), ("room:", None), ("room:x", None), ("room:\u0667", None), ("7", None)]
)
def test_the_number_in_a_name(name: str, key: int | None) -> None:
    assert ROOM.key_of(name) == key


def test_what_is_not_found_is_hidden_and_a_single_source_is_everyone_s(settings: Any) -> None:
    listed(settings, "ROOM", "NEWS")
    assert sources.owners_of(["room:7", "news", "unknown:1"]) == {"news": None}
    assert [sources.may_see(name, 1) for name in ("room:7", "news", "unknown:1")] == [False, True, False]
