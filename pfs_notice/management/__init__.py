"""Commands that concern the whole project."""
