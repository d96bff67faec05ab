"""The engine's own sources: what it tells a member directly, and what it says of itself."""

from typing import Final

from common.sources import SourceKind

SUMMARY: Final = SourceKind(prefix="summary", label="Direct notices", may_be_named=False, is_direct=True)
"""Digests and notices about a member's own accounts; they concern one member, so no registration finds them."""
SYSTEM: Final = SourceKind(prefix="system", label="System messages", is_for_staff=True)
"""What an administrator should know: a calendar that can't be read."""
