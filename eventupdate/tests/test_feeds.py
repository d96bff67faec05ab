"""The dialects of known producers; ``feeds/README.md`` says what is peculiar in each."""

from pathlib import Path

import pytest

from eventupdate.expand import Window
from eventupdate.lines import read_feed
from eventupdate.tests.texts import WINDOW, Expansion, expand, window

FOLDER = Path(__file__).parent / "feeds"


def read(name: str, newline: bytes = b"\r\n", within: Window = WINDOW) -> Expansion:
    content = (FOLDER / name).read_bytes().replace(b"\n", newline)
    feed = read_feed(content)
    return expand(feed, within)


def shown(name: str, within: Window = WINDOW) -> list[str]:
    expansion = read(name, within=within)
    assert expansion.problem == ""
    return [
        f"{o.starts_at:%m-%d %H:%M} {o.details.title}{' (cancelled)' if o.is_canceled else ''}"
        for o in expansion.occurrences
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ics")), ids=lambda path: path.stem)
def test_line_ends_make_no_difference(path: Path) -> None:
    assert read(path.name, b"\n").occurrences == read(path.name).occurrences


def test_every_feed_is_described() -> None:
    text = (FOLDER / "README.md").read_text()
    assert all(f"`{path.name}`" in text for path in FOLDER.glob("*.ics"))


def test_google() -> None:
    assert shown("google.ics") == [
        "11-25 05:00 PFS weekly telecon (moved: holiday)",
        "11-27 01:00 Review, part 2",
        "11-27 15:00 Observing run",
        "11-30 00:00 PFS weekly telecon",
        "12-14 00:00 PFS weekly telecon",
        "12-21 00:00 PFS weekly telecon",
    ]
    series = read("google.ics").occurrences[3]
    assert series.external_id == "4bq1weekly0example@google.com#20261130T000000Z"
    assert series.details.url == "https://meet.google.com/abc-defg-hij"
    assert series.details.organiser == "Instrument team"


def test_outlook() -> None:
    assert shown("outlook.ics") == [
        "11-24 08:00 Budget",
        "11-26 08:00 Site visit",
        "11-30 10:00 Vendor call",
        "12-08 00:00 Bank holiday",
    ]
    budget = read("outlook.ics").occurrences[0]
    assert budget.details.url == "https://teams.microsoft.com/l/meetup-join/19%3ameeting_example/0"
    assert budget.uid.endswith("0000100000000MONTHLY")


def test_apple() -> None:
    assert shown("apple.ics") == [
        "11-23 18:00 Training",
        "12-01 03:00 Embassy",
        "12-07 18:00 Training",
        "12-21 20:00 Training (late)",
        "01-04 20:00 Training (late)",
    ]
    assert read("apple.ics").occurrences[0].details.location == "Gymnasium Rua do Exemplo 1 Lisboa"


def test_nextcloud() -> None:
    assert shown("nextcloud.ics") == [
        "11-19 07:00 Night report",
        "11-20 07:00 Night report",
        "11-23 07:00 Night report",
        "11-25 07:00 Night report (cancelled)",
        "11-26 07:00 Night report",
        "11-27 07:00 Night report",
        "12-01 13:00 Mirror cleaning",
        "12-08 13:00 Mirror cleaning",
        "12-15 14:00 Mirror cleaning",
    ]
    assert read("nextcloud.ics").occurrences[0].details.labels["category"] == "Operations"


def test_indico() -> None:
    assert shown("indico.ics") == [
        "11-24 08:00 Spectrograph workshop 2026",
        "11-24 08:15 Fibre positioners: first results",
        "11-24 08:40 Coffee",
    ]
    workshop, talk, coffee = read("indico.ics").occurrences
    assert workshop.details.url == "https://indico.example.org/event/1234/"
    assert talk.details.url == "https://cern.zoom.us/j/6123456789?pwd=example"
    assert coffee.ends_at is None


def test_pretalx() -> None:
    summer = window("2026-07-01", "2026-08-01")
    assert shown("pretalx.ics", summer) == [
        # 9:00, 22:45 and 13:00 of New York's summer.
        "07-07 13:00 Fibre positioners: first results, and what broke - Ana Sol, Björn Ström",
        "07-08 02:45 Sky subtraction - Chie Sato",
        "07-08 17:00 Hands-on: data reduction - Ana Sol",
    ]
    talk = read("pretalx.ics", within=summer).occurrences[0]
    assert talk.details.url == "https://pretalx.example.org/optics-2026/talk/DDDDDD/"
    assert talk.details.description.startswith("We show,\nin short; what 2394")
    assert talk.details.location == "Main hall"
