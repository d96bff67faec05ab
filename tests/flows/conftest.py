"""The line: web server, Celery worker and beat on the test's database, and providers on loopback."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.channels import registry
from common.clock import now
from eventinvoke.models import Delivery
from registration.models import Calendar, Member, Registration, Target
from registration.tests.factories import (
    CalendarFactory,
    MemberFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)
from tests.fixtures.processes import WorkerStarter, wait_until
from tests.mail_server import MailServer
from tests.push_service import PushService
from tests.simulated_twilio import SimulatedTwilio

PHONE = "+4915112345678"
OTHER_PHONE = "+4915187654321"


@dataclass
class Line:
    """The running product, and the providers at its edge."""

    url: str
    twilio: SimulatedTwilio
    push: PushService
    mail: MailServer
    member: Member
    calendar: Calendar

    def target(self, kind: str, address: str, member: Member | None = None, **changes: Any) -> Target:
        """A verified target of the member."""
        target: Target = TargetFactory(member=member or self.member, kind=kind, address=address, **changes)
        return target

    def plan(self, *steps: tuple[Target, float], **changes: Any) -> Registration:
        """A registration for telecons on the calendar; a step is a target and seconds to the start."""
        registration: Registration = RegistrationFactory(
            member=self.member, calendar=self.calendar, planned_version=0, **changes
        )
        for target, seconds in steps:
            StepFactory(registration=registration, target=target, offset=timedelta(seconds=seconds))
        return registration

    def delivery(self, state: str, seconds: float = 25, **lookups: Any) -> Delivery:
        """The delivery that gets into a state, as soon as it is there."""

        def look() -> Delivery | None:
            return Delivery.objects.filter(state=state, **lookups).first()

        found: Delivery = wait_until(look, seconds=seconds, what=f"a delivery that is {state}")
        return found


@pytest.fixture
def providers(
    tmp_path: Path, settings: Any, simulated_twilio: SimulatedTwilio, process_environment: dict[str, str]
) -> Iterator[tuple[PushService, MailServer]]:
    """A push service and a mail server, known to all processes of the test."""
    with PushService(tmp_path) as push, MailServer() as mail:
        settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        settings.NOTICE_EXTRA_CA_FILE = str(push.ca_file)
        process_environment |= simulated_twilio.environment
        process_environment |= {
            "NOTICE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "NOTICE_EXTRA_CA_FILE": str(push.ca_file),
            "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
            "DEFAULT_FROM_EMAIL": "notice@example.org",
            "NOTICE_RATES": "voice=50",
            "NOTICE_CHANNELS": ",".join(settings.NOTICE_CHANNELS),
        }
        registry.cache_clear()
        yield push, mail
        assert push.faults == []


@pytest.fixture
def line(
    providers: tuple[PushService, MailServer],
    live_web: str,
    start_worker: WorkerStarter,
    simulated_twilio: SimulatedTwilio,
) -> Line:
    """The whole product, running."""
    push, mail = providers
    start_worker(threads=8, beat=True)
    member = MemberFactory(name="Ada")
    return Line(live_web, simulated_twilio, push, mail, member, CalendarFactory(owner=member))


@pytest.fixture
def soon() -> Callable[[float], Any]:
    """An instant so many seconds from now."""
    return lambda seconds: now() + timedelta(seconds=seconds)
