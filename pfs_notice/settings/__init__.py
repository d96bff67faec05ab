"""The settings, all chosen by environment variables (docs/operations.md lists them).

``PFS_NOTICE_ENV`` is ``embedded`` (the default: nothing need be configured, missing keys are made) or
``production`` (a missing secret is an error).
"""

from pfs_notice.settings.base import *
from pfs_notice.settings.celery import *
from pfs_notice.settings.databases import *
from pfs_notice.settings.logs import *
from pfs_notice.settings.notice import *
from pfs_notice.settings.providers import *
from pfs_notice.settings.security import *
