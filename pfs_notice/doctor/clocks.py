"""This machine's clock: whether something keeps it right."""

import ctypes
import sys
from collections.abc import Iterator
from typing import Final

from pfs_notice.doctor.findings import Finding, Level

_TIME_ERROR: Final = 5
"""The clock is not synchronised (adjtimex(2))."""
_STRUCT_BYTES: Final = 512
"""More than ``struct timex`` has; all zero asks and changes nothing."""


def examine() -> Iterator[Finding]:
    """Yield what the kernel says; nothing where there is no such call."""
    if sys.platform != "linux":
        return
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_STRUCT_BYTES))
    if state < 0:
        return  # not permitted here
    if state == _TIME_ERROR:
        advice = "Install chrony, or switch on systemd-timesyncd. Sign-ins and certificates go by this clock."
        yield Finding("clock", Level.NOTE, "No NTP keeps this machine's clock right.", advice)
    else:
        yield Finding("clock", Level.OK, "NTP keeps this machine's clock right.")
