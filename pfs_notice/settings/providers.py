"""Twilio (or the simulated telephone company that stands in for it), mail, and Google Calendar."""

from typing import Any, cast

from pfs_notice import keys
from pfs_notice.settings.environment import VAR_DIR, decimal, env, secret, text, words

# script/server chooses a free port and notes it, so that commands in another terminal find it too.
SIMULATOR_URL = text("SIMULATOR_URL", keys.read(VAR_DIR, "simulator_url") or "http://127.0.0.1:8010").rstrip(
    "/"
)

TWILIO_ACCOUNT_SID = text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKENS = words("TWILIO_AUTH_TOKENS")
TWILIO_FROM_NUMBER = text("TWILIO_FROM_NUMBER")
TWILIO_API_URL = text("TWILIO_API_URL", "https://api.twilio.com").rstrip("/")
TWILIO_CALLS_PER_SECOND = decimal("TWILIO_CALLS_PER_SECOND", 1)

# With no account configured, calls and messages go to the simulator: the channels have one way only.
IS_SIMULATED = not TWILIO_ACCOUNT_SID
if IS_SIMULATED:
    TWILIO_ACCOUNT_SID = secret("SIMULATOR_ACCOUNT_SID", "simulator_account_sid")
    TWILIO_AUTH_TOKENS = [secret("SIMULATOR_AUTH_TOKEN", "simulator_auth_token")]
    TWILIO_FROM_NUMBER = TWILIO_FROM_NUMBER or "+15005550006"
    TWILIO_API_URL = SIMULATOR_URL

# consolemail: is Django's "console" backend: a mail is shown in the log where none can be sent.
_EMAIL = cast("dict[str, Any]", env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_BACKEND = _EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = _EMAIL.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _EMAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _EMAIL.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _EMAIL.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = bool(_EMAIL.get("EMAIL_USE_TLS"))
EMAIL_USE_SSL = bool(_EMAIL.get("EMAIL_USE_SSL"))
EMAIL_FILE_PATH = _EMAIL.get("EMAIL_FILE_PATH") or ""
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "PFS Notice <notice@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# The OAuth client that members' Google calendars are read with; without it, nobody is offered to connect one.
GOOGLE_CLIENT_ID = text("GOOGLE_CLIENT_ID")
GOOGLE_CLIENT_SECRET = text("GOOGLE_CLIENT_SECRET")
# Fixed here and by nobody else: no page takes an address of Google's from a member.
GOOGLE_AUTH_URL = text("GOOGLE_AUTH_URL", "https://accounts.google.com/o/oauth2/auth")
GOOGLE_TOKEN_URL = text("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token")
GOOGLE_REVOKE_URL = text("GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke")
GOOGLE_API_URL = text("GOOGLE_API_URL", "https://www.googleapis.com").rstrip("/")

__all__ = [name for name in dir() if name.isupper() and not name.startswith(("_", "VAR_"))]
