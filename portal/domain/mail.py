"""Kinds of mail, and what a person can switch off. Mail about an account itself is always sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from portal.domain.messages import Message


class MailKind(StrEnum):
    """Kinds of messages: to the booker, to those who manage the offering, and about accounts."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    MOVED = "moved"
    EXPIRED = "expired"
    REMINDER = "reminder"
    TO_ANSWER = "to_answer"
    BOOKED = "booked"
    GIVEN_BACK = "given_back"
    MOVED_BY_BOOKER = "moved_by_booker"
    BOOKINGS_SUMMARY = "bookings_summary"
    REQUESTS_SUMMARY = "requests_summary"
    RECONNECT = "reconnect"
    REGISTER = "register"
    KNOWN = "known"
    PASSWORD = "password"  # noqa: S105 - the kind of a message
    INVITATION = "invitation"
    NEW_EMAIL = "new_email"
    TOKEN_MADE = "token_made"  # noqa: S105 - the kind of a message
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the kind of a message
    EMAIL_CHANGED = "email_changed"
    FEED_MADE = "feed_made"
    GOOGLE_CONNECTED = "google_connected"


# Groups that users can switch off, with their labels on the account page.
GROUPS: Mapping[str, str] = {
    "bookings": Message("Answers to my requests, and changes of my bookings"),
    "reminders": Message("Reminders one day before a booking (not for bookings made less than a day ahead)"),
    "requests": Message("Requests and changes of bookings for offerings that I manage"),
    "calendars": Message("Problems with the calendars of organizations that I own"),
}
GROUP_OF: Mapping[MailKind, str] = {
    MailKind.REQUESTED: "bookings",
    MailKind.ACCEPTED: "bookings",
    MailKind.REJECTED: "bookings",
    MailKind.CANCELLED: "bookings",
    MailKind.MOVED: "bookings",
    MailKind.EXPIRED: "bookings",
    MailKind.REMINDER: "reminders",
    MailKind.TO_ANSWER: "requests",
    MailKind.BOOKED: "requests",
    MailKind.GIVEN_BACK: "requests",
    MailKind.MOVED_BY_BOOKER: "requests",
    MailKind.BOOKINGS_SUMMARY: "bookings",
    MailKind.REQUESTS_SUMMARY: "requests",
    MailKind.RECONNECT: "calendars",
}
# The summary that replaces messages if one user has caused too many within an hour.
SUMMARY_OF: Mapping[str, MailKind] = {"bookings": MailKind.BOOKINGS_SUMMARY, "requests": MailKind.REQUESTS_SUMMARY}
# Messages that a summary lists; it says how many more there are.
MAX_LISTED = 50
# The path of a message's link; its secret is inserted when the message is sent.
LINK_OF: Mapping[MailKind, str] = {
    MailKind.REGISTER: "/register/{}/",
    MailKind.PASSWORD: "/password/{}/",
    MailKind.INVITATION: "/password/{}/",
    MailKind.NEW_EMAIL: "/email/{}/",
}
# Links requested by entering an address. Whether it has an account is checked when the message is sent.
ASKED_FOR = frozenset({MailKind.REGISTER, MailKind.PASSWORD, MailKind.NEW_EMAIL})
# Notices to a user that access to their account has changed.
CHANGES = frozenset(
    {
        MailKind.TOKEN_MADE,
        MailKind.PASSWORD_CHANGED,
        MailKind.EMAIL_CHANGED,
        MailKind.FEED_MADE,
        MailKind.GOOGLE_CONNECTED,
    }
)
REMIND_BEFORE = timedelta(days=1)
MAX_ATTEMPTS = 12
LONGEST_WAIT = timedelta(hours=6)


def wait_after(attempts: int) -> timedelta:
    """The wait after this number of failed attempts: from a minute, doubled each time."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 12)), LONGEST_WAIT)


def is_wanted(kind: MailKind, off: object) -> bool:
    """Whether a user who has switched off these groups gets this kind."""
    return not (isinstance(off, list) and GROUP_OF.get(kind) in off)
