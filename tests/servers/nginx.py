"""nginx with given settings, as a reverse proxy on the loopback interface."""

from typing import Final

from tests.servers.base import Server, program

_AROUND: Final = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {settings}
}}
"""


class Nginx(Server):
    """A web server. ``settings`` go into its ``http`` block, as a file in conf.d does."""

    label = "nginx"

    def __init__(self, settings: str, *, port: int) -> None:
        super().__init__(port=port)
        self._settings = settings

    def prepare(self) -> None:
        """Write its settings."""
        text = _AROUND.format(folder=self.folder, settings=self._settings)
        (self.folder / "conf").write_text(text)

    def command(self) -> list[str]:
        """Run in the foreground."""
        folder = str(self.folder)
        return [program("nginx"), "-p", folder, "-c", f"{folder}/conf", "-e", f"{folder}/error.log"]
