"""One object of every kind that has a page, all of one member, and a browser for each role."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from common.clock import now
from common.process_ids import Purpose, sign
from common.states import State
from eventinvoke.models import Attempt, Delivery, Event
from eventinvoke.tests.factories import DeliveryFactory, EventFactory
from registration.models import Calendar, CalendarAccount, Job, Member, Registration, Target, Verification
from registration.tests.factories import (
    CalendarFactory,
    DateFactory,
    RegistrationFactory,
    StepFactory,
    TargetFactory,
)
from tests.edges.routes import Route
from tests.fixtures.people import new_member, signed_in

ROLES: Final = ("anonymous", "other", "member", "staff", "superuser")
NUMBER: Final = "+4915123456789"
_KINDS: Final = {
    "call-content": "voice",
    "call-key": "voice",
    "call-fallback": "voice",
    "call-status": "voice",
    "message-status": "sms",
    "push-report": "webpush",
    "answer": "email",
    "unsubscribe": "email",
}
_PURPOSES: Final = {"answer": Purpose.ANSWER, "unsubscribe": Purpose.UNSUBSCRIBE}


@dataclass(frozen=True, slots=True)
class World:
    """A member with one object of every kind, and four other roles."""

    member: Member
    calendar: Calendar
    account: CalendarAccount
    target: Target
    unverified: Target
    standing: Registration
    proposed: Registration
    job: Job
    deliveries: Mapping[str, Delivery]
    """By kind of channel."""
    attempts: Mapping[str, Attempt]
    sessions: Mapping[str, str]
    """The session key of each role that has signed in."""
    browser: Client
    """One for all: it loads the middleware once."""

    def client(self, role: str) -> Client:
        """Return a browser of this role, as it is before any request."""
        self.browser.cookies.clear()
        if role in self.sessions:
            self.browser.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[role]
        return self.browser

    def values(self, route: Route) -> dict[str, str]:
        """Return parameters of a route that name the member's own objects."""
        name = route.name.rpartition(":")[2]
        found = {"kind": "voice", "action": "hangup", "target_id": str(self.target.pk), "url": "no/such/page"}
        if name in _KINDS:
            found["process_id"] = sign(self.attempts[_KINDS[name]].pk, _PURPOSES.get(name, Purpose.REPORT))
        if "<int:pk>" in route.template:
            found["pk"] = str(self._key(route))
        if "object_id" in route.parameters or "content_type_id" in route.parameters:
            found |= self._object_of(route)
        if name == "user_password" or route.name == "admin:auth_user_password_change":
            found["id"] = str(self.member.user.pk)
        return found

    def _key(self, route: Route) -> int:
        if route.name in {"registration:registration-accept", "registration:registration-decline"}:
            return self.proposed.pk
        if route.name in {"registration:target-verify", "registration:target-code-send"}:
            return self.unverified.pk
        rows = {
            "calendars/accounts": self.account,
            "calendars": self.calendar,
            "targets": self.target,
            "registrations": self.standing,
            "deliveries": self.deliveries["inbox"],
            "events": self.deliveries["inbox"].event,
            "waiting": self.job,
        }
        found: Any = rows[route.template.partition("/<int:pk>")[0]]
        return int(found.pk)

    def _object_of(self, route: Route) -> dict[str, str]:
        _admin, label, model, *_rest = route.template.split("/")
        if label == "r":
            kind = ContentType.objects.get_for_model(Event)
            return {"content_type_id": str(kind.pk), "object_id": str(self.deliveries["inbox"].event.pk)}
        row = apps.get_model(label, model)._default_manager.first()
        return {"object_id": "1" if row is None else str(row.pk)}


def build() -> World:
    """Make everything."""
    member = new_member(username="the-member")
    others = {"other": new_member(), "staff": new_member(is_staff=True)}
    others["superuser"] = new_member(is_staff=True, is_superuser=True)
    calendar = CalendarFactory.create(owner=member, url="https://calendar.example.org/feed.ics")
    account = CalendarAccount.objects.create(
        owner=member, provider="caldav", name="Work", url="http://127.0.0.1:1/", credentials='["a", "b"]'
    )
    target = TargetFactory.create(member=member, kind="voice", address=NUMBER, shown=NUMBER)
    unverified = TargetFactory.create(member=member, kind="sms", address=NUMBER, verified_at=None)
    Verification.objects.create(
        target=unverified, member=member, code_hash="x", expires_at=now() + timedelta(minutes=10)
    )
    standing = RegistrationFactory.create(member=member, calendar=calendar)
    StepFactory.create(registration=standing, target=target)
    proposed = DateFactory.create(member=member, created_by=others["staff"])
    deliveries = dict(_deliveries(member, target))
    attempts = {kind: Attempt.objects.create(delivery=row) for kind, row in deliveries.items()}
    people = others | {"member": member}
    sessions = {role: str(signed_in(person).session.session_key) for role, person in people.items()}
    return World(
        member,
        calendar,
        account,
        target,
        unverified,
        standing,
        proposed,
        Job.objects.create(member=member, kind="target-test", back="/targets/"),
        deliveries,
        attempts,
        sessions,
        Client(),
    )


def _deliveries(member: Member, voice: Target) -> Iterator[tuple[str, Delivery]]:
    targets = {"inbox": member.targets.get(kind="inbox"), "voice": voice}
    for kind in settings.NOTICE_CHANNELS:
        name = kind.split(".")[2]
        target = targets.get(name) or TargetFactory.create(member=member, kind=name)
        event = EventFactory.create(starts_at=now() + timedelta(minutes=5))
        yield (
            name,
            DeliveryFactory.create(target=target, event=event, state=State.SENT, attempts=1, sent_at=now()),
        )
