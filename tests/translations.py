"""The translation catalogues: texts are found in the code, kept in .po files, compiled to .mo files.

``python -m tests.translations`` brings both in line with the code: new texts are added to each .po file
with an empty translation, texts that are gone are removed, and the .mo files are written. No program
of gettext's is needed; Babel does it, and Django's own parser reads the templates.
"""

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parent.parent
APPS: Final = ("eventinvoke", "notification", "registration")
LANGUAGES: Final = ("de", "fr", "ja")
"""All that we are translated into, besides English, which stands in the code."""
_KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
Text = str | tuple[str, ...]


def path(app: str, language: str, ending: str) -> Path:
    """Return where a catalogue lies ("po") or its compiled form ("mo")."""
    return ROOT / app / "locale" / language / "LC_MESSAGES" / f"django.{ending}"


def texts(app: str) -> list[Text]:
    """Return every text of an app that is to be translated; one with a plural as a pair."""
    found: dict[Text, None] = {}
    for source in _sources(app):
        for _line, text, _comments, _context in extract("python", source, _KEYWORDS):
            found[text] = None
    return list(found)


def _sources(app: str) -> Iterator[io.BytesIO]:
    for file in sorted((ROOT / app).rglob("*.py")):
        parts = file.relative_to(ROOT).parts
        if "tests" not in parts and "migrations" not in parts:
            yield io.BytesIO(file.read_bytes())
    for file in sorted((ROOT / "templates" / app).rglob("*.*")):
        # Made for xgettext, which minds no indentation; Python's tokeniser does.
        python = re.sub(r"^\s+", "", templatize(file.read_text(encoding="utf-8")), flags=re.MULTILINE)
        yield io.BytesIO(python.encode())


def read(app: str, language: str) -> Catalog:
    """Return a catalogue; an empty one where there is none yet."""
    file = path(app, language, "po")
    if not file.exists():
        return _empty(language)
    with file.open("rb") as po:
        return read_po(po, locale=language, charset="utf-8")


def _empty(language: str) -> Catalog:
    # Always the same date, so that a file changes only if a text does.
    date = datetime(2026, 1, 1, tzinfo=UTC)
    return Catalog(
        locale=language,
        header_comment=f"# What PFS Notice says and writes, in the language “{language}”.",
        project="PFS Notice",
        version="1",
        copyright_holder="PFS Notice",
        msgid_bugs_address="-",
        creation_date=date,
        revision_date=date,
        last_translator="PFS Notice",
        language_team=language,
        charset="utf-8",
        fuzzy=False,
    )


def compiled(catalogue: Catalog) -> bytes:
    """Return the compiled form."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update(app: str, language: str) -> list[object]:
    """Bring one catalogue in line with the code; return the texts that lack a translation."""
    old = read(app, language)
    new = _empty(language)
    for text in texts(app):
        known = old.get(text[0] if isinstance(text, tuple) else text)
        new.add(text, known.string if known is not None else "")
    file = path(app, language, "po")
    file.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    write_po(out, new, width=100, omit_header=False, sort_output=True)
    file.write_bytes(out.getvalue())
    path(app, language, "mo").write_bytes(compiled(read(app, language)))
    return [message.id for message in new if message.id and not is_translated(message.string)]


def is_translated(string: object) -> bool:
    """Say whether a text, and each of its plural forms, has a translation."""
    return all(string) if isinstance(string, list | tuple) else bool(string)


def main() -> int:
    """Update all catalogues; say what is not translated yet."""
    missing = [
        (app, language, text) for app in APPS for language in LANGUAGES for text in update(app, language)
    ]
    for app, language, text in missing:
        sys.stdout.write(f"{app} {language}: {text!r} is not translated\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
