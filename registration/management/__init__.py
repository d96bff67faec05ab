"""``manage.py reencrypt``."""
