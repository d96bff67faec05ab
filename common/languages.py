"""The languages that what we say and write is translated into."""

from typing import Final

from django.conf import settings

TRANSLATED: Final = ("en", "de", "fr", "ja")


def texts_for(language: str) -> str:
    """Return the language in which a member of that language (BCP 47) reads our texts.

    "en-gb" stays, for the sake of its dates; "de-AT", which Django does not know, reads German;
    whoever reads none of ours reads English.
    """
    name = language.lower().replace("_", "-")
    base = name.partition("-")[0]
    if base not in TRANSLATED:
        return TRANSLATED[0]
    return name if name in dict(settings.LANGUAGES) else base
