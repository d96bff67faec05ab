"""The account itself: its credit, and where Twilio brings texts that come to its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from common.http import exchange
from eventinvoke.providers.twilio import answers, rest

_BALANCE: Final = "balance"


@dataclass(frozen=True, slots=True)
class Account:
    """What Twilio says of the account."""

    balance: str
    """With its currency, as in "12.30 USD"; "" where Twilio gives none, as for subaccounts."""
    webhooks: dict[str, str | None]
    """Where texts to a number are brought; None for a number that is not the account's."""
    problem: str = ""
    """Why something could not be asked."""


def look(numbers: Sequence[str]) -> Account:
    """Ask for the balance, and for the webhook of each number (E.164)."""
    path = rest.account_path()
    requests = [rest.get(f"{path}Balance.json", _BALANCE)]
    for number in numbers:
        query = urlencode({"PhoneNumber": number, "PageSize": 1})
        requests.append(rest.get(f"{path}IncomingPhoneNumbers.json?{query}", number))
    balance, problem, webhooks = "", "", dict[str, str | None]()
    for reply in exchange(requests):
        if reply is None:
            continue
        if not answers.is_success(reply):
            problem = answers.trouble(reply)
        elif reply.tag == _BALANCE:
            balance = _money(rest.content(reply))
        else:
            webhooks[reply.tag] = _webhook(rest.content(reply).get("incoming_phone_numbers"))
    return Account(balance, webhooks, problem)


def _money(found: Any) -> str:
    balance, currency = found.get("balance"), found.get("currency")
    return f"{balance} {currency or ''}".strip() if balance not in {None, ""} else ""


def _webhook(rows: Any) -> str | None:
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return None
    return str(rows[0].get("sms_url") or "")
