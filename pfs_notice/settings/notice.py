"""The settings of PFS Notice itself."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from pfs_notice import keys
from pfs_notice.settings.environment import VAR_DIR, decimal, public_url, rates, secret, text, whole, words

_LONGEST_KEPT = 100_000
"""Days: as good as for ever, and still a date that can be computed."""


def _pem(given: str) -> str:
    """Return a key's PEM text; it may be given as the path of a file that holds it."""
    if given.startswith("-----BEGIN"):
        return given.replace("\\n", "\n")  # one line of an environment file
    try:
        return Path(given).read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"VAPID_PRIVATE_KEY is neither PEM text nor the path of a file that can be read ({error.strerror}).",
        ) from error


def _own_address() -> str:
    """Return the address at which script/server answers; it notes it for commands in another terminal."""
    host = text("HOST")
    if host in {"", "0.0.0.0", "::", "127.0.0.1", "::1"}:  # noqa: S104 - compared, not bound
        host = "localhost"
    port = text("PORT")
    noted = "" if port else keys.read(VAR_DIR, "public_url")
    return noted or f"http://{f'[{host}]' if ':' in host else host}:{port or '8000'}"


NOTICE_PUBLIC_URL = public_url("NOTICE_PUBLIC_URL", _own_address())
# Its path, "" or like "/notice": all our pages are below it.
NOTICE_PATH = urlsplit(NOTICE_PUBLIC_URL).path
NOTICE_CHANNELS = words(
    "NOTICE_CHANNELS",
    [
        "eventinvoke.channels.inbox.channel.InboxChannel",
        "eventinvoke.channels.webpush.channel.WebPushChannel",
        "eventinvoke.channels.voice.channel.VoiceChannel",
        "eventinvoke.channels.sms.channel.SmsChannel",
        "eventinvoke.channels.email.channel.EmailChannel",
    ],
)
# The kinds of sources, in the order in which pages list them; the app that publishes their events declares them.
NOTICE_SOURCES = [
    "registration.sources.CALENDAR",
    "registration.sources.DATE",
    "eventinvoke.sources.SYSTEM",
    "eventinvoke.sources.SUMMARY",
]
# The first one encrypts, all decrypt.
NOTICE_ENCRYPTION_KEYS = words("NOTICE_ENCRYPTION_KEYS") or [
    secret("NOTICE_ENCRYPTION_KEYS", "encryption_key")
]
# Whose clock decides what is due: the database's, or this machine's, for tests that set it.
NOTICE_CLOCK = text("NOTICE_CLOCK", "database")
# Who bears it may read /metrics; without one, programs of this machine may.
NOTICE_METRICS_TOKEN = text("NOTICE_METRICS_TOKEN")
# How many requests a process of the web server answers at once.
NOTICE_WEB_THREADS = whole("NOTICE_WEB_THREADS", 4)
# Private networks that addresses given by members (feeds, push endpoints) may reach all the same.
NOTICE_ALLOWED_PRIVATE_NETWORKS = words("NOTICE_ALLOWED_PRIVATE_NETWORKS")
# A file of PEM certificates to trust for outgoing connections, besides the public ones (in-house servers).
NOTICE_EXTRA_CA_FILE = text("NOTICE_EXTRA_CA_FILE")
# Countries (ISO 3166-1, DE,JP) whose numbers are called and written to; ALL; none: that of TWILIO_FROM_NUMBER.
NOTICE_COUNTRIES = words("NOTICE_COUNTRIES")
# Messages a day (UTC), by kind: of the whole installation, and to one member; and verification codes ("codes").
NOTICE_DAILY = {"voice": 2000, "sms": 5000, "codes": 500} | rates("NOTICE_DAILY")
NOTICE_DAILY_MEMBER = {"voice": 100, "sms": 200, "codes": 20} | rates("NOTICE_DAILY_MEMBER")
# How much one member may have of each: calendars, registrations, and notices that wait for their time.
NOTICE_MOST = {"calendars": 50, "registrations": 500, "pending": 20_000} | rates("NOTICE_MOST")
# What counts the notices that a registration makes before it is stored; the app that plans them has it.
NOTICE_COUNTS_PENDING = "eventinvoke.planning.preview.pending_with"
# What finds the notices that storing a registration sends at once about what has begun.
NOTICE_FINDS_BEGUN = "eventinvoke.planning.at_once.begun"
# How many days ahead the entries of calendars become events.
NOTICE_HORIZON_DAYS = whole("NOTICE_HORIZON_DAYS", 60)
# How long the server of a calendar may take for the whole of it.
NOTICE_FEED_SECONDS = decimal("NOTICE_FEED_SECONDS", 30)
NOTICE_BATCH_SIZE = whole("NOTICE_BATCH_SIZE", 1000)
NOTICE_LEASE_SECONDS = decimal("NOTICE_LEASE_SECONDS", 60)
# How long a provider is given before it is asked what it did with a message whose answer was lost.
NOTICE_ASK_SECONDS = decimal("NOTICE_ASK_SECONDS", 5)
# How long a provider that can be asked may take to report about an accepted message.
NOTICE_REPORT_SECONDS = decimal("NOTICE_REPORT_SECONDS", 180)
NOTICE_RECEIPT_SECONDS = decimal("NOTICE_RECEIPT_SECONDS", 60)
# How many senders of one kind are started at once; as many as there are cores for them.
NOTICE_PARALLEL = whole("NOTICE_PARALLEL", os.cpu_count() or 2)
# Messages a second that a provider takes, by kind, where it is not what the channel says: voice=1,sms=10
NOTICE_RATES = rates("NOTICE_RATES")
# For how many days each kind of record is kept (eventinvoke/retention.py).
NOTICE_KEEP_DELIVERIES_DAYS = whole("NOTICE_KEEP_DELIVERIES_DAYS", 400)
NOTICE_KEEP_EVENTS_DAYS = whole("NOTICE_KEEP_EVENTS_DAYS", 400)
NOTICE_KEEP_CHANGES_DAYS = whole("NOTICE_KEEP_CHANGES_DAYS", 400)
NOTICE_KEEP_PERIODS_DAYS = whole("NOTICE_KEEP_PERIODS_DAYS", 400)
NOTICE_KEEP_COUNTS_DAYS = whole("NOTICE_KEEP_COUNTS_DAYS", 400)
# What providers reported, word for word, with telephone numbers; and codes, with hashes of addresses.
NOTICE_KEEP_PAYLOADS_DAYS = whole("NOTICE_KEEP_PAYLOADS_DAYS", 30)
NOTICE_KEEP_CODES_DAYS = whole("NOTICE_KEEP_CODES_DAYS", 30)
# How long the daily task deletes before it lines up again behind others.
NOTICE_PRUNE_SECONDS = decimal("NOTICE_PRUNE_SECONDS", 120)
for _name in [name for name in dir() if name.startswith("NOTICE_KEEP_")]:
    if not 1 <= vars()[_name] <= _LONGEST_KEPT:
        raise ImproperlyConfigured(f"{_name} is {vars()[_name]}; it has to be from 1 to {_LONGEST_KEPT}.")

VAPID_PRIVATE_KEY = _pem(secret("VAPID_PRIVATE_KEY", "vapid_private.pem"))
# Push services write to this address when something is wrong (RFC 8292 section 2.1).
VAPID_SUBJECT = text("VAPID_SUBJECT", f"mailto:notice@{urlsplit(NOTICE_PUBLIC_URL).hostname or 'localhost'}")

__all__ = [name for name in dir() if name.startswith(("NOTICE_", "VAPID_"))]
