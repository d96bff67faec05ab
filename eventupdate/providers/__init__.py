"""Where calendars come from: a module or a package for each kind of source."""
