from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.test import Client

from common import channels
from registration.membership import member_of
from registration.models import Member
from registration.tests.factories import UserFactory
from registration.tests.stand_ins import Pager


@pytest.fixture
def pager(settings: Any) -> Iterator[Pager]:
    """Install the pager besides the product's own channels."""
    settings.NOTICE_CHANNELS = [*settings.NOTICE_CHANNELS, "registration.tests.stand_ins.Pager"]
    channels.registry.cache_clear()
    yield cast("Pager", channels.get("pager"))
    channels.registry.cache_clear()


@pytest.fixture
def member() -> Member:
    """A member as the first sign-in makes one."""
    return member_of(UserFactory.create())


@pytest.fixture
def page(member: Member) -> Client:
    """A browser in which the member has signed in."""
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def staff_page() -> Client:
    """A browser of somebody of the staff."""
    client = Client()
    client.force_login(member_of(UserFactory.create(is_staff=True)).user)
    return client
