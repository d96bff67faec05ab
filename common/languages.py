"""The languages into which notices are translated."""

from functools import cache
from typing import Final

from django.conf import settings

TRANSLATED: Final = ("en", "de", "fr", "ja")


@cache
def _known() -> frozenset[str]:
    return frozenset(code for code, _name in settings.LANGUAGES)


def texts_for(language: str) -> str:
    """Return the language in which a member of that language (BCP 47) reads our texts.

    "en-gb" stays, because its dates differ; "de-AT", which Django does not know, becomes German; a
    language without a translation becomes English.
    """
    name = language.lower().replace("_", "-")
    base = name.partition("-")[0]
    if base not in TRANSLATED:
        return TRANSLATED[0]
    return name if name in _known() else base
