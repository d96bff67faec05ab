"""The errors that this project raises on purpose.

::

    NoticeError
    ├── InputError            an input that can't be used; has ``field`` and ``message``
    │   ├── PatternError      a regular expression that RE2 does not take
    │   ├── TimeError         a date or time that does not exist, or is not usable
    │   ├── AddressError      a phone number, mail or push address that can't be used
    │   │   └── PrivateAddressError   an address that lies inside a private network
    │   └── FeedError         a calendar feed that can't be read
    ├── ForgedError           a signature or a signed id that is not ours
    └── ProviderError         a provider could not be asked

An ``InputError`` is shown to the person who typed: its message is a plain sentence that says what
is wrong and, where it can, what to type instead.
"""


class NoticeError(Exception):
    """The root of all errors that are raised on purpose."""


class InputError(NoticeError):
    """An input that can't be used.

    ``field`` names the form field or JSON key that it belongs to ("" where there is none).
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        """Store the sentence for the person and the name of the form field."""
        super().__init__(message)
        self.message = message
        self.field = field


class PatternError(InputError):
    """A regular expression that RE2 does not take."""


class TimeError(InputError):
    """A date or a time that does not exist or is not usable."""


class AddressError(InputError):
    """A phone number, mail address or web address that can't be used."""


class PrivateAddressError(AddressError):
    """An address inside a private, loopback or otherwise special network."""


class FeedError(InputError):
    """A calendar feed that can't be fetched or read. The caller must not change what is stored."""


class ForgedError(NoticeError):
    """A signature, or a signed id, that is not ours."""


class ProviderError(NoticeError):
    """A provider could not be asked, or gave an answer that makes no sense."""
