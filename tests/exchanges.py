"""Short ways to exchange requests in a test."""

from typing import Any

from common.http import Reply, Request, exchange


def one(request: Request, **options: Any) -> Reply:
    """Make one request and return its reply."""
    (reply,) = [reply for reply in exchange([request], **options) if reply is not None]
    return reply
