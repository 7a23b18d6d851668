"""What the worker does beside calendars, each minute: mail, reminders, requests that end by themselves."""

from __future__ import annotations

from datetime import datetime

from portal.config import Settings
from portal.extensions import analyse
from portal.mail.deliver import deliver_due
from portal.models.base import utcnow
from portal.queries.catalogue_index import prune_changes
from portal.services import mail, throttle
from portal.services.bookings import expire_bookings

# Once an hour.
HOURLY_AT = 17


def run_periodic_tasks(settings: Settings, now: datetime | None = None) -> None:
    """End requests that nobody answered, write reminders, send mail, forget what is old. Twice is harmless."""
    now = now or utcnow()
    expire_bookings(now=now)
    mail.write_reminders(now)
    mail.forget_old(now)
    throttle.forget_full(now)
    prune_changes()
    if now.minute == HOURLY_AT:
        analyse()
        mail.seal_links()
    deliver_due(settings)
