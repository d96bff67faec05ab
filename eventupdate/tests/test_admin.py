"""The admin of entries: they may be looked at, not changed."""

import zlib
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from eventupdate.models import Entry
from registration.tests.factories import CalendarFactory

pytestmark = pytest.mark.django_db


def fill(text: bytes = b"") -> Entry:
    for number in range(12):
        made = Entry.objects.create(
            calendar=CalendarFactory.create(),
            key=f"uid-{number}",
            series="1",
            version="1",
            text=text or zlib.compress(b"uid\nSUMMARY:Telecon"),
            problem="It has no start." if number else "",
        )
    return made


def test_the_list_and_its_search_are_shown_with_few_queries(
    boss: Client, django_assert_max_num_queries: Any
) -> None:
    fill()
    address = reverse("admin:eventupdate_entry_changelist")
    with django_assert_max_num_queries(8):
        assert b"uid-11" in boss.get(address).content
    assert b"uid-11" not in boss.get(address, {"q": "uid-3"}).content
    assert b"uid-0" not in boss.get(address, {"problem__isempty": "0"}).content


@pytest.mark.parametrize(("text", "said"), [(b"", "SUMMARY:Telecon"), (b"x", "This can&#x27;t be read.")])
def test_an_entry_s_page_shows_what_its_source_wrote(boss: Client, text: bytes, said: str) -> None:
    address = reverse("admin:eventupdate_entry_change", args=[fill(text).pk])
    assert said in boss.get(address).content.decode()


def test_nothing_is_added_or_changed_by_hand(boss: Client) -> None:
    pk = fill().pk
    assert boss.get(reverse("admin:eventupdate_entry_add")).status_code == 403
    answer = boss.post(reverse("admin:eventupdate_entry_change", args=[pk]), {"key": "x"})
    assert answer.status_code == 403
