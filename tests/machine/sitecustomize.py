"""Loaded by Python when a process starts with this folder in PYTHONPATH: its machine's clock is set by a test.

The file ``TEST_CLOCK`` says by how many seconds the clock is ahead; the test may change it at any time,
and reads in a file of each process how far that has followed. Clocks that count from the machine's start,
and waiting, are left alone, as they are where a clock is set.
"""

import os
import threading
import time
from pathlib import Path
from typing import Final

import time_machine

_FILE: Final = Path(os.environ["TEST_CLOCK"])
_PAUSE: Final = 0.02


def _set(wanted: str) -> None:
    ahead = time.time() - time_machine.escape_hatch.time.time()
    _clock.shift(float(wanted) - ahead)
    _FILE.with_suffix(f".{os.getpid()}").write_text(wanted)


def _follow() -> None:
    is_set = ""
    while True:
        wanted = _FILE.read_text()
        if wanted != is_set:
            _set(wanted)
            is_set = wanted
        time.sleep(_PAUSE)


def _start() -> None:
    threading.Thread(target=_follow, daemon=True).start()


_clock: Final = time_machine.travel(time.time()).start()
_set(_FILE.read_text())
_start()
os.register_at_fork(after_in_child=_start)  # a thread is not there after a fork
