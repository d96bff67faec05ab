"""``python -m simulator.provider``: run the simulated provider until SIGTERM or SIGINT.

Prints one line, ``simulator listens on <address>``, once it does; events are logged to stderr.
"""

import asyncio
import logging
import os
import signal
import sys

from simulator.provider.server import Server
from simulator.provider.settings import Settings, from_environment


async def run(settings: Settings) -> None:
    """Listen until SIGTERM or SIGINT."""
    server = Server(settings)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        sys.stdout.write(f"simulator listens on {await server.start()}\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        await server.stop()


def main() -> int:
    """Run it; return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s simulator: %(message)s", stream=sys.stderr)
    try:
        settings = from_environment(os.environ)
    except ValueError as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    try:
        asyncio.run(run(settings))
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on {settings.host}:{settings.port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
