"""The panel's pages about members, targets, registrations and calendars."""
