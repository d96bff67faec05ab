"""Database helpers that belong to no model."""
