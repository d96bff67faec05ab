"""``manage.py simulator``: the simulated telephone company, for an installation without a Twilio account."""

import asyncio
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from simulator.provider.__main__ import run
from simulator.provider.settings import from_environment


class Command(BaseCommand):
    """Run the simulated telephone company at SIMULATOR_URL, with the account of this installation."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_SIMULATED:
            raise CommandError(
                "Calls go to Twilio (TWILIO_ACCOUNT_SID is set), so nothing is to be simulated."
            )
        place = urlsplit(settings.SIMULATOR_URL)
        ours = {
            "SIMULATOR_HOST": os.environ.get("SIMULATOR_HOST") or place.hostname or "",
            "SIMULATOR_PORT": os.environ.get("SIMULATOR_PORT") or str(place.port or ""),
            "SIMULATOR_ACCOUNT_SID": settings.TWILIO_ACCOUNT_SID,
            "SIMULATOR_AUTH_TOKEN": settings.TWILIO_AUTH_TOKENS[0],
        }
        try:
            asyncio.run(run(from_environment({**os.environ, **ours})))
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None
