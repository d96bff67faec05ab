"""Which addresses may be reached on behalf of a member, and which may not.

A member may give us a web address (a push endpoint, a calendar feed). Reaching it from inside our
network must not open that network to the member (server-side request forgery), so everything that
is not on the public internet is refused, unless ``NOTICE_ALLOWED_PRIVATE_NETWORKS`` names it.
"""

import re
import socket
from collections.abc import Collection, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from django.conf import settings

from common.errors import AddressError, PrivateAddressError

# The registries of special-purpose addresses (RFC 6890 and its updates), written out, because
# what ``ipaddress.is_global`` says differs between patch releases of Python and calls some
# multicast addresses global.
_NOT_PUBLIC_V4: Final = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, withdrawn
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
_PUBLIC_V6: Final = ip_network("2000::/3")
_NOT_PUBLIC_V6: Final = [
    ip_network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address, perhaps a private one
        "3fff::/20",  # documentation
    )
]
_NAT64: Final = ip_network("64:ff9b::/96")

_MAX_URL_LENGTH: Final = 2048
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FIRST_FREE_PORT: Final = 1024
# Names that mean something only inside a network (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal).
_LOCAL_NAMES: Final = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)


@lru_cache(maxsize=16)
def _networks(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text, strict=False) for text in texts]


def _unwrap(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that is embedded in an IPv6 address, or the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def is_allowed(address: str) -> bool:
    """Say whether an IP address may be connected to on behalf of a member.

    It may when it is public, or lies in one of ``NOTICE_ALLOWED_PRIVATE_NETWORKS``.
    """
    try:
        ip = _unwrap(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        is_public = not any(ip in network for network in _NOT_PUBLIC_V4)
    else:
        is_public = ip in _PUBLIC_V6 and not any(ip in network for network in _NOT_PUBLIC_V6)
    return is_public or any(
        ip in network for network in _networks(tuple(settings.NOTICE_ALLOWED_PRIVATE_NETWORKS))
    )


def is_inside(url: str) -> bool:
    """Say whether an address leads into ``NOTICE_ALLOWED_PRIVATE_NETWORKS`` and nowhere else.

    Plain http may carry a password there. On the internet it could be read on the way.
    """
    parts = urlsplit(url)
    networks = _networks(tuple(settings.NOTICE_ALLOWED_PRIVATE_NETWORKS))
    found = list(_resolve(parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)))
    ips = [_unwrap(ip_address(address.partition("%")[0])) for address in found]
    return bool(ips) and all(any(ip in network for network in networks) for ip in ips)


def check_public_url(
    url: str, *, schemes: Collection[str] = ("https",), field: str = "address", is_resolved: bool = True
) -> str:
    """Check a web address that a person typed; return it in the form to store.

    The host comes back in lower case and in ASCII (Punycode), the path percent-encoded. With
    ``is_resolved`` the name is looked up too; a name that can't be looked up now is let through,
    because every connection is checked again when it is made.

    Raises ``AddressError`` for an invalid address and ``PrivateAddressError`` for one inside a private
    network; both name ``field``.
    """
    parts = _split(url, schemes, field)
    host = _ascii_host(parts.hostname or "", field)
    literal = _literal_ip(host, field)
    if literal is not None:
        if not is_allowed(literal):
            raise PrivateAddressError(_PRIVATE, field=field)
        host = f"[{literal}]" if ":" in literal else literal
    else:
        _check_name(host, parts.port or _DEFAULT_PORTS[parts.scheme], field, is_resolved=is_resolved)
    port = parts.port
    netloc = host if port in {None, _DEFAULT_PORTS[parts.scheme]} else f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return urlunsplit((parts.scheme, netloc, path, query, ""))


_PRIVATE: Final = "This address lies inside a private network. Give one that is reachable on the internet."


def _split(url: str, schemes: Collection[str], field: str) -> SplitResult:
    text = url.strip()
    if not text or len(text) > _MAX_URL_LENGTH:
        msg = f"Give a web address of at most {_MAX_URL_LENGTH} characters."
        raise AddressError(msg, field=field)
    if "\\" in text or any(character.isspace() or not character.isprintable() for character in text):
        msg = "A web address can't contain spaces, control characters or backslashes."
        raise AddressError(msg, field=field)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        msg = "This is not a web address that can be read; check the host and the port."
        raise AddressError(msg, field=field) from None
    if parts.scheme not in schemes or parts.scheme not in _DEFAULT_PORTS:
        msg = f"The address has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)}."
        raise AddressError(msg, field=field)
    if not parts.hostname:
        msg = "The address lacks the name of a server."
        raise AddressError(msg, field=field)
    if "@" in parts.netloc:
        msg = "The address can't contain a user name or password."
        raise AddressError(msg, field=field)
    if port is not None and port < _FIRST_FREE_PORT and port not in _DEFAULT_PORTS.values():
        msg = f"Port {port} is not used for web addresses."
        raise AddressError(msg, field=field)
    return parts


def _ascii_host(host: str, field: str) -> str:
    """Return the host in lower-case ASCII, without the dot that may end it."""
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    name = name.lower().removesuffix(".")
    is_name = all(_LABEL.fullmatch(label) for label in name.split("."))
    if ":" not in name and not is_name:
        msg = "The name of the server can't be read."
        raise AddressError(msg, field=field)
    return name


def _literal_ip(host: str, field: str) -> str | None:
    """Return the IP address that a host is, or None for a name.

    ``127.1``, ``0x7f000001`` and ``2130706433`` are addresses as well, because resolvers take them.
    """
    try:
        if ":" in host:
            return str(IPv6Address(host))
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            return str(IPv4Address(socket.inet_aton(host)))
    except (ValueError, OSError):
        msg = "This is not a web address that can be read; check the numbers of the server's address."
        raise AddressError(msg, field=field) from None
    return None


def _check_name(host: str, port: int, field: str, *, is_resolved: bool) -> None:
    is_local = "." not in host or any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES)
    if not is_local and not is_resolved:
        return
    addresses = list(_resolve(host, port))
    if not all(is_allowed(address) for address in addresses) or (is_local and not addresses):
        raise PrivateAddressError(_PRIVATE, field=field)
    if is_local and not settings.NOTICE_ALLOWED_PRIVATE_NETWORKS:
        raise PrivateAddressError(_PRIVATE, field=field)


def _resolve(host: str, port: int) -> Iterator[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    for *_, address in found:
        yield str(address[0])
