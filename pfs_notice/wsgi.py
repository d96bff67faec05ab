"""The WSGI application that the web server serves."""

import os

from django.core.wsgi import get_wsgi_application

from pfs_notice.headers import checked

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")

application = checked(get_wsgi_application())
