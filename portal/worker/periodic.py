"""The periodic tasks, once a minute: mail, reminders, expiring requests, cleaning up."""

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
    """Expire unanswered requests, write reminders, send mail, delete old data. Idempotent."""
    now = now or utcnow()
    expire_bookings(now=now)
    mail.write_reminders(now)
    mail.delete_old_records(now)
    throttle.delete_full_buckets(now)
    prune_changes()
    if now.minute == HOURLY_AT:
        analyse()
        mail.encrypt_links()
    deliver_due(settings)
