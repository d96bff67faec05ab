"""The provider put together, listening."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.provider.api import RestApi
from simulator.provider.control import ControlApi
from simulator.provider.errors import TwilioError, not_found, server_error
from simulator.provider.exchange import Exchange
from simulator.provider.settings import Settings

log = logging.getLogger(__name__)


class Server:
    """A provider that listens."""

    def __init__(self, settings: Settings) -> None:
        """Make its parts."""
        self._settings = settings
        self._exchange = Exchange(settings)
        app = web.Application(middlewares=[_answer_in_json])
        app.add_routes([*RestApi(self._exchange).routes(), *ControlApi(self._exchange).routes()])
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)

    async def start(self) -> str:
        """Begin to listen; return the address, such as ``http://127.0.0.1:40123``."""
        await self._exchange.open()
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening, and end what is under way."""
        await self._runner.cleanup()
        await self._exchange.close()


@web.middleware
async def _answer_in_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what no route knows, and defects of the simulator, in Twilio's form."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed:
        error = TwilioError(405, 20004, "Method not allowed")
    except web.HTTPNotFound:
        error = not_found(request.path)
    except web.HTTPException:
        raise
    except Exception:
        log.exception("%s %s is a defect of the simulator", request.method, request.path)
        error = server_error()
    return web.json_response(error.body(), status=error.status)
