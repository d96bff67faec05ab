"""The page docs/adding_a_source.md is right: its app adds a source, and planning and pages know what to do."""

import atexit
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.test import Client
from pytest_django import Settings

from common import channels, sources
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery, Event
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.planning.replan import follow_changes
from eventinvoke.sending.deliver import fire
from registration.membership import member_of
from registration.models import Member, Registration, Target
from registration.tests.factories import (
    CalendarFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
    UserFactory,
)
from registration.tests.form_data import standing
from registration.tests.pages import error_at, text_of

pytestmark = pytest.mark.django_db
ROOT: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = (ROOT / "docs" / "adding_a_source.md").read_text(encoding="utf-8")
FILES: Final = dict(re.findall(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
LINE: Final = re.search(r"^```text\n(\S+)\n```$", PAGE, re.MULTILINE)
ADD: Final = "/registrations/add/?kind=standing"
HOUR: Final = timedelta(hours=1)


def install() -> Path:
    """Write the page's app into a folder of its own, where it can be imported from."""
    folder = Path(tempfile.mkdtemp(prefix="pfsn-page-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    sys.path.append(str(folder))
    return folder


FOLDER: Final = install()


@pytest.fixture(autouse=True)
def installed(settings: Settings) -> Iterator[None]:
    """Add the page's line to the settings; tell members by push-like stand-ins."""
    assert LINE is not None
    settings.NOTICE_SOURCES = [*settings.NOTICE_SOURCES, LINE[1]]
    settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, "eventinvoke.tests.stand_ins.PushLike"]
    sources.registry.cache_clear()
    channels.registry.cache_clear()
    yield
    sources.registry.cache_clear()
    channels.registry.cache_clear()


@pytest.fixture
def ada() -> Member:
    return _member("Ada")


@pytest.fixture
def bob() -> Member:
    return _member("Bob")


def _member(name: str) -> Member:
    return member_of(UserFactory.create(first_name=name))


def page_of(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def wants(member: Member, **values: Any) -> Registration:
    """A registration of a member for the probe's alarms, told by a push at once."""
    one: Registration = RegistrationFactory.create(member=member, pattern="alarm", **values)
    target = Target.objects.filter(member=member, kind="pushlike").first() or TargetFactory.create(
        member=member, kind="pushlike", address="ok"
    )
    StepFactory.create(registration=one, target=target, offset=timedelta(0))
    return one


def alarm(owner: Member, ahead: timedelta = timedelta(0)) -> Event:
    source, starts_at = f"probe:{owner.pk}", now() + ahead
    publish([EventDraft(source, "1", "Cryostat alarm", starts_at, deadline_at=starts_at + HOUR)])
    return Event.objects.get(source=source)


def plan(one: Registration) -> None:
    Registration.objects.filter(pk=one.pk).changed()
    follow_changes(60)


def told() -> set[int]:
    return set(Delivery.objects.values_list("member", flat=True))


def test_the_registrations_of_its_owner_that_name_it_find_its_events(ada: Member, bob: Member) -> None:
    wants(ada, source=f"probe:{ada.pk}")
    wants(bob, source=f"probe:{bob.pk}")
    alarm(ada)
    assert told() == {ada.pk}


def test_a_registration_of_another_member_finds_nothing(ada: Member, bob: Member) -> None:
    one = wants(bob, source=f"probe:{ada.pk}")
    alarm(ada)
    plan(one)
    assert told() == set()


def test_a_registration_that_is_made_later_finds_what_is_stored(ada: Member) -> None:
    alarm(ada)
    plan(wants(ada, source=f"probe:{ada.pk}"))
    assert told() == {ada.pk}


def test_a_registration_that_names_no_source_does_not_look_at_it(ada: Member) -> None:
    plan(wants(ada))
    alarm(ada)
    assert told() == set()


def test_a_source_that_is_not_listed_is_found_by_no_registration(ada: Member, settings: Settings) -> None:
    settings.NOTICE_SOURCES = settings.NOTICE_SOURCES[:-1]
    sources.registry.cache_clear()
    wants(ada, source=f"probe:{ada.pk}")
    alarm(ada)
    assert told() == set()


@pytest.mark.parametrize("is_muted", [True, False])
def test_a_mute_that_names_it_holds_its_notices_back(ada: Member, is_muted: bool) -> None:  # noqa: FBT001 - a parameter
    calendar = CalendarFactory.create(owner=ada)
    muted = [f"probe:{ada.pk}"] if is_muted else ["system"]
    RegistrationFactory.create(
        member=ada, calendar=calendar, pattern="run", action="mute", muted_sources=muted
    )
    publish([EventDraft(calendar.source, "1", "Observing run", now() - HOUR, now() + HOUR)])
    wants(ada, source=f"probe:{ada.pk}")
    alarm(ada)
    fire("pushlike")
    assert Delivery.objects.get(kind="pushlike").state == (State.SUPPRESSED if is_muted else State.SENT)


def test_its_name_stands_on_the_page_of_its_event_and_leads_to_a_registration(ada: Member) -> None:
    shown = page_of(ada).get(f"/events/{alarm(ada).pk}/")
    assert "Probe of Ada" in text_of(shown)
    html = shown.content.decode()
    assert f"?kind=standing&amp;source=probe%3A{ada.pk}&amp;pattern=" in html
    form = page_of(ada).get(f"{ADD}&source=probe%3A{ada.pk}").content.decode()
    assert f'<option value="probe:{ada.pk}" selected>Probe of Ada</option>' in form


def test_the_page_of_its_event_is_hidden_from_others(ada: Member, bob: Member) -> None:
    assert page_of(bob).get(f"/events/{alarm(ada).pk}/").status_code == 404


def test_the_form_offers_it_to_look_at_and_to_mute(ada: Member, bob: Member) -> None:
    form = page_of(ada).get(ADD).content.decode()
    assert f'value="probe:{ada.pk}"' in form.partition('name="muted_sources"')[2]
    assert form.count("Probe of Ada") == 2
    assert "Probe of Bob" not in form
    assert "Probe of Bob" in page_of(bob).get(ADD).content.decode()


def test_what_the_form_stores_finds_its_events(ada: Member) -> None:
    inbox = Target.objects.get(member=ada)
    page_of(ada).post(ADD, standing(inbox, pattern="alarm", source=f"probe:{ada.pk}"))
    one = Registration.objects.get()
    assert (one.source, one.calendar) == (f"probe:{ada.pk}", None)
    alarm(ada, ahead=HOUR)
    assert told() == {ada.pk}
    assert "alarm” in Probe of Ada" in text_of(page_of(ada).get("/registrations/"))


def test_the_preview_shows_its_events(ada: Member, bob: Member) -> None:
    alarm(ada, ahead=HOUR)
    for member, is_shown in ((ada, True), (bob, False)):
        inbox = Target.objects.get(member=member)
        data = standing(inbox, pattern="alarm", source=f"probe:{ada.pk}")
        found = page_of(member).post("/matches/", data)
        assert ("Cryostat" in text_of(found)) is is_shown


def test_the_form_refuses_the_source_of_another_member(ada: Member, bob: Member) -> None:
    inbox = Target.objects.get(member=bob)
    answer = page_of(bob).post(ADD, standing(inbox, source=f"probe:{ada.pk}"))
    assert "Choose one of the list." in error_at(answer, "source")
    assert not Registration.objects.exists()


def test_the_staff_can_not_have_a_member_told_of_the_source_of_another(ada: Member, bob: Member) -> None:
    boss = member_of(UserFactory.create(is_staff=True))
    inbox = Target.objects.get(member=bob)
    answer = page_of(boss).post(ADD, standing(inbox, source=f"probe:{ada.pk}", member=bob.pk))
    assert error_at(answer, "source") == "Bob can't see this source."
    assert not Registration.objects.exists()


def test_a_calendar_and_another_source_are_not_chosen_both(ada: Member) -> None:
    calendar = CalendarFactory.create(owner=ada)
    inbox = Target.objects.get(member=ada)
    data = standing(inbox, calendar=calendar.pk, source=f"probe:{ada.pk}")
    assert (
        error_at(page_of(ada).post(ADD, data), "source") == "Choose a calendar or another source, not both."
    )


def test_a_source_that_is_gone_stays_chosen(ada: Member) -> None:
    one = wants(ada, source="probe:999999")
    form = page_of(ada).get(f"/registrations/{one.pk}/").content.decode()
    assert '<option value="probe:999999" selected>No longer available</option>' in form
    assert "in a source that is no longer available" in text_of(page_of(ada).get("/registrations/"))


def test_the_page_s_code_passes_the_linter() -> None:
    linter = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    files = sorted(str(file) for file in FOLDER.rglob("*.py"))
    command = [*linter, "--ignore", "INP001", *files]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    "named", sorted(set(re.findall(r"`((?:eventinvoke|registration|common|pfs_notice)/[\w/.]+)`", PAGE)))
)
def test_every_file_that_the_page_names_is_there(named: str) -> None:
    assert (ROOT / named).exists()
