"""Reading pages as a person does: which error stands next to which field."""

import re
from html import unescape
from typing import Any

from django.test import Client

from registration.jobs import run_waiting


def text_of(response: Any) -> str:
    """Return the page's text, without tags, with single spaces."""
    html = re.sub(r"<(script|style|template)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def error_at(response: Any, field: str) -> str:
    """Return the error that stands next to a field and is tied to it for screen readers; "" if none."""
    html = response.content.decode()
    found = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', html, re.DOTALL)
    if found is None:
        return ""
    control = re.search(rf'<(?:input|select|textarea)[^>]*name="{field}"[^>]*>', html)
    assert control is not None
    assert 'aria-invalid="true"' in control[0]
    assert f"id_{field}_error" in control[0]
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def settled(page: Client, answer: Any) -> Any:
    """Do the job that a page waits for, as a worker would, and return the page that follows it.

    Where no page waits, the answer is returned as it is.
    """
    path = answer.headers.get("Location") or answer.wsgi_request.path
    if not path.startswith("/waiting/"):
        return answer
    assert run_waiting() == 1
    return settled(page, page.get(page.get(path)["Location"], follow=True))
