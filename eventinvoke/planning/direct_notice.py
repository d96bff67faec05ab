"""Telling one member something that is nobody else's business, and that nobody registers for."""

from django.db import transaction

from eventinvoke.models import Delivery, Event
from eventinvoke.planning.publish import EventDraft, publish
from registration.membership import INBOX, add_inbox
from registration.models import Member


def tell_member(member: Member, draft: EventDraft) -> None:
    """Bring an event to a member's inbox, once however often it is told.

    Its source has to be one that no registration finds (``matching.SUMMARY_SOURCE``).
    """
    with transaction.atomic():
        publish([draft])
        event = Event.objects.get(source=draft.source, external_id=draft.external_id)
        target = add_inbox(member)
        Delivery.objects.get_or_create(
            event=event,
            target=target,
            defaults={
                "member": member,
                "origin": Delivery.Origin.DIRECT,
                "recipient": member.name,
                "shown": target.masked,
                "kind": INBOX,
                "severity": event.severity,
                "starts_at": event.starts_at,
                "due_at": event.starts_at,
                "next_attempt_at": event.starts_at,
                "deadline_at": event.deadline_at,
            },
        )
