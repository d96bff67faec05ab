"""Telling one member something that concerns no other member, and that no registration asks for."""

from collections.abc import Iterable

from django.db import transaction

from eventinvoke.models import Delivery, Event
from eventinvoke.planning.publish import EventDraft, publish
from registration.membership import add_inbox
from registration.models import Member, Target


def tell_member(member: Member, draft: EventDraft, also: Iterable[Target] = ()) -> None:
    """Bring an event to a member's inbox and to the targets ``also``, once however often it is told.

    Its source has to be one that no registration finds (``matching.SUMMARY_SOURCE``), and its start the same each time.
    """
    with transaction.atomic():
        publish([draft])
        event = Event.objects.get(source=draft.source, external_id=draft.external_id)
        for target in (add_inbox(member), *also):
            Delivery.objects.get_or_create(
                event=event,
                target=target,
                due_at=event.starts_at,
                defaults={
                    "member": member,
                    "kind": target.kind,
                    "severity": event.severity,
                    "next_attempt_at": event.starts_at,
                    "deadline_at": event.deadline_at,
                    # No registration wants it, so the planner would take it for one too many.
                    "is_snooze": True,
                },
            )
