"""Pages to connect calendar accounts, and to choose calendars of an account."""
