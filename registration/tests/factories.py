"""Members, targets, registrations and calendars for tests."""

from datetime import timedelta

import factory

from common.clock import now
from registration.models import Calendar, Member, Registration, Step, Target, User
from registration.models.targets import fingerprint


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password("a long password")


class MemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Member

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Member {n}")


class TargetFactory(factory.django.DjangoModelFactory):
    """A verified target of the channel that tests install under the kind "inbox"."""

    class Meta:
        model = Target

    member = factory.SubFactory(MemberFactory)
    kind = "inbox"
    address = factory.Sequence(lambda n: f"address{n}")
    shown = factory.SelfAttribute("address")
    fingerprint = factory.LazyAttribute(lambda target: fingerprint(target.address))
    verified_at = factory.LazyFunction(now)


class CalendarFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Calendar

    owner = factory.SubFactory(MemberFactory)
    name = factory.Sequence(lambda n: f"Calendar {n}")


class RegistrationFactory(factory.django.DjangoModelFactory):
    """A standing registration for telecons on the member's calendars; has no steps."""

    class Meta:
        model = Registration

    member = factory.SubFactory(MemberFactory)
    kind = Registration.Kind.STANDING
    name = "Telecons"
    pattern = "telecon"
    planned_version = 1


class DateFactory(RegistrationFactory):
    """A registration of one date, an hour from now."""

    kind = Registration.Kind.DATE
    name = "Dentist"
    pattern = ""
    title = "Dentist"
    starts_at = factory.LazyFunction(lambda: now() + timedelta(hours=1))
    planned_version = 0


class StepFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Step

    registration = factory.SubFactory(RegistrationFactory)
    target = factory.SubFactory(TargetFactory, member=factory.SelfAttribute("..registration.member"))
    offset = timedelta(minutes=-10)
