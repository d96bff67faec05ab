"""Registrations that changed."""

from datetime import UTC, datetime

import pytest

from eventinvoke.changes import follow_changes
from eventinvoke.models import Delivery
from registration.models import Registration
from registration.tests.factories import DateFactory, StepFactory

pytestmark = pytest.mark.django_db


def test_a_registration_that_can_t_be_planned_keeps_nobody_else_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The last hour that a date can hold: no end of it can be reckoned.
    spoilt = DateFactory(starts_at=datetime(9999, 12, 31, 23, 30, tzinfo=UTC))
    sound = StepFactory(registration=DateFactory()).registration
    assert follow_changes() == 1
    assert [row.registration_id for row in Delivery.objects.all()] == [sound.pk]
    assert not Registration.objects.unplanned().exists()
    assert f"registration {spoilt.pk} can't be planned" in caplog.text
