"""The WSGI application that the web server serves."""

import os

from django.core.wsgi import get_wsgi_application

from pfs_notice.headers import checked
from pfs_notice.mount import below_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pfs_notice.settings")

application = below_path(checked(get_wsgi_application()))
