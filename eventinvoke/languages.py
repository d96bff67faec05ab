"""The languages that what we say and write is translated into."""

from typing import Final

TRANSLATED: Final = ("en", "de", "fr", "ja")


def texts_for(language: str) -> str:
    """Return the language in which a member of that language (BCP 47) reads our texts.

    "de-AT" reads German; whoever reads none of ours reads English.
    """
    base = language.lower().replace("_", "-").partition("-")[0]
    return base if base in TRANSLATED else TRANSLATED[0]
