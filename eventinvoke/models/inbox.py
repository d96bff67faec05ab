"""What a member has looked at in the inbox."""

from django.db import models

from registration.models import Member


class InboxMark(models.Model):
    """When a member last opened the inbox; what was sent to it since is unread."""

    member = models.OneToOneField(
        Member, on_delete=models.CASCADE, primary_key=True, related_name="inbox_mark"
    )
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        """Say when."""
        return f"read at {self.read_at:%Y-%m-%d %H:%M:%S}"
