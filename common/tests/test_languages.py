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
def test_whoever_reads_none_of_ours_reads_english(language: str, texts: str) -> None:
    assert texts_for(language) == texts
