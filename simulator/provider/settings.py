"""The provider's settings, from environment variables."""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field


def _new_account_sid() -> str:
    return f"AC{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, who may ask, and how fast time passes."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    account_sid: str = field(default_factory=_new_account_sid)
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))
    time_scale: float = 1.0
    """Seconds that really pass for each simulated one: 0.01 is a hundred times as fast."""
    calls_per_second: float = 1.0
    """How many calls the account may begin in a simulated second; Twilio's default is 1."""
    webhook_timeout: float = 15.0
    """Real seconds for one webhook. https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides"""
    kept: int = 1000
    """How many calls and how many messages are remembered."""


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read ``SIMULATOR_*``; an empty one counts as not set.

    Raises ``ValueError`` for a value that is no good, and for a public host.
    """
    default = Settings()
    settings = Settings(
        host=environment.get("SIMULATOR_HOST") or default.host,
        port=int(environment.get("SIMULATOR_PORT") or default.port),
        account_sid=environment.get("SIMULATOR_ACCOUNT_SID") or default.account_sid,
        auth_token=environment.get("SIMULATOR_AUTH_TOKEN") or default.auth_token,
        time_scale=float(environment.get("SIMULATOR_TIME_SCALE") or default.time_scale),
        calls_per_second=float(environment.get("SIMULATOR_CALLS_PER_SECOND") or default.calls_per_second),
        webhook_timeout=float(environment.get("SIMULATOR_WEBHOOK_TIMEOUT") or default.webhook_timeout),
    )
    if settings.host != "localhost" and not ipaddress.ip_address(settings.host).is_loopback:
        msg = f"SIMULATOR_HOST is {settings.host}: the simulator listens on this machine only"
        raise ValueError(msg)
    if not (settings.time_scale > 0 and settings.calls_per_second > 0 and settings.webhook_timeout > 0):
        msg = "SIMULATOR_TIME_SCALE, _CALLS_PER_SECOND and _WEBHOOK_TIMEOUT must be above 0"
        raise ValueError(msg)
    return settings
