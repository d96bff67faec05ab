"""A telephone company and a phone for those who have no account with a real one."""
