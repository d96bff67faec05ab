"""Pages to connect accounts with calendars, and to choose among the calendars of one."""
