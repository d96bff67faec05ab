"""Telling one member something that concerns no other member, and that no registration asks for."""

from collections.abc import Iterable

from django.db import transaction

from eventinvoke.models import Delivery, Event
from eventinvoke.planning.publish import EventDraft, publish
from registration.membership import add_inbox
from registration.models import Member, Target


def tell_member(member: Member, draft: EventDraft, also: Iterable[Target] = ()) -> None:
    """Bring an event to a member's inbox and to the targets ``also``, once however often it is told.

    Its source has to be one that no registration finds (``eventinvoke.sources.SUMMARY``), and its start the same each time.
    """
    with transaction.atomic():
        publish([draft])
        event = Event.objects.get(source=draft.source, external_id=draft.external_id)
        for target in (add_inbox(member), *also):
            Delivery.objects.get_or_create(
                event=event,
                target=target,
                defaults={
                    "member": member,
                    "origin": Delivery.Origin.DIRECT,
                    "recipient": member.name,
                    "shown": target.masked,
                    "kind": target.kind,
                    "severity": event.severity,
                    "starts_at": event.starts_at,
                    "due_at": event.starts_at,
                    "next_attempt_at": event.starts_at,
                    "deadline_at": event.deadline_at,
                },
            )
