"""What the embedded stack needs at rest: memory (PSS) and processor time of all its processes.

Starts ``script/server`` in a folder of its own, waits until it answers and has settled, and counts over
a while. The last line is JSON.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.servers import free_port

_FOLDER: Final = Path(__file__).resolve().parent.parent
_MEMORY_TARGET: Final = 350.0
_CPU_TARGET: Final = 3.0
_SETTLE_SECONDS: Final = 10.0
_COUNT_SECONDS: Final = 30.0
_START_SECONDS: Final = 60.0


def _family(root: int) -> dict[int, str]:
    """Return the process and all that descend from it, by their numbers, with their names."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (folder / "stat").read_text()
            pid, name = int(folder.name), status[status.index("(") + 1 : status.rindex(")")]
            parents[pid] = int(status[status.rindex(")") + 2 :].split()[1])
            names[pid] = name
    family = {root: names[root]}
    while new := {pid for pid, parent in parents.items() if parent in family and pid not in family}:
        family |= {pid: names[pid] for pid in new}
    return family


def _pss(pid: int) -> float:
    """Return a process's proportional set size in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) / 1024 if match else 0.0


def _seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    status = Path(f"/proc/{pid}/stat").read_text()
    user, system = status[status.rindex(")") + 2 :].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _wait_for_answer(port: int, server: subprocess.Popen[bytes]) -> float:
    """Wait for the web server; return how long it took, in seconds."""
    began = time.monotonic()
    while server.poll() is None and time.monotonic() - began < _START_SECONDS:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            client.request("GET", "/health", headers={"Host": "localhost"})
            if client.getresponse().status == http.HTTPStatus.OK:
                return time.monotonic() - began
        client.close()
        time.sleep(0.02)
    sys.exit("the server did not answer")


@contextlib.contextmanager
def _stack(var: str) -> "Iterator[tuple[subprocess.Popen[bytes], float]]":
    port = free_port()
    environment = os.environ | {"PORT": str(port), "PFS_NOTICE_VAR": var}
    environment.pop("DATABASE_URL", None)
    environment.pop("CELERY_BROKER_URL", None)
    with (Path(var) / "output").open("ab") as output:
        server = subprocess.Popen(
            [_FOLDER / "script" / "server"], env=environment, stdout=output, stderr=output
        )
    try:
        yield server, _wait_for_answer(port, server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def main() -> None:
    """Measure, print a table and the line of JSON."""
    with tempfile.TemporaryDirectory(prefix="pfsn-") as var:
        with _stack(var) as (_server, first_start):
            pass
        with _stack(var) as (server, second_start):
            time.sleep(_SETTLE_SECONDS)
            family = _family(server.pid)
            before = {pid: _seconds(pid) for pid in family}
            time.sleep(_COUNT_SECONDS)
            spent = {pid: (_seconds(pid) - before[pid]) / _COUNT_SECONDS * 100 for pid in family}
            memory = {pid: _pss(pid) for pid in family}
        said = (Path(var) / "output").read_text(errors="replace")
    sys.stderr.write(said)
    print(f"{'process':<16} {'PSS MB':>8} {'% of a core':>12}")
    for pid in family:
        print(f"{family[pid]:<16} {memory[pid]:>8.1f} {spent[pid]:>12.2f}")
    megabytes, percent = sum(memory.values()), sum(spent.values())
    print(f"{'together':<16} {megabytes:>8.1f} {percent:>12.2f}\n")
    print(
        json.dumps(
            {
                "name": "rest",
                "ratio": round(max(megabytes / _MEMORY_TARGET, percent / _CPU_TARGET), 3),
                "target": 1.0,
                "held": megabytes <= _MEMORY_TARGET and percent <= _CPU_TARGET,
                "pss_mb": round(megabytes, 1),
                "pss_mb_target": _MEMORY_TARGET,
                "cpu_percent": round(percent, 2),
                "cpu_percent_target": _CPU_TARGET,
                "first_start_s": round(first_start, 2),
                "second_start_s": round(second_start, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
