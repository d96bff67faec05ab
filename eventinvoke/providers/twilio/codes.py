"""Twilio's error numbers: https://www.twilio.com/docs/api/errors.

``REFUSALS`` are answers to a request that creates something; ``MISHAPS`` are reported later for a text
message that was accepted. Codes about the own number, address or account are a misconfiguration; codes about
the recipient make another try useless, so that the next step of the plan is brought forward at once.
"""

from typing import Final

from common.channels import Outcome

_REJECTED: Final = Outcome.REJECTED
_OURS: Final = Outcome.MISCONFIGURED
OPTED_OUT: Final = "The recipient has answered STOP to our text messages."
"""The reason of targets that 21610 disables."""

REFUSALS: Final = {
    # About the recipient.
    13223: (_REJECTED, "The phone number can't be dialled."),
    13224: (_REJECTED, "The phone number can't be dialled."),
    13225: (_REJECTED, "The phone number is blocked."),
    13226: (_REJECTED, "The phone number has a country code that does not exist."),
    13227: (_REJECTED, "The Twilio account may not call this country; its geographic permissions say so."),
    21201: (_REJECTED, "There is no phone number to call."),
    21211: (_REJECTED, "The phone number is not valid."),
    21214: (_REJECTED, "The phone number can't be reached."),
    21215: (_REJECTED, "The Twilio account may not call this country; its geographic permissions say so."),
    21216: (_REJECTED, "The Twilio account may not call this number."),
    21217: (_REJECTED, "The phone number does not seem to be valid."),
    21219: (_REJECTED, "A Twilio trial account reaches verified numbers only, and this is none."),
    21266: (_REJECTED, "The phone number is our own."),
    21408: (
        _REJECTED,
        "The Twilio account may not write to this country; its geographic permissions say so.",
    ),
    21604: (_REJECTED, "There is no phone number to write to."),
    21608: (_REJECTED, "A Twilio trial account reaches verified numbers only, and this is none."),
    21610: (Outcome.GONE, OPTED_OUT),
    21612: (_REJECTED, "Our sender can send no text message to this phone number."),
    21614: (_REJECTED, "The phone number takes no text messages; it is not a mobile number."),
    21617: (_REJECTED, "The text message is too long."),
    21635: (_REJECTED, "The phone number is a landline and takes no text messages."),
    # About the own account, number or address.
    10001: (_OURS, "The Twilio account is not active."),
    20003: (_OURS, "Twilio does not accept our account or token."),
    20005: (_OURS, "The Twilio account is not active."),
    20006: (_OURS, "The Twilio account may not do this."),
    20008: (_OURS, "These are test credentials of Twilio, which reach no phone."),
    21205: (_OURS, "Twilio can't reach NOTICE_PUBLIC_URL."),
    21210: (_OURS, "The number of TWILIO_FROM_NUMBER is not verified."),
    21212: (_OURS, "Twilio can't use the sender of TWILIO_FROM_NUMBER or TWILIO_TEXT_FROM."),
    21213: (_OURS, "TWILIO_FROM_NUMBER is not set."),
    21267: (_OURS, "A Twilio trial account can't write under a name; TWILIO_TEXT_FROM has to be a number."),
    21603: (_OURS, "TWILIO_FROM_NUMBER is not set."),
    21606: (
        _OURS,
        "Our sender can't send text messages to this country; TWILIO_TEXT_FROM may name another for it.",
    ),
    21609: (_OURS, "Twilio can't reach NOTICE_PUBLIC_URL."),
    21659: (_OURS, "The sender of text messages does not belong to the Twilio account, or to this country."),
    21660: (_OURS, "The sender of text messages does not belong to the Twilio account."),
    21701: (_OURS, "Twilio knows no Messaging Service with the id in TWILIO_TEXT_FROM."),
    21703: (_OURS, "The Messaging Service has no sender for this phone number."),
    21704: (_OURS, "The Messaging Service has no phone numbers."),
    21705: (_OURS, "Twilio knows no Messaging Service with the id in TWILIO_TEXT_FROM."),
    # Temporary.
    10004: (Outcome.RETRY, "The Twilio account has as many calls as it may have at once."),
    14107: (Outcome.RETRY, "The Twilio account sends more messages than it may."),
    20429: (Outcome.RETRY, "Twilio gets too many requests from us."),
    21611: (Outcome.RETRY, "Too many messages wait for our sender."),
    30001: (Outcome.RETRY, "Too many messages wait at Twilio."),
}

MISHAPS: Final = {
    21610: OPTED_OUT,
    30001: "Too many messages were waiting at Twilio.",
    30002: "The Twilio account was suspended.",
    30003: "The phone is switched off or out of reach.",
    30004: "The recipient or the carrier blocks our text messages.",
    30005: "The phone number does not exist any more.",
    30006: "The phone number is a landline, or its carrier can't be reached.",
    30007: "The carrier took the text message for spam.",
    30008: "The carrier gave no reason.",
    30022: "The carrier allows no more messages from us now.",
    30023: "The carrier allows no more messages from us today.",
    30034: "Our sender is not registered for text messages to the United States.",
    30036: "Its time was over before it could be sent.",
    30410: "The carrier did not answer in time.",
    30500: "Twilio had trouble of its own.",
}

UNSUBSCRIBED: Final = 21610
"""The only code that disables a target: the others may mean a ported number, a new phone, a mistake."""
