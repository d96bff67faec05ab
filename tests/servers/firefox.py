"""A headless Firefox ESR in a profile of its own, driven by Marionette.

https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html: a TCP connection that carries
``length:[0, id, command, parameters]`` there and ``length:[1, id, error, result]`` back. Playwright drives no Firefox but its own build.
"""

import itertools
import json
import socket
from typing import Any, Final

from tests.servers.base import Server, program

_SECONDS: Final = 30.0


class ScriptError(Exception):
    """Marionette refused a command, or a script has failed."""


class Firefox(Server):
    """The browser. ``push_url`` is the WebSocket of the push service that it is to use."""

    label = "Firefox"

    def __init__(self, push_url: str) -> None:
        super().__init__()
        self._push_url = push_url
        self._socket: socket.socket | None = None
        self._ids = itertools.count(1)

    def prepare(self) -> None:
        """Write the profile's preferences."""
        preferences: dict[str, object] = {
            "marionette.port": self.port,
            "dom.push.serverURL": self._push_url,
            "dom.push.testing.allowInsecureServerURL": True,
            "dom.push.connection.enabled": True,
            "dom.push.retryBaseInterval": 100,
            "dom.push.pingInterval": 60_000,
            "permissions.default.desktop-notification": 1,
            "alerts.useSystemBackend": False,
            "dom.webnotifications.requireinteraction.enabled": True,
            "dom.webnotifications.actions.enabled": True,
            "intl.accept_languages": "en-GB",
            # No connection to the outside.
            "network.proxy.no_proxies_on": "localhost, 127.0.0.1",
            "network.proxy.type": 1,
            "network.proxy.http": "127.0.0.1",
            "network.proxy.http_port": 9,
            "network.proxy.ssl": "127.0.0.1",
            "network.proxy.ssl_port": 9,
            "app.update.enabled": False,
            "browser.shell.checkDefaultBrowser": False,
            "browser.startup.page": 0,
            "datareporting.policy.dataSubmissionEnabled": False,
            "toolkit.telemetry.enabled": False,
            "network.captive-portal-service.enabled": False,
            "network.connectivity-service.enabled": False,
            "extensions.update.enabled": False,
            "browser.safebrowsing.update.enabled": False,
        }
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()
        ]
        (self.folder / "user.js").write_text("".join(lines))

    def command(self) -> list[str]:
        """Run with the folder as home and as profile."""
        return [
            "env",
            f"HOME={self.folder}",
            program("firefox-esr"),
            "--headless",
            "--no-remote",
            "--marionette",
            "--remote-allow-system-access",
            "--profile",
            str(self.folder),
        ]

    def start(self) -> None:
        """Start it and open a session."""
        super().start()
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS)
        self._read()
        self.do("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        self.do("WebDriver:SetTimeouts", {"script": int(_SECONDS * 1000), "pageLoad": int(_SECONDS * 1000)})

    def _end(self, number: Any) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        super()._end(number)

    def do(self, command: str, parameters: dict[str, Any] | None = None) -> Any:
        """Carry out one command of Marionette and return its result. Raises ``ScriptError``."""
        assert self._socket is not None
        number = next(self._ids)
        text = json.dumps([0, number, command, parameters or {}]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        while True:
            _kind, answered, error, result = self._read()
            if answered == number:
                break
        if error is not None:
            raise ScriptError(f"{command}: {error['message']}\n{error.get('stacktrace', '')}")
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def _read(self) -> Any:
        assert self._socket is not None
        length = b""
        while not length.endswith(b":"):
            length += self._receive(1)
        return json.loads(self._receive(int(length[:-1])))

    def _receive(self, count: int) -> bytes:
        assert self._socket is not None
        found = b""
        while len(found) < count:
            piece = self._socket.recv(count - len(found))
            if not piece:
                raise ConnectionResetError("Firefox has ended")
            found += piece
        return found

    # What tests do with it

    def open(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self.do("WebDriver:Navigate", {"url": url})

    @property
    def url(self) -> str:
        """Where the page is."""
        return str(self.do("WebDriver:GetCurrentURL"))

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """Run the body of an async function in the page and return its result."""
        wrapped = (
            "const done = arguments[arguments.length - 1]; const given = Array.from(arguments).slice(0, -1);"
            f"(async (...args) => {{ {script} }})(...given)"
            ".then((value) => done({value}), (error) => done({error: String(error)}));"
        )
        result = self.do("WebDriver:ExecuteAsyncScript", {"script": wrapped, "args": list(arguments)})
        if isinstance(result, dict) and "error" in result:
            raise ScriptError(result["error"])
        return result.get("value") if isinstance(result, dict) else result

    def evaluate_inside(self, script: str, *arguments: Any) -> Any:
        """Run the body of an async function with the privileges of the browser itself."""
        self.do("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.evaluate(script, *arguments)
        finally:
            self.do("Marionette:SetContext", {"value": "content"})

    def press(self, action: str = "") -> None:
        """Click the notification that is shown, or press one of its buttons, and let Firefox close it as it does."""
        self.evaluate_inside(
            """
            const [alert] = Services.wm.getEnumerator("alert:alert");
            if (!args[0]) {
              return alert.document.getElementById("alertTextLabel").click();
            }
            const pressed = {QueryInterface: ChromeUtils.generateQI(["nsIAlertAction"]), action: args[0], title: "", iconURL: ""};
            alert.gAlertListener.observe(pressed, "alertclickcallback", alert.gAlertCookie);
            alert.close();
            """,
            action,
        )

    def dismiss(self) -> None:
        """Close the notification that is shown by its cross."""
        self.evaluate_inside(
            """
            const [alert] = Services.wm.getEnumerator("alert:alert");
            alert.document.getElementById("alert-close").doCommand();
            """
        )

    def close_alerts(self) -> None:
        """Close every notification that is shown."""
        self.evaluate_inside(
            "for (const alert of Services.wm.getEnumerator('alert:alert')) { alert.close(); }"
        )
