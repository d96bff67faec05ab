"""Twilio's error answers, by their codes: https://www.twilio.com/docs/api/errors."""

from collections.abc import Mapping


class TwilioError(Exception):
    """A request that Twilio refuses."""

    def __init__(
        self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep the HTTP status, Twilio's code and its sentence."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """Return the JSON that Twilio answers with."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def unauthorised() -> TwilioError:
    """Wrong account or token."""
    realm = {"WWW-Authenticate": 'Basic realm="Twilio API"'}
    return TwilioError(401, 20003, "Authenticate", realm)


def not_found(path: str) -> TwilioError:
    """There is no such resource."""
    return TwilioError(404, 20404, f"The requested resource {path} was not found")


def server_error() -> TwilioError:
    """Twilio itself is in trouble."""
    return TwilioError(500, 20500, "An internal server error has occurred")


def invalid(code: int, message: str) -> TwilioError:
    """A parameter that can't be used."""
    return TwilioError(400, code, message)
