"""Outgoing HTTP: many requests at once, one calendar feed, and which addresses are allowed.

- ``exchange`` sends a stream of requests over kept-alive connections (the firing path).
- ``fetch`` gets one document, bounded in size and time (calendar feeds).
- ``check_public_url`` checks an address that a person typed.

An address from a member must never reach a private network. It is checked when it is typed and again
at every connection; ``NOTICE_ALLOWED_PRIVATE_NETWORKS`` names the exceptions.
Proxies of the environment, ``.netrc`` files and cookies are never used.
"""

from common.http.addresses import check_public_url, is_allowed, is_inside
from common.http.engine import exchange
from common.http.exchanges import Failure, Reply, Request
from common.http.fetching import Fetched, fetch

__all__ = [
    "Failure",
    "Fetched",
    "Reply",
    "Request",
    "check_public_url",
    "exchange",
    "fetch",
    "is_allowed",
    "is_inside",
]
