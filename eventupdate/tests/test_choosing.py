"""Letting calendars go while one of them is just being written."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from common.errors import InputError
from eventupdate.choosing import choose, end
from eventupdate.models import Entry
from eventupdate.reading import RemoteCalendar
from registration.models import Calendar, CalendarAccount
from registration.tests.factories import CalendarFactory, MemberFactory

WAIT = 20


def by_page(calendar: Calendar) -> None:
    client = Client()
    assert calendar.owner is not None
    client.force_login(calendar.owner.user)
    assert client.post(f"/calendars/{calendar.pk}/delete").status_code == 302


def by_choice(calendar: Calendar) -> None:
    assert calendar.account is not None
    assert choose(calendar.account, [], [], [calendar.pk]).removed == 1


def by_account(calendar: Calendar) -> None:
    assert calendar.account is not None
    end(calendar.account)


class Removing(threading.Thread):
    """Removes a calendar in a thread of its own, and tells when it comes to the calendar's row."""

    def __init__(self, remove: Callable[[Calendar], None], calendar: Calendar) -> None:
        super().__init__()
        self.remove, self.calendar = remove, calendar
        self.error: BaseException | None = None
        self.is_at_the_row = threading.Event()

    def watch(self, execute: Any, sql: str, *rest: Any) -> Any:
        is_row = "registration_calendar" in sql and "registration_calendaraccount" not in sql
        if is_row and ("FOR UPDATE" in sql or sql.startswith("DELETE")):
            self.is_at_the_row.set()
        return execute(sql, *rest)

    def run(self) -> None:
        try:
            with connection.execute_wrapper(self.watch):
                self.remove(self.calendar)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("remove", [by_page, by_choice, by_account])
def test_a_calendar_that_is_just_being_written_is_removed_all_the_same(
    remove: Callable[[Calendar], None],
) -> None:
    member = MemberFactory.create()
    account = CalendarAccount.objects.create(owner=member, provider="caldav", name="Ada")
    calendar: Calendar = CalendarFactory.create(owner=member, account=account, kind=Calendar.Kind.CALDAV)
    removing = Removing(remove, calendar)
    with transaction.atomic():  # as a sync does
        Calendar.objects.select_for_update().get(pk=calendar.pk)
        removing.start()
        if connection.features.has_select_for_update:  # SQLite has one writer at a time
            assert removing.is_at_the_row.wait(WAIT)
        Entry.objects.create(calendar=calendar, key="1", series="1", version="1", text=b"")
    removing.join(WAIT)
    assert removing.error is None
    assert not Calendar.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_no_more_calendars_are_chosen_than_a_member_may_have(settings: Any) -> None:
    settings.NOTICE_MOST = {"calendars": 2}
    member = MemberFactory.create()
    CalendarFactory.create(owner=member)
    account = CalendarAccount.objects.create(owner=member, provider="google", name="ada@example.org")
    remote = [RemoteCalendar(name, name) for name in ("a", "b")]
    with pytest.raises(InputError, match="A member may have 2 calendars"):
        choose(account, remote, ["a", "b"], [])
    assert choose(account, remote, ["a"], []).added == 1
    assert choose(account, remote, ["a"], []).added == 0
