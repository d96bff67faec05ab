"""The translations are whole, current and safe to use."""

import re

import pytest

from common.languages import TRANSLATED
from tests import translations

CATALOGUES = [(app, language) for app in translations.APPS for language in translations.LANGUAGES]
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[a-z%]")


def placeholders(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


def test_the_languages_that_we_claim_are_those_that_are_translated() -> None:
    assert ("en", *translations.LANGUAGES) == TRANSLATED


@pytest.mark.parametrize(("app", "language"), CATALOGUES)
def test_every_text_in_the_code_is_translated_and_no_other(app: str, language: str) -> None:
    catalogue = translations.read(app, language)
    known = {tuple(m.id) if isinstance(m.id, list | tuple) else m.id for m in catalogue if m.id}
    assert known == set(translations.texts(app))
    assert [m.id for m in catalogue if m.id and not translations.is_translated(m.string)] == []


@pytest.mark.parametrize(("app", "language"), CATALOGUES)
def test_the_compiled_catalogue_is_current(app: str, language: str) -> None:
    compiled = translations.path(app, language, "mo").read_bytes()
    assert compiled == translations.compiled(translations.read(app, language))


@pytest.mark.parametrize(("app", "language"), CATALOGUES)
def test_every_placeholder_survives_translation(app: str, language: str) -> None:
    for message in translations.read(app, language):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
        for string in strings:
            assert placeholders(string or "") == placeholders(ids[-1]), message.id


@pytest.mark.parametrize("app", ["eventinvoke", "notification"])
def test_texts_are_found_in_code_and_in_templates(app: str) -> None:
    texts = translations.texts(app)
    assert {"eventinvoke": "Goodbye.", "notification": "Press 1 to acknowledge."}[app] in texts
    assert {"eventinvoke": "Acknowledge or snooze", "notification": "Ask the next person"}[app] in texts
