"""What channels say of themselves is what the panel shows and asks for: no kind is known by name."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.test import Client

from common import channels
from registration.membership import add_built_in, add_inbox, member_of
from registration.models import Member, Target
from registration.tests.factories import UserFactory
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db
ROOT: Final = Path(__file__).resolve().parent.parent.parent
ADD: Final = "/targets/add/room/"
ROOM: Final = {"address": "#alarms", "server": "https://chat.example.org", "thread": "", "label": "Team"}


@pytest.fixture(autouse=True)
def installed(settings: Any) -> Iterator[None]:
    """Install channels that the panel has never heard of, besides the product's own."""
    here = "registration.tests.stand_ins."
    settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, f"{here}Room", f"{here}Siren"]
    channels.registry.cache_clear()
    yield
    channels.registry.cache_clear()


def test_the_form_asks_for_the_fields_of_the_channel(page: Client) -> None:
    shown = page.get(ADD)
    html = shown.content.decode()
    names = re.findall(r'<input type="(\w+)" name="(\w+)"', html)
    wanted = [("text", "address"), ("url", "server"), ("text", "thread"), ("text", "label")]
    assert [one for one in names if one in wanted] == wanted
    assert 'placeholder="#alarms"' in html
    for said in ("Add: Chat room", "Invite the bot first.", "Where the room is."):
        assert said in text_of(shown)
    assert "code" not in text_of(shown)


def test_a_channel_without_a_code_is_ready_at_once(page: Client, member: Member) -> None:
    answer = page.post(ADD, ROOM, follow=True)
    assert "Team is added." in text_of(answer)
    target = Target.objects.get(member=member, kind="room")
    assert (target.address, target.label, target.is_usable) == ("#alarms", "Team", True)
    assert target.config == {"server": "https://chat.example.org", "thread": ""}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("server", "http://chat.example.org", "The server's address begins with https://."),
        ("server", "", "This field is required."),
        ("address", " ", "This field is required."),
        ("server", "https://\x07", "The text has invisible characters."),
    ],
)
def test_an_error_stands_next_to_the_field_that_the_channel_names(
    page: Client, field: str, value: str, said: str
) -> None:
    assert said in error_at(page.post(ADD, ROOM | {field: value}), field)
    assert not Target.objects.filter(kind="room").exists()


def test_a_channel_of_which_one_has_one_is_offered_once(page: Client) -> None:
    assert ADD in page.get("/targets/").content.decode()
    page.post(ADD, ROOM)
    assert ADD not in page.get("/targets/").content.decode()
    assert page.post(ADD, ROOM | {"address": "#other"}).status_code == 404
    assert Target.objects.filter(kind="room").count() == 1


def test_the_list_draws_the_icon_and_offers_only_what_the_channel_can(page: Client, member: Member) -> None:
    page.post(ADD, ROOM)
    shown = page.get("/targets/")
    assert "#message" in shown.content.decode()
    assert "Send test" not in text_of(shown)
    target = Target.objects.get(member=member, kind="room")
    assert page.post(f"/targets/{target.pk}/test").status_code == 404


def test_every_member_has_the_built_in_ones_and_keeps_them() -> None:
    member = member_of(UserFactory.create())
    client = Client()
    client.force_login(member.user)
    assert set(Target.objects.filter(member=member).values_list("kind", flat=True)) == {"inbox", "siren"}
    add_built_in(member)
    assert Target.objects.filter(member=member).count() == 2
    siren = Target.objects.get(member=member, kind="siren")
    assert client.post(f"/targets/{siren.pk}/delete").status_code == 404
    assert "/targets/add/siren/" not in client.get("/targets/").content.decode()
    assert f"/targets/{siren.pk}/delete" not in client.get("/targets/").content.decode()


def test_a_notice_without_a_chosen_target_goes_to_the_first_built_in_one(
    settings: Any, member: Member
) -> None:
    assert add_inbox(member).kind == "inbox"
    settings.NOTICE_CHANNELS = ["registration.tests.stand_ins.Siren"]
    channels.registry.cache_clear()
    assert add_inbox(member).kind == "siren"
    settings.NOTICE_CHANNELS = ["registration.tests.stand_ins.Room"]
    channels.registry.cache_clear()
    with pytest.raises(LookupError, match="NOTICE_CHANNELS"):
        add_inbox(member)


def test_a_target_of_a_channel_that_was_taken_out_is_shown_and_can_be_deleted(
    page: Client, member: Member, settings: Any
) -> None:
    page.post(ADD, ROOM)
    settings.NOTICE_CHANNELS = [path for path in settings.NOTICE_CHANNELS if not path.endswith("Room")]
    channels.registry.cache_clear()
    assert "Team" in text_of(page.get("/targets/"))
    target = Target.objects.get(member=member, kind="room")
    page.post(f"/targets/{target.pk}/delete")
    assert not Target.objects.filter(pk=target.pk).exists()


def test_registration_names_no_kind() -> None:
    kinds = "|".join(sorted(channels.registry()))
    quoted = re.compile(rf"""["'](?:{kinds})["']""")
    code = [p for p in (ROOT / "registration").rglob("*.py") if not {"tests", "migrations"} & {*p.parts}]
    pages = [
        *(ROOT / "templates" / "panel").glob("target_*.html"),
        *(ROOT / "templates" / "registration").glob("*"),
    ]
    # The column of Django's account is called so too.
    found = {str(p): quoted.findall(p.read_text()) for p in (*code, *pages) if p.name != "people.py"}
    assert {name: some for name, some in found.items() if some} == {}
