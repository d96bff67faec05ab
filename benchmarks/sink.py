"""A server that takes every request at next to no cost, so that what is measured is the sender.

nginx on a free loopback port, TLS with HTTP/2 and HTTP/1.1 and a certificate made on the spot.
It answers 201 with an empty body; a POST below ``/2010-04-01/`` is answered as Twilio answers a new
call, with a small JSON body. Where the machine is Debian and we are root, a missing nginx is
installed.
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
    """The server's process, for whoever counts its share of the processor."""


def free_port() -> int:
    """Return a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """Write a self-signed certificate for a loopback server; return its path and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_path, key_path


def find_nginx() -> str:
    """Return nginx's path, installing Debian's package where that is possible.

    Raises ``RuntimeError`` with what to do where there is none.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which("nginx", path=path)
    apt = shutil.which("apt-get")
    if found is None and os.geteuid() == 0 and apt is not None:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = [apt, "install", "-y", "-qq", "--no-install-recommends", "nginx-light"]
        subprocess.run([apt, "update", "-qq"], check=False, stdout=subprocess.DEVNULL)
        subprocess.run(install, check=False, stdout=subprocess.DEVNULL, env=quiet)
        found = shutil.which("nginx", path=path)
    if found is None:
        msg = "nginx is missing: install it (Debian: apt-get install nginx-light)"
        raise RuntimeError(msg)
    return found


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
    nginx = find_nginx()
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
