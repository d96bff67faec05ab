import pytest

from eventinvoke.models import Event
from eventupdate.canceled_titles import CanceledTitles
from eventupdate.tests.feed_server import FeedServer
from eventupdate.tests.syncing import WEEKLY, counts, run
from eventupdate.tests.texts import calendar as feed
from eventupdate.tests.texts import entry, single
from registration.models import Calendar


@pytest.mark.parametrize(
    ("words", "title", "is_canceled"),
    [
        ("Canceled", "CANCELED: telecon", True),
        ("Canceled", "Telecon (canceled)", True),
        ("^Canceled", "canceled: telecon", True),
        ("^Canceled", "Not canceled: telecon", False),
        ("off", "Office telecon", False),
        ("called  off , abgesagt:", "Telecon called off", True),
        ("called off, abgesagt:", "Abgesagt: Telecon", True),
        ("^X:", "x:Telecon", True),
        ("(x)", "(x) Telecon", True),
        ("(x)", "x Telecon", False),
        (", ^ ,", "Telecon", False),
        ("", "Telecon", False),
    ],
)
def test_a_title_with_one_of_the_words_is_canceled(words: str, title: str, *, is_canceled: bool) -> None:
    assert CanceledTitles(words).include(title) is is_canceled


@pytest.mark.django_db
def test_new_words_cancel_and_give_back_what_is_stored(calendar: Calendar, server: FeedServer) -> None:
    server.serve(feed(entry(*WEEKLY, title="X: telecon"), single(uid="two", title="Guest telecon")))
    assert counts(run(calendar)) == (4, 0, 0)
    Calendar.objects.update(canceled_titles="^X:")
    assert counts(run(calendar)) == (0, 0, 3)
    assert list(Event.objects.filter(canceled_at=None).values_list("title", flat=True)) == ["Guest telecon"]
    assert counts(run(calendar)) == (0, 0, 0)
    Calendar.objects.update(canceled_titles="")
    run(calendar)
    assert Event.objects.filter(canceled_at=None).count() == 4


@pytest.mark.django_db
def test_an_event_that_gets_such_a_title_is_canceled(calendar: Calendar, server: FeedServer) -> None:
    Calendar.objects.update(canceled_titles="canceled")
    server.serve(feed(single()))
    assert counts(run(calendar)) == (1, 0, 0)
    server.serve(feed(single(title="Canceled: PFS telecon")))
    assert counts(run(calendar)) == (0, 0, 1)
