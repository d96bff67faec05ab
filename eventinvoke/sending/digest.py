"""Summaries: after a mute is over, its member is told once of what was held back.

What waits to be told are the rows of ``Held``, written in the transaction that held the notices back.
The transaction that stores a summary and its deliveries takes them away: if a process dies, each notice still
stands in one summary. What another mute of the member still covers waits for the end of that one.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext, ngettext, override

from common.channels import Resend, Severity, registry
from common.clock import now
from common.languages import texts_for
from eventinvoke.models import Delivery, Event, Held, Period
from eventinvoke.planning.matching import SUMMARY_SOURCE
from eventinvoke.planning.publish import EventDraft, publish
from eventinvoke.sending.text import facts_from
from eventinvoke.sending.when import say_day, say_time
from registration.membership import add_inbox
from registration.models import Member, Registration, Step, Target

log = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""How many summaries are made on one wake-up."""
LISTED: Final = 20
LOOKED_AT: Final = 1000
"""Of more notices that were held back the first ones are listed and counted."""
WORTH_TELLING: Final = timedelta(days=1)


def summarise_due() -> int:
    """Make the summaries whose time has come, and return how many that were. One query when there are none."""
    due = Held.objects.filter(until__lte=now()).order_by("until").values_list("member", "registration")
    return sum(_try_to_summarise(*pair) for pair in list(dict.fromkeys(due[:LOOKED_AT]))[:AT_ONCE])


def summarise_of(registration: Registration) -> int:
    """Tell at once what a mute holds back that is about to be deleted; return how many digests that were.

    What another mute of the member still covers waits for the end of that one.
    """
    held = Held.objects.filter(registration=registration)
    members = sorted(set(held.order_by().values_list("member", flat=True)))
    if not members:
        return 0
    with transaction.atomic():
        Period.objects.filter(registration=registration).delete()
        held.update(until=now())
        return sum(_summarise(member, registration.pk) for member in members)


def _try_to_summarise(member: int, registration: int | None) -> bool:
    """Make one summary. One that can't be made does not hold up the others."""
    try:
        return _summarise(member, registration)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block or not connection.is_usable():
            raise  # the database is away: the next wake-up comes back
        log.warning("the summary of member %s is made at the next wake-up", member, exc_info=True)
    except Exception:
        log.exception("the summary of member %s can't be made; it is tried again in an hour", member)
        due = Held.objects.filter(member=member, registration=registration, until__lte=now())
        due.update(until=now() + timedelta(hours=1))
    return False


def _summarise(member: int, registration: int | None) -> bool:
    instant = now()
    with transaction.atomic():
        due = Held.objects.filter(member=member, registration=registration, until__lte=instant)
        rows = list(due.select_for_update().order_by("pk").values_list("pk", "period"))
        if not rows:
            return False  # another worker made it
        covering = _covering(member, registration, instant)
        if covering is not None:
            due.update(until=covering.ends_at, period=covering, registration=covering.registration_id)
            return False
        plan = Registration.objects.filter(pk=registration or 0).first()
        _publish(plan, Member.objects.get(pk=member), rows, instant)
        Period.objects.filter(pk__in={period for _pk, period in rows if period}).update(summarised_at=instant)
        for start in range(0, len(rows), LOOKED_AT):
            Held.objects.filter(pk__in=[pk for pk, _period in rows[start : start + LOOKED_AT]]).delete()
    return True


def _covering(member: int, registration: int | None, instant: datetime) -> Period | None:
    """Return the mute of a member that ends last of those that run and hold back what this one does."""
    running = Period.objects.filter(
        member=member, kind=Period.Kind.MUTE, starts_at__lte=instant, ends_at__gt=instant
    )
    for period in running.select_related("registration").order_by("-ends_at", "-pk"):
        if not period.registration.muted_sources or period.registration_id == registration:
            return period
    return None


def _publish(
    plan: Registration | None, member: Member, rows: Sequence[tuple[int, int | None]], instant: datetime
) -> None:
    """Store the summary of a member's held deliveries (and their periods) as an event, with its deliveries.

    The plan may belong to another member by now, whom the summary does not concern.
    """
    first = str(rows[0][0])  # a delivery is held back once, so no other summary has it
    pks = [pk for pk, _period in rows[:LOOKED_AT]]
    shown = Delivery.objects.filter(pk__in=pks).select_related("event")
    events = list({row.event_id: row.event for row in shown.order_by("event__starts_at", "pk")}.values())
    with override(texts_for(member.language)):
        draft = EventDraft(
            source=SUMMARY_SOURCE,
            external_id=first,
            title=_title(plan, {period for _pk, period in rows if period}),
            description=_listed(events, member),
            starts_at=instant,
            deadline_at=instant + WORTH_TELLING,
            severity=Severity.INFO,
        )
    publish([draft])
    event = Event.objects.get(source=SUMMARY_SOURCE, external_id=first)
    Delivery.objects.bulk_create(
        Delivery(
            event=event,
            member=member,
            target=target,
            registration=plan,
            origin=Delivery.Origin.DIGEST,
            recipient=member.name,
            shown=target.masked,
            condition=Step.Condition.ALWAYS,
            kind=target.kind,
            severity=event.severity,
            starts_at=instant,
            due_at=instant,
            next_attempt_at=instant,
            deadline_at=event.deadline_at,
        )
        for target in _targets(plan, member, pks)
    )


def _title(plan: Registration | None, periods: Collection[int]) -> str:
    """Return the title of a digest, in the active language: it names the event of the last of these periods."""
    if plan is None:
        return gettext("Held back during your quiet hours")
    last = Period.objects.filter(pk__in=periods).order_by("ends_at", "pk")
    title = last.values_list("event__title", flat=True).last() or plan.name
    return gettext("Held back during “%(title)s”") % {"title": title}


def _listed(events: Sequence[Event], member: Member) -> str:
    """Say what was held back, in the active language: a line each, the first of them."""
    lines = []
    for event in events[:LISTED]:
        facts = facts_from(event)
        day = say_day(facts.day(member.zone))
        at = "" if event.is_all_day else say_time(event.starts_at, member.zone)
        lines.append(" ".join(part for part in (day, at, facts.title) if part))
    more = len(events) - LISTED
    if more > 0:
        lines.append(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})
    return "\n".join(lines)


def _targets(plan: Registration | None, member: Member, held: Sequence[int]) -> list[Target]:
    """Return where the plan of a mute says that digests go, among a member's own; the inbox if it says nothing.

    What quiet hours held back goes to the inbox and to the browsers that it was meant for.
    """
    if plan is None:
        kinds = [kind for kind, one in registry().items() if one.capabilities.resend == Resend.AGAIN]
        meant = Delivery.objects.filter(pk__in=held, kind__in=kinds).values("target")
        browsers = Target.objects.usable().filter(pk__in=meant, member=member)
        return list({one.pk: one for one in (*browsers, add_inbox(member))}.values())
    own = Target.objects.usable().filter(steps__registration=plan, member=member)
    return list(own.distinct().order_by("pk")) or [add_inbox(member)]
