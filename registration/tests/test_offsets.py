"""Offsets of steps in words, and back."""

from datetime import timedelta

import pytest
from django.test import Client

from common.errors import InputError
from registration.models import Member, Registration, Step, User
from registration.offsets import read_offset, say_offset
from registration.tests.factories import StepFactory

SAID = {
    timedelta(0): "at the start",
    timedelta(minutes=-10): "10 minutes before",
    timedelta(minutes=-1): "1 minute before",
    timedelta(seconds=-110): "1 minute 50 seconds before",
    timedelta(days=-1, hours=-2, minutes=-3, seconds=-4): "1 day 2 hours 3 minutes 4 seconds before",
    timedelta(hours=2): "2 hours after",
}


@pytest.mark.parametrize(("offset", "words"), SAID.items())
def test_words_say_an_offset_and_are_read_as_the_same(offset: timedelta, words: str) -> None:
    assert say_offset(offset) == words
    assert read_offset(f" {words.upper()} ") == offset


@pytest.mark.parametrize("words", ["", "10", "10 minutes", "-10 minutes before", "soon", "10 weeks before"])
def test_other_words_are_refused_with_an_example(words: str) -> None:
    with pytest.raises(InputError, match="10 minutes before"):
        read_offset(words)


@pytest.mark.django_db
def test_the_administration_shows_and_takes_them(boss: Client) -> None:
    step = StepFactory.create(offset=timedelta(minutes=-10))
    page = boss.get(f"/admin/registration/registration/{step.registration_id}/change/")
    assert 'value="10 minutes before"' in page.content.decode()
    assert "10 minutes before" in boss.get("/admin/registration/step/").content.decode()
    data = _typed(page) | {"steps-0-offset": "1 hour 30 minutes before"}
    answer = boss.post(f"/admin/registration/registration/{step.registration_id}/change/", data)
    assert answer.status_code == 302
    assert Step.objects.get().offset == timedelta(minutes=-90)


def _typed(page: object) -> dict[str, object]:
    """Return what the form of a page sends when nothing is changed."""
    context = page.context  # type: ignore[attr-defined]
    forms = [context["adminform"].form]
    for one in context["inline_admin_formsets"]:
        forms += [one.formset.management_form, *one.formset.forms]
    fields = {field.html_name: field.value() for form in forms for field in form}
    return {name: value for name, value in fields.items() if value not in (None, False)}


@pytest.mark.django_db
def test_a_user_made_in_the_administration_is_a_member_at_once(boss: Client) -> None:
    password = "a long password of theirs"
    data = {"username": "carol", "first_name": "Carol", "password1": password, "password2": password}
    answer = boss.post("/admin/registration/user/add/", data | {"usable_password": "true"})
    assert answer.status_code == 302
    made = Member.objects.get(user=User.objects.get(username="carol"))
    assert (made.name, [target.kind for target in made.targets.all()]) == ("Carol", ["inbox"])
    assert not Registration.objects.exists()
