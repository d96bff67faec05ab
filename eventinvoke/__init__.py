"""From an event to a confirmed notice: publish, match, plan, claim, send, record."""
