"""``manage.py eventinvoke``."""
