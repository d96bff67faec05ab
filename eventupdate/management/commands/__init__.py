"""What ``manage.py`` can do for calendars."""
