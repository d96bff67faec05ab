"""Radicale: a real CalDAV server, out of the development requirements."""

import sys
from base64 import b64encode
from http.client import HTTPConnection
from typing import Final
from xml.sax.saxutils import escape

from tests.servers.base import Server

USER, PASSWORD = "anna", "pass:wörd"
OTHER, OTHER_PASSWORD = "bert", "another"

_CONFIG: Final = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[rights]
type = owner_only
[web]
type = none
[logging]
level = warning
"""
_COLLECTION: Final = """\
<?xml version="1.0" encoding="utf-8"?>
<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>
<resourcetype><collection/><C:calendar/></resourcetype><displayname>{name}</displayname>
<C:supported-calendar-component-set>{components}</C:supported-calendar-component-set>{more}
</prop></set></mkcol>"""


class Radicale(Server):
    """A CalDAV server with the accounts ``USER`` and ``OTHER``, each of which sees its own alone."""

    label = "Radicale"
    drops_privileges = False  # the Python that runs it may lie where only root can go

    @property
    def url(self) -> str:
        """Return where the server begins."""
        return f"http://127.0.0.1:{self.port}/"

    def prepare(self) -> None:
        """Write its settings and its accounts."""
        (self.folder / "config").write_text(_CONFIG.format(port=self.port, folder=self.folder))
        users = f"{USER}:{PASSWORD}\n{OTHER}:{OTHER_PASSWORD}\n"
        (self.folder / "users").write_text(users, encoding="utf-8")

    def command(self) -> list[str]:
        """Run in the foreground."""
        return [sys.executable, "-m", "radicale", "--config", str(self.folder / "config")]

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        """Make a request as ``USER``; return its status and its answer's body."""
        sign_in = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body.encode(), {"Authorization": f"Basic {sign_in}", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def empty(self) -> None:
        """Delete everything of ``USER``, between two tests."""
        self.ask("DELETE", f"/{USER}/")

    def make(
        self, name: str, title: str = "", *, components: tuple[str, ...] = ("VEVENT",), more: str = ""
    ) -> str:
        """Make a calendar of ``USER``; return its path."""
        path = f"/{USER}/{name}/"
        listed = "".join(f'<C:comp name="{component}"/>' for component in components)
        status, said = self.ask(
            "MKCOL", path, _COLLECTION.format(name=escape(title or name), components=listed, more=more)
        )
        if status != 201:
            raise RuntimeError(f"Radicale made no calendar: {status} {said}")
        return path

    def put(self, path: str, content: str) -> None:
        """Store an entry at a path."""
        status, said = self.ask("PUT", path, content, **{"Content-Type": "text/calendar; charset=utf-8"})
        if status not in {201, 204}:
            raise RuntimeError(f"Radicale took no entry: {status} {said}")

    def delete(self, path: str) -> None:
        """Delete an entry or a calendar."""
        status, said = self.ask("DELETE", path)
        if status not in {200, 204}:
            raise RuntimeError(f"Radicale deleted nothing: {status} {said}")
