"""Fixtures: the stand-in for Google, a person with an account there, and that account connected here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventupdate.providers.google.client import SCOPES
from registration.models import Calendar, CalendarAccount, Member
from registration.tests.factories import CalendarFactory, MemberFactory
from tests.google.accounts import Person
from tests.google.calendars import GoogleCalendar
from tests.google.server import StandIn


@pytest.fixture
def google(tmp_path: Path, settings: Any) -> Iterator[StandIn]:
    """Google, where the product looks for it."""
    with StandIn(tmp_path) as running:
        for name, value in running.settings.items():
            setattr(settings, name, value)
        running.oauth.redirect_urls = {f"{settings.NOTICE_PUBLIC_URL}/calendars/google/callback"}
        yield running
    assert running.faults == []


@pytest.fixture
def ada(google: StandIn) -> Person:
    """Ada, who has a Google account, at the browser."""
    google.oauth.visitor = google.person("ada@example.org")
    return google.oauth.visitor


@pytest.fixture
def ada_s(ada: Person) -> GoogleCalendar:
    """Ada's main calendar at Google."""
    return ada.calendars[0]


def connected(google: StandIn, person: Person, owner: Member | None) -> CalendarAccount:
    """Return the account of a person who has consented; the access token has yet to be fetched."""
    token = google.oauth.refresh_token_for(person, set(SCOPES))
    return CalendarAccount.objects.create(
        owner=owner,
        provider=CalendarAccount.Provider.GOOGLE,
        name=person.address,
        credentials=json.dumps({"refresh_token": token}),
    )


@pytest.fixture
def account(db: None, google: StandIn, ada: Person) -> CalendarAccount:
    """Ada's account, connected."""
    return connected(google, ada, MemberFactory.create(name="Ada"))


@pytest.fixture
def google_calendar(account: CalendarAccount, ada_s: GoogleCalendar) -> Calendar:
    """Ada's main calendar, to be read."""
    made: Calendar = CalendarFactory(
        owner=account.owner, kind=Calendar.Kind.GOOGLE, account=account, remote_id=ada_s.id, name="Ada's"
    )
    return made
