"""Calls and messages as Twilio's REST API shows them, and as the phone in the panel does."""

import math
from datetime import datetime
from typing import Any, Final

from simulator.provider.calls import API_VERSION, rfc2822
from simulator.provider.records import (
    Call,
    CallStatus,
    Listening,
    Message,
    MessageStatus,
    OwnNumber,
    Utterance,
    Webhook,
)

_ACCOUNTS: Final = f"/{API_VERSION}/Accounts"
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""GSM 03.38 with its extension."""
_ERROR_MESSAGES: Final = {30003: "Unreachable destination handset", 30005: "Unknown destination handset"}


def _date(instant: datetime | None) -> str | None:
    return None if instant is None else rfc2822(instant)


def call_resource(call: Call, account_sid: str) -> dict[str, Any]:
    """Return a call: https://www.twilio.com/docs/voice/api/call-resource#call-properties."""
    uri = f"{_ACCOUNTS}/{account_sid}/Calls/{call.sid}"
    subresources = ("Events", "Notifications", "Payments", "Recordings", "Siprec", "Streams")
    return {
        "sid": call.sid,
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "date_created": _date(call.created_at),
        "date_updated": _date(call.updated_at or call.created_at),
        "parent_call_sid": None,
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from_,
        "from_formatted": call.from_,
        "phone_number_sid": None,
        "status": call.status.value,
        "start_time": _date(call.started_at),
        "end_time": _date(call.ended_at),
        "duration": None if call.duration is None else str(call.duration),
        "price": None,
        "price_unit": "USD",
        "direction": "outbound-api",
        "answered_by": call.answered_by or None,
        "annotation": None,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(int(call.queued_seconds * 1000)),
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {name.lower(): f"{uri}/{name}.json" for name in subresources},
    }


def message_resource(message: Message, account_sid: str) -> dict[str, Any]:
    """Return a message: https://www.twilio.com/docs/messaging/api/message-resource#message-properties."""
    uri = f"{_ACCOUNTS}/{account_sid}/Messages/{message.sid}"
    code = message.error_code
    return {
        "sid": message.sid,
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": _date(message.created_at),
        "date_updated": _date(message.updated_at or message.created_at),
        "date_sent": _date(message.sent_at),
        "direction": message.direction,
        "error_code": code,
        "error_message": None if code is None else _ERROR_MESSAGES.get(code, "Unknown error"),
        "from": message.from_ or None,
        "messaging_service_sid": message.service or None,
        "num_media": "0",
        "num_segments": "0" if message.status is MessageStatus.ACCEPTED else str(segments(message.body)),
        "price": None,
        "price_unit": "USD",
        "status": message.status.value,
        "to": message.to,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def number_resource(number: OwnNumber, account_sid: str) -> dict[str, Any]:
    """Return a number: https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource."""
    return {
        "sid": number.sid,
        "account_sid": account_sid,
        "phone_number": number.number,
        "friendly_name": number.number,
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "sms_url": number.sms_url,
        "sms_method": number.sms_method,
        "uri": f"{_ACCOUNTS}/{account_sid}/IncomingPhoneNumbers/{number.sid}.json",
    }


def segments(body: str) -> int:
    """Return how many text messages it takes: https://www.twilio.com/docs/glossary/what-sms-character-limit."""
    if set(body) <= _GSM:
        length, single, each = len(body) + sum(character in "^{}\\[~]|€" for character in body), 160, 153
    else:
        length, single, each = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else math.ceil(length / each)


def call_on_phone(call: Call) -> dict[str, Any]:
    """Return a call as the phone shows it, and as tests look at it."""
    return {
        "sid": call.sid,
        "to": call.to,
        "from": call.from_,
        "status": call.status.value,
        "is_ringing": call.status is CallStatus.RINGING,
        "is_over": call.status.is_final,
        "created_at": call.created_at.isoformat(),
        "ended_at": None if call.ended_at is None else call.ended_at.isoformat(),
        "duration": call.duration,
        "answered_by": call.answered_by,
        "saying": None if call.saying is None else _utterance(call.saying),
        "utterance_number": call.utterance_number,
        "listening": None if call.listening is None else _listening(call.listening),
        "transcript": [_utterance(utterance) for utterance in call.transcript],
        "callback": _url(call.options.status_callback),
        "problems": [{"code": code, "message": message} for code, message in call.problems],
    }


def message_on_phone(message: Message) -> dict[str, Any]:
    """Return a message as the phone shows it, and as tests look at it."""
    is_there = message.status in {MessageStatus.DELIVERED, MessageStatus.RECEIVED}
    return {
        "sid": message.sid,
        "to": message.to,
        "from": message.from_,
        "body": message.body,
        "status": message.status.value,
        "is_there": is_there,
        "error_code": message.error_code,
        "service": message.service,
        "direction": message.direction,
        "callback": _url(message.status_callback),
        "created_at": message.created_at.isoformat(),
    }


def _url(webhook: Webhook | None) -> str:
    return "" if webhook is None else webhook.url


def _utterance(utterance: Utterance) -> dict[str, str]:
    return {
        "kind": utterance.kind,
        "text": utterance.text,
        "language": utterance.language,
        "voice": utterance.voice,
    }


def _listening(listening: Listening) -> dict[str, Any]:
    return {
        "num_digits": listening.num_digits,
        "finish_on_key": listening.finish_on_key,
        "digits": listening.digits,
        "is_prompt_over": listening.is_prompt_over,
    }
