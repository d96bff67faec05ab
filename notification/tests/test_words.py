"""Which texts are answers, in the languages of the catalogues."""

import pytest

from notification.words import Word, is_answered_by_twilio, read


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("Y", "en", Word.ACKNOWLEDGE),
        (" yes! ", "en", Word.ACKNOWLEDGE),
        ("Ok.", "en", Word.ACKNOWLEDGE),
        ("👍🏽", "en", Word.ACKNOWLEDGE),
        ("n", "en", Word.PASS_ON),
        ("Can\u2019t", "en", Word.PASS_ON),
        ("LATER", "en", Word.SNOOZE),
        ("“Stop”", "en", Word.STOP),
        ("QUIT", "en", Word.STOP),
        ("unstop", "en", Word.START),
        ("info", "en", Word.HELP),
        ("J", "de", Word.ACKNOWLEDGE),
        ("Nein", "de", Word.PASS_ON),
        ("Später", "de", Word.SNOOZE),
        ("Stopp!", "de", Word.STOP),
        ("yes", "de", Word.ACKNOWLEDGE),
        ("o", "fr", Word.ACKNOWLEDGE),
        ("D\u2019accord", "fr", Word.ACKNOWLEDGE),
        ("non", "fr", Word.PASS_ON),
        ("plus  tard", "fr", Word.SNOOZE),
        ("ARRÊT", "fr", Word.STOP),
        ("はい。", "ja", Word.ACKNOWLEDGE),
        ("いいえ", "ja", Word.PASS_ON),
        ("あとで", "ja", Word.SNOOZE),
        ("停止", "ja", Word.STOP),
        ("\uff2f\uff2b", "ja", Word.ACKNOWLEDGE),
        ("J", "en", Word.UNKNOWN),
        ("", "en", Word.UNKNOWN),
        ("!?", "en", Word.UNKNOWN),
        ("no problem, I'll be there", "en", Word.UNKNOWN),
        ("yes, but later", "en", Word.UNKNOWN),
        ("I'm driving with Do Not Disturb turned on.", "en", Word.UNKNOWN),
    ],
)
def test_a_text_is_an_answer_if_the_whole_of_it_is_a_word(text: str, language: str, word: Word) -> None:
    assert read(text, language) is word


@pytest.mark.parametrize("language", ["en", "de", "fr", "ja"])
def test_each_word_that_the_text_message_names_is_known(language: str) -> None:
    from django.utils.translation import gettext, override  # noqa: PLC0415 - after the settings

    with override(language):
        lists = [gettext("Y, yes, OK, okay, 👍"), gettext("N, no, can't"), gettext("later, snooze")]
    firsts = [listed.split(",")[0] for listed in lists]
    assert [read(first, language) for first in firsts] == [Word.ACKNOWLEDGE, Word.PASS_ON, Word.SNOOZE]


def test_twilio_answers_its_own_words_only() -> None:
    assert is_answered_by_twilio("Stop")
    assert is_answered_by_twilio("HELP")
    assert not is_answered_by_twilio("Stopp")
    assert not is_answered_by_twilio("stop it")
