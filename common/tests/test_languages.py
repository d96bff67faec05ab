"""Who reads what."""

import pytest

from common.languages import texts_for


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", "en"),
        ("en-gb", "en-gb"),
        ("de", "de"),
        ("de-AT", "de"),
        ("fr_CA", "fr"),
        ("ja", "ja"),
        ("it", "en"),
        ("pt-br", "en"),
        ("", "en"),
    ],
)
def test_a_language_without_a_translation_becomes_english(language: str, texts: str) -> None:
    assert texts_for(language) == texts
