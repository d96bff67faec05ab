"""CalDAV (RFC 4791): accounts, discovery, and the reading of calendars."""
