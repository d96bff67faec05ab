"""Google Calendar: accounts, consent, and the reading of calendars."""
