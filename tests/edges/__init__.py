"""What the site answers to any request: every route by every role, and hostile input."""
