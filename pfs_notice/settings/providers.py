"""Twilio (or the simulated telephone company that stands in for it), mail, and Google Calendar."""

from typing import Final

from pfs_notice import keys
from pfs_notice.settings.environment import VAR_DIR, decimal, email_url, flag, secret, text, whole, words

# script/server chooses a free port and notes it, so that commands in another terminal find it too.
SIMULATOR_URL = text("SIMULATOR_URL", keys.read(VAR_DIR, "simulator_url") or "http://127.0.0.1:8010").rstrip(
    "/"
)

TWILIO_ACCOUNT_SID = text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKENS = words("TWILIO_AUTH_TOKENS")
# What calls; and what writes, where that is another: eventinvoke/providers/twilio/senders.py has the grammar.
TWILIO_FROM_NUMBER = text("TWILIO_FROM_NUMBER")
TWILIO_TEXT_FROM = text("TWILIO_TEXT_FROM")
TWILIO_API_URL = text("TWILIO_API_URL", "https://api.twilio.com").rstrip("/")
TWILIO_CALLS_PER_SECOND = decimal("TWILIO_CALLS_PER_SECOND", 1)

# Texts say that a text is an answer: Twilio has to bring what comes to the sender to /texts for that.
TWILIO_TEXT_REPLIES = flag("TWILIO_TEXT_REPLIES", default=not TWILIO_ACCOUNT_SID)

# With no account configured, calls and messages go to the simulator: the channels have one way only.
IS_SIMULATED = not TWILIO_ACCOUNT_SID
if IS_SIMULATED:
    TWILIO_ACCOUNT_SID = secret("SIMULATOR_ACCOUNT_SID", "simulator_account_sid")
    TWILIO_AUTH_TOKENS = [secret("SIMULATOR_AUTH_TOKEN", "simulator_auth_token")]
    TWILIO_FROM_NUMBER = TWILIO_FROM_NUMBER or "+15005550006"
    TWILIO_API_URL = SIMULATOR_URL

# consolemail: is Django's "console" backend: a mail is shown in the log where none can be sent.
_EMAIL: Final = email_url("EMAIL_URL", "consolemail://")
EMAIL_BACKEND = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = _EMAIL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER = _EMAIL["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _EMAIL["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _EMAIL["EMAIL_USE_SSL"]
EMAIL_FILE_PATH = _EMAIL["EMAIL_FILE_PATH"] or ""
# Seconds for one answer of the mail server; a mail, with all its answers, may take twice as long.
EMAIL_TIMEOUT = 20
EMAIL_CONNECTIONS = whole("EMAIL_CONNECTIONS", 4)
# The name in EHLO; "" is the host of NOTICE_PUBLIC_URL.
EMAIL_EHLO_NAME = text("EMAIL_EHLO_NAME")
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "PFS Notice <notice@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# The OAuth client that members' Google calendars are read with; without it, no page offers to connect one.
GOOGLE_CLIENT_ID = text("GOOGLE_CLIENT_ID")
GOOGLE_CLIENT_SECRET = text("GOOGLE_CLIENT_SECRET")
# Fixed here: no page takes an address of Google's from a member.
GOOGLE_AUTH_URL = text("GOOGLE_AUTH_URL", "https://accounts.google.com/o/oauth2/auth")
GOOGLE_TOKEN_URL = text("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token")
GOOGLE_REVOKE_URL = text("GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke")
GOOGLE_API_URL = text("GOOGLE_API_URL", "https://www.googleapis.com").rstrip("/")

__all__ = [name for name in dir() if name.isupper() and not name.startswith(("_", "VAR_"))]
