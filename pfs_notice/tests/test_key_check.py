"""The check that the keys are those of the database."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import checks

from registration.tests.factories import CalendarFactory, TargetFactory


def faults() -> set[str]:
    found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    return {str(one.id) for one in found if str(one.id).startswith("pfs_notice.")}


@pytest.mark.django_db
def test_another_key_than_that_of_the_database_is_named(settings: Any) -> None:
    ours = settings.NOTICE_ENCRYPTION_KEYS
    other = [Fernet.generate_key().decode()]
    settings.NOTICE_ENCRYPTION_KEYS = other
    assert faults() == set(), "there is nothing yet that it does not fit"
    settings.NOTICE_ENCRYPTION_KEYS = ours
    CalendarFactory(url="")
    TargetFactory()
    CalendarFactory(url="https://example.org/feed.ics")
    assert faults() == set()
    settings.NOTICE_ENCRYPTION_KEYS = [*other, *ours]
    assert faults() == set()
    settings.NOTICE_ENCRYPTION_KEYS = other
    assert faults() == {"pfs_notice.E017"}
