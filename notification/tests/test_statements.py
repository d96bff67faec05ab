"""What Twilio asks for takes one statement, and a lost connection is no reason to lose a report."""

import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections
from pytest_django import DjangoAssertNumQueries

from common.states import State
from eventinvoke.models import Delivery, Receipt
from notification.tests.conftest import CALL, Ask, Notice, said


def under_way(notice: Notice) -> None:
    Delivery.objects.update(state=State.SENT)
    type(notice.attempt).objects.update(provider_id=CALL, starts_at=notice.delivery.event.starts_at)


def test_the_content_of_a_call_takes_one_statement(
    ask: Ask, call: Notice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    under_way(call)
    with django_assert_num_queries(1):
        assert "Weekly telecon" in said(ask("call-content", call))


@pytest.mark.parametrize("status", ["initiated", "ringing", "in-progress"])
def test_a_report_of_progress_takes_one_statement(
    ask: Ask, call: Notice, django_assert_num_queries: DjangoAssertNumQueries, status: str
) -> None:
    under_way(call)
    with django_assert_num_queries(1):
        assert ask("call-status", call, CallStatus=status).status_code == 204
    assert Receipt.objects.get().status == status


def test_a_report_that_an_answered_call_ended_takes_one_statement(
    ask: Ask, call: Notice, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    under_way(call)
    Delivery.objects.update(state=State.ACKNOWLEDGED)
    with django_assert_num_queries(1):
        assert ask("call-status", call, CallStatus="completed").status_code == 204
    assert not Receipt.objects.get().is_applied
    assert call.state == State.ACKNOWLEDGED


def test_a_report_that_changes_the_state_says_so_in_its_receipt(ask: Ask, call: Notice) -> None:
    under_way(call)
    assert ask("call-status", call, CallStatus="busy").status_code == 204
    assert Receipt.objects.get().is_applied
    assert call.state == State.UNDELIVERED


def end_connection() -> None:
    """Have the database end the connection of this thread, as it does when it restarts."""
    own, end = {
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
        "mysql": ("SELECT CONNECTION_ID()", "KILL %s"),
    }[connection.vendor]
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    with connection.cursor() as mine, other.cursor() as cursor:
        mine.execute(own)
        cursor.execute(end, mine.fetchone())
    other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no connection that could be lost.")
def test_what_comes_after_the_database_ended_its_connection_is_answered(ask: Ask, call: Notice) -> None:
    under_way(call)
    end_connection()
    assert ask("call-status", call, CallStatus="ringing").status_code == 204
    end_connection()
    assert "Weekly telecon" in said(ask("call-content", call))
    end_connection()
    assert "acknowledged" in said(ask("call-key", call, Digits="1"))
    end_connection()
    assert ask("call-status", call, CallStatus="completed").status_code == 204
    assert sorted(Receipt.objects.values_list("status", flat=True)) == ["completed", "key 1", "ringing"]
