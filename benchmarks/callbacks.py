"""How fast Twilio's callbacks are answered: the content of calls, and reports that are stored.

In the same run, on the same server, requests and database, a bare Django view checks the signature and reads or
inserts one row: the ratio of the two rates is what counts, since it does not depend on the machine. The web server
(granian, two processes) is run as everywhere, PostgreSQL is durable, and wrk sends the requests by 32 connections,
each a different one, signed beforehand. Of the reports about a call the last one, "completed", has a miss advance the plan.

Everything (database, servers, wrk) shares the machine's cores.
"""

import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.callbacks_stack import forget_reports, seed, stack, web, write_requests

TARGET: Final = 0.5
ROUNDS: Final = 3
_CLIENTS: Final = 32
_SECONDS: Final = 4
_WARM_SECONDS: Final = 1
_SERVERS: Final = {"bare": "benchmarks.bare_settings", "ours": "pfs_notice.settings"}
_SCRIPT: Final = Path(__file__).with_suffix(".lua")


@dataclass(frozen=True)
class Rate:
    """What one turn gave."""

    per_second: float
    p50_ms: float
    p99_ms: float


def turn(port: int, file: Path, count: int, seconds: int = _SECONDS) -> Rate:
    """Send requests for a while. Exits where one was not answered as it should be."""
    argv = ["wrk", "-t", "2", "-c", str(_CLIENTS), "-d", f"{seconds}s", "-s", str(_SCRIPT)]
    argv += [f"http://127.0.0.1:{port}", "--", str(file), "2"]
    output = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    told = json.loads(output.splitlines()[-1])
    if told["refused"] or told["broken"]:
        raise SystemExit(f"not all requests were answered: {told}")
    if file.name == "status" and told["requests"] > count:
        raise SystemExit(f"{told['requests']} reports were sent, of which only {count} differ")
    return Rate(told["requests"] / told["seconds"], told["p50_ms"], told["p99_ms"])


def measure(folder: Path) -> dict[tuple[str, str], list[Rate]]:
    """Measure both servers in turns; return the rates by kind of request and server."""
    seed()
    requests = write_requests(folder)
    rates: dict[tuple[str, str], list[Rate]] = {}
    with web(_SERVERS["bare"]) as bare, web(_SERVERS["ours"]) as ours:
        ports = {"bare": bare, "ours": ours}
        for port in ports.values():
            turn(port, *requests["content"], seconds=_WARM_SECONDS)
        for _round in range(ROUNDS):
            for kind, request in requests.items():
                for server, port in ports.items():
                    forget_reports()
                    rates.setdefault((kind, server), []).append(turn(port, *request))
    return rates


def main() -> None:
    """Run the whole and print the table and the line of JSON."""
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing (Debian: apt-get install wrk)")
    with TemporaryDirectory(prefix="pfsn-") as name, stack(Path(name)):
        rates = measure(Path(name))
    print(f"\n{'':<10}{'server':<8}{'per s':>8}{'of bare':>9}{'p50 ms':>8}{'p99 ms':>8}")
    ratios = {}
    for (kind, server), turns in rates.items():
        pairs = zip(turns, rates[kind, "bare"], strict=True)
        ratio = statistics.median(one.per_second / bare.per_second for one, bare in pairs)
        ratios[kind] = round(ratio, 3)
        per_second, p50, p99 = (
            statistics.median(getattr(one, name) for one in turns)
            for name in ("per_second", "p50_ms", "p99_ms")
        )
        print(f"{kind:<10}{server:<8}{per_second:>8.0f}{ratio:>9.2f}{p50:>8.1f}{p99:>8.1f}")
    found = {
        f"{kind}_{server}_per_s": [round(one.per_second) for one in turns]
        for (kind, server), turns in rates.items()
    }
    lowest = min(ratios.values())
    print()
    print(
        json.dumps(
            {
                "name": "callbacks",
                "ratio": lowest,
                "target": TARGET,
                "held": lowest >= TARGET,
                **ratios,
                **found,
            }
        )
    )


if __name__ == "__main__":
    main()
