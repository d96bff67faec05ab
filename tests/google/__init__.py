"""A stand-in for Google: its OAuth server and its Calendar API, with calendars that tests can change.

It checks every request against the discovery document of the API, and its own answers too, so it
neither takes nor gives what Google would not.
"""

from tests.google.calendars import GoogleCalendar
from tests.google.server import StandIn

__all__ = ["GoogleCalendar", "StandIn"]
