"""A server that accepts every request at almost no cost, so that the benchmark measures the sender.

nginx on a free loopback port, TLS with HTTP/2 and HTTP/1.1 and a certificate made on the spot.
It answers 201 with an empty body; a POST below ``/2010-04-01/`` is answered as Twilio answers a new
call, with a small JSON body. Where the machine is Debian and we are root, a missing nginx is
installed.
"""

import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port, packages
from tests.tls import make_certificate

_START_SECONDS = 10.0

_CONFIG = """
worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    http2_max_concurrent_streams 256;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 16k;
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=4096;
        listen 127.0.0.1:{plain_port} backlog=4096;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_session_cache shared:s:10m;
        ssl_protocols TLSv1.3;
        default_type application/json;
        location / {{ return 201; }}
        location /2010-04-01/ {{
            return 201 '{{"sid": "CA00000000000000000000000000000000", "status": "queued"}}';
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Sink:
    """Where the running sink listens."""

    url: str
    """``https://127.0.0.1:<port>``, HTTP/2 by ALPN, HTTP/1.1 for who does not offer it."""
    plain_url: str
    """``http://127.0.0.1:<port>``."""
    ca_file: Path
    """The certificate to trust, for the setting ``NOTICE_EXTRA_CA_FILE``."""
    pid: int
    """The id of the server's process, to count its share of the processor."""


def _wait_until_it_answers(port: int, server: subprocess.Popen[bytes], folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=1) as raw,
                context.wrap_socket(raw, server_hostname="127.0.0.1"),
            ):
                return
        except OSError:
            time.sleep(0.02)
    msg = f"nginx did not start: {(folder / 'error.log').read_text(errors='replace')}"
    raise RuntimeError(msg)


@contextmanager
def run_sink() -> Iterator[Sink]:
    """Run a sink for as long as the block lasts. Raises ``RuntimeError`` where it can't start."""
    packages.ensure("nginx")
    nginx = packages.find("nginx")
    if nginx is None:
        msg = "nginx is missing: install it (Debian: apt-get install nginx-light)"
        raise RuntimeError(msg)
    with tempfile.TemporaryDirectory(prefix="notice-sink-") as name:
        folder = Path(name)
        make_certificate(folder)
        port, plain_port = free_port(), free_port()
        config = folder / "nginx.conf"
        config.write_text(_CONFIG.format(folder=folder, port=port, plain_port=plain_port))
        server = subprocess.Popen([nginx, "-c", str(config), "-e", str(folder / "error.log")])
        try:
            _wait_until_it_answers(port, server, folder)
            yield Sink(
                url=f"https://127.0.0.1:{port}",
                plain_url=f"http://127.0.0.1:{plain_port}",
                ca_file=folder / "certificate.pem",
                pid=server.pid,
            )
        finally:
            server.terminate()
            server.wait(timeout=10)
