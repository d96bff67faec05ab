"""Mail, by Django's mail backends (``EMAIL_URL``).

A mail that may have been sent is sent again with the same Message-ID, by which the recipient's mail
server or program drops the second.
"""
