"""Replies: what providers report later, and what members answer."""
