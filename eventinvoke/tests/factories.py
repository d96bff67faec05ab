"""Events and deliveries for tests."""

from datetime import timedelta

import factory

from common.clock import now
from eventinvoke.models import Delivery, Event
from registration.tests.factories import RegistrationFactory, TargetFactory


class EventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Event

    source = "system"
    external_id = factory.Sequence(str)
    title = "PFS telecon"
    starts_at = factory.LazyFunction(lambda: now() + timedelta(minutes=10))
    deadline_at = factory.LazyAttribute(lambda event: event.starts_at + timedelta(hours=1))


class DeliveryFactory(factory.django.DjangoModelFactory):
    """A delivery that is due now, of a registration and to a target of one member."""

    class Meta:
        model = Delivery

    event = factory.SubFactory(EventFactory)
    target = factory.SubFactory(TargetFactory)
    member = factory.SelfAttribute("target.member")
    registration = factory.SubFactory(RegistrationFactory, member=factory.SelfAttribute("..target.member"))
    kind = factory.SelfAttribute("target.kind")
    severity = factory.SelfAttribute("event.severity")
    recipient = factory.SelfAttribute("target.member.name")
    shown = factory.SelfAttribute("target.masked")
    starts_at = factory.SelfAttribute("event.starts_at")
    due_at = factory.LazyFunction(now)
    next_attempt_at = factory.SelfAttribute("due_at")
    deadline_at = factory.SelfAttribute("event.deadline_at")
