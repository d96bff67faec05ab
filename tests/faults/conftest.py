"""Providers at the edge, and a plan of steps to them, for the tests of faults."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common.channels import registry
from common.clock import now
from common.states import State
from eventinvoke.models import Delivery
from eventinvoke.planning.publish import EventDraft, publish
from registration.models import Member, Registration, Step, Target
from registration.models.targets import fingerprint
from registration.tests.factories import MemberFactory, RegistrationFactory
from tests.fixtures.processes import wait_until
from tests.push_service import PushService, Subscription
from tests.simulated_twilio import SimulatedTwilio

SOURCE = "system"
SETTLED = [state for state in State if state not in {State.PENDING, State.SENDING}]

once = pytest.mark.skipif(
    os.environ.get("TEST_DATABASE", "sqlite") != "sqlite",
    reason="what this shows does not depend on the database; it runs on SQLite only",
)


@dataclass
class Scene:
    """A member with a plan, and the providers that its targets belong to."""

    twilio: SimulatedTwilio
    _push: Callable[[], PushService]
    environment: dict[str, str]
    member: Member = field(default_factory=lambda: MemberFactory(daily_cap=None))
    registration: Registration = field(init=False)

    def __post_init__(self) -> None:
        self.registration = RegistrationFactory(member=self.member, source=SOURCE)

    def push_service(self) -> PushService:
        """Start one more push service; before our processes, which read its certificate when they start."""
        return self._push()

    def browsers(self, service: PushService, count: int, origin: str = "") -> list[Subscription]:
        """Make browsers subscribe, each a target with a step of the plan at the event's start."""
        found = [service.subscribe() for _ in range(count)]
        addresses = [one.endpoint.replace(service.origin, origin or service.origin) for one in found]
        self._targets("webpush", addresses, [one.config for one in found])
        return found

    def numbers(self, kind: str, *numbers: str) -> None:
        """Phone numbers, each a target with a step of the plan at the event's start."""
        self._targets(kind, list(numbers), [{}] * len(numbers))

    def _targets(self, kind: str, addresses: list[str], configs: list[dict[str, Any]]) -> None:
        rows = [
            Target(
                member=self.member,
                kind=kind,
                address=address,
                shown=address[:100],
                config=config,
                fingerprint=fingerprint(address),
                verified_at=now(),
            )
            for address, config in zip(addresses, configs, strict=True)
        ]
        Target.objects.bulk_create(rows)
        made = Target.objects.filter(fingerprint__in=[row.fingerprint for row in rows], kind=kind)
        Step.objects.bulk_create(
            Step(
                registration=self.registration,
                target=target,
                offset=timedelta(0),
                condition=Step.Condition.ALWAYS,
                redials=0,
            )
            for target in made.order_by("pk")
        )

    def step(self, kind: str, address: str, offset: timedelta, member: Member | None = None) -> None:
        """A step of the plan that waits for a confirmation."""
        target = Target.objects.create(
            member=member or self.member,
            kind=kind,
            address=address,
            shown=address,
            fingerprint=fingerprint(address),
            verified_at=now(),
        )
        Step.objects.create(registration=self.registration, target=target, offset=offset)

    def publish(self, starts_at: datetime | None = None, external_id: str = "1") -> datetime:
        """Publish an event that starts now, or then."""
        starts_at = starts_at or now()
        deadline_at = starts_at + timedelta(hours=1)
        publish([EventDraft(SOURCE, external_id, "PFS telecon", starts_at, deadline_at=deadline_at)])
        return starts_at


def wait_until_settled(count: int, seconds: float = 45, **lookups: Any) -> None:
    """Wait until so many deliveries wait for no worker any more."""
    rows = Delivery.objects.filter(**lookups)

    def look() -> bool:
        return rows.filter(state__in=SETTLED).count() == rows.count() == count

    wait_until(look, seconds=seconds, what=f"the end of {count} deliveries {lookups or ''}")


def takes(service: PushService) -> Counter[str]:
    """Return how many messages came for each browser, having looked that each has one tag only."""
    tags = defaultdict(set)
    for taken in service.taken:
        tags[taken.subscription.endpoint].add(taken.payload["tag"])
    assert all(len(some) == 1 for some in tags.values())
    return Counter(taken.subscription.endpoint for taken in service.taken)


@pytest.fixture
def scene(
    tmp_path: Path, settings: Any, simulated_twilio: SimulatedTwilio, process_environment: dict[str, str]
) -> Iterator[Scene]:
    """Providers that all processes of the test know, and short leases."""
    services: list[PushService] = []
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    with ExitStack() as stack:

        def push() -> PushService:
            folder = tmp_path / f"push-{len(services)}"
            folder.mkdir()
            services.append(stack.enter_context(PushService(folder)))
            with ca_file.open("ab") as all_of_them:
                all_of_them.write(services[-1].ca_file.read_bytes())
            return services[-1]

        settings.NOTICE_ALLOWED_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        settings.NOTICE_EXTRA_CA_FILE = str(ca_file)
        process_environment |= simulated_twilio.environment
        process_environment |= {
            "NOTICE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "NOTICE_EXTRA_CA_FILE": str(ca_file),
            "NOTICE_RATES": "voice=50",
            "NOTICE_CHANNELS": ",".join(settings.NOTICE_CHANNELS),
            "NOTICE_LEASE_SECONDS": "4",
            "NOTICE_ASK_SECONDS": "1",
            "NOTICE_REPORT_SECONDS": "3",
            # Of no consequence: times are kept and compared in UTC.
            "TZ": "Europe/Berlin",
        }
        registry.cache_clear()
        yield Scene(simulated_twilio, push, process_environment)
        for service in services:
            assert service.faults == []
