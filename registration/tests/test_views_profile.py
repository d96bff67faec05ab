"""The member's own settings."""

from datetime import time

import pytest
from django.db.models import F
from django.test import Client

from registration.models import Member, Registration
from registration.tests.factories import RegistrationFactory
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "Ann",
    "time_zone": "Asia/Tokyo",
    "language": "en",
    "quiet_from": "22:00",
    "quiet_until": "07:00",
    "daily_cap": "50",
    "critical_reserve": "5",
}


def test_the_profile_is_stored(page: Client, member: Member) -> None:
    assert page.post("/profile/", GOOD).status_code == 302
    member.refresh_from_db()
    assert (member.name, member.time_zone, member.quiet_from, member.quiet_until, member.daily_cap) == (
        "Ann",
        "Asia/Tokyo",
        time(22),
        time(7),
        50,
    )


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"time_zone": "Mars/Base"}, "time_zone", "is not a time zone"),
        ({"language": "xx"}, "language", "Choose one from the list."),
        ({"quiet_until": ""}, "quiet_until", "Quiet hours need an end."),
        ({"quiet_from": ""}, "quiet_from", "Quiet hours need a start."),
        ({"quiet_from": "07:00"}, "quiet_until", "The end must differ from the start."),
        ({"quiet_from": "25:00"}, "quiet_from", "Enter a time, like 22:30."),
        ({"daily_cap": "-1"}, "daily_cap", ""),
        ({"daily_cap": "99999999999"}, "daily_cap", ""),
        ({"critical_reserve": "51"}, "critical_reserve", "can't be larger than the daily limit"),
        ({"critical_reserve": ""}, "critical_reserve", "This field is required."),
    ],
)
def test_what_can_not_be_taken_is_told_next_to_its_field(
    page: Client, member: Member, change: dict[str, str], field: str, said: str
) -> None:
    told = error_at(page.post("/profile/", GOOD | change), field)
    assert told
    assert said in told
    member.refresh_from_db()
    assert member.time_zone == "UTC"


def test_no_limit_is_an_empty_field(page: Client, member: Member) -> None:
    page.post("/profile/", GOOD | {"daily_cap": ""})
    member.refresh_from_db()
    assert member.daily_cap is None


def test_times_are_shown_in_the_member_s_zone(page: Client, member: Member) -> None:
    page.post("/profile/", GOOD)
    assert "Asia/Tokyo" in text_of(page.get("/registrations/add/"))


def test_another_time_zone_has_the_member_s_registrations_planned_again(page: Client, member: Member) -> None:
    mine, _other = RegistrationFactory.create(member=member), RegistrationFactory.create()
    page.post("/profile/", GOOD)
    assert list(Registration.objects.unplanned()) == [mine]
    Registration.objects.update(planned_version=F("version"))
    page.post("/profile/", GOOD | {"name": "Anna"})
    assert not Registration.objects.unplanned().exists()
