"""Calendars: read, expanded, and published as events."""
