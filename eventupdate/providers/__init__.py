"""The providers of calendars: a module or a package for each kind of source."""
