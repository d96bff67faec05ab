"""Headers that are refused before Django makes a request of them."""

from io import BytesIO
from typing import Any, Final
from wsgiref.util import setup_testing_defaults

import pytest

from pfs_notice.wsgi import application

pytestmark = pytest.mark.django_db
FORM: Final = "application/x-www-form-urlencoded"
PATHS: Final = ("/accounts/login/", "/n/x/call-status", "/n/x/push")
UNUSUAL: Final = ("utf-16", "utf-7", "rot13", "idna", "hex", "unicode_escape", "undefined", "punycode", "\0")


def ask(path: str, method: str, **headers: str) -> int:
    """Ask the application as a web server does; return the status."""
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "QUERY_STRING": "q=%C3%A9",
        **headers,
    }
    environ |= {"wsgi.input": BytesIO(b"a=%C3%A9"), "HTTP_HOST": "localhost"}
    setup_testing_defaults(environ)
    seen: list[int] = []
    list(application(environ, lambda status, _headers, _error=None: seen.append(int(status.split()[0]))))
    return seen[0]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("charset", UNUSUAL)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_charset_that_is_none_of_texts_is_refused(path: str, charset: str, method: str) -> None:
    for kind in (FORM, "multipart/form-data; boundary=line", "application/json"):
        assert ask(path, method, CONTENT_TYPE=f"{kind}; charset={charset}", CONTENT_LENGTH="8") == 415
    assert ask(path, method, CONTENT_TYPE=f"{FORM}; charset*={charset}''x", CONTENT_LENGTH="8") < 500


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "iso-8859-1", "us-ascii", "nonsense"])
def test_the_usual_charsets_reach_the_view(path: str, charset: str) -> None:
    status = ask(path, "POST", CONTENT_TYPE=f"application/json; charset={charset}", CONTENT_LENGTH="8")
    assert status in {302, 400, 403, 404}  # 302: the sign-in without a token is shown again


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("length", ["9" * 5000, "-1", "x", "\u00b2", "\u0663", "1.5"])
def test_a_length_that_is_no_number_is_refused(path: str, length: str) -> None:
    assert ask(path, "POST", CONTENT_TYPE=FORM, CONTENT_LENGTH=length) == 400
