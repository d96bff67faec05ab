"""Sending: claim what is due, send it, record what became of it."""
