"""Retention: what this app deletes when it is too old."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session

from common.db.pruning import Pruner
from registration.models import Job, PaidCount, SignInPlace, SignInTry, Verification
from registration.models.jobs import LIFETIME as JOB_LIFETIME
from registration.sign_ins import KNOWN_FOR
from registration.sign_ins import WINDOW as SIGN_IN_WINDOW


def prune(pruner: Pruner, at: datetime) -> None:
    """Delete verification codes after their time, and failed sign-ins and sessions that no longer count."""
    codes = Verification.objects.filter(expires_at__lte=at)
    before = at - timedelta(days=settings.NOTICE_KEEP_CODES_DAYS)
    pruner.delete(codes, "sent_at", before, each="member_id")
    pruner.delete(SignInTry.objects.all(), "tried_at", at - SIGN_IN_WINDOW)
    pruner.delete(
        PaidCount.objects.all(), "day", (at - timedelta(days=settings.NOTICE_KEEP_COUNTS_DAYS)).date()
    )
    pruner.delete(SignInPlace.objects.all(), "used_at", at - KNOWN_FOR)
    pruner.delete(Session.objects.all(), "expire_date", at)
    pruner.delete(Job.objects.all(), "created_at", at - JOB_LIFETIME)
