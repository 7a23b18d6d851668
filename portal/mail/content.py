"""The content of each kind of message: subject, sentences, facts and a button. Plain data for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.instants import parse_instant
from portal.domain.mail import CHANGES, LINK_OF, MailKind
from portal.domain.periods import Period
from portal.domain.texts import clean_lines, one_line
from portal.domain.zones import date_text, instant_text, known_zone, local_date, period_text
from portal.mail.account_notices import MessageContent, account_notice

# MailKind -> subject (its part before the colon is the heading), sentence.
_BOOKING: Mapping[MailKind, tuple[str, str]] = {
    MailKind.REQUESTED: ("Requested: {name}", "Your request was received. The time is reserved until it is answered."),
    MailKind.ACCEPTED: ("Confirmed: {name}", "Your booking of {offering} is confirmed."),
    MailKind.REJECTED: ("Rejected: {name}", "Your request for {offering} was rejected."),
    MailKind.CANCELLED: ("Cancelled: {name}", "Your booking of {offering} was cancelled."),
    MailKind.MOVED: ("Moved: {name}", "Your booking of {offering} was moved. The new times are below."),
    MailKind.EXPIRED: (
        "Not answered in time: {name}",
        "Your request for {offering} was not answered before its start.",
    ),
    MailKind.REMINDER: ("{day}: {name}", "Your booking of {offering} starts {starts}."),
    MailKind.TO_ANSWER: (
        "New request: {who}, {offering}",
        "{who} requested {offering}. The time is reserved until you answer.",
    ),
    MailKind.BOOKED: ("Booked: {who}, {offering}", "{who} booked {offering}. The booking was confirmed automatically."),
    MailKind.GIVEN_BACK: (
        "Cancelled: {who}, {offering}",
        "{who} cancelled a booking of {offering}. The time below is free again.",
    ),
    MailKind.MOVED_BY_BOOKER: (
        "Moved: {who}, {offering}",
        "{who} moved a booking of {offering}. The new times are below.",
    ),
}
# MailKind -> subject, heading, sentences, label of the button.
_ACCOUNT: Mapping[MailKind, tuple[str, str, tuple[str, ...], str]] = {
    MailKind.REGISTER: (
        "Your account at {site}",
        "Finish your account",
        ("Someone, probably you, requested an account with this address.", "{lasts}"),
        "Choose a password",
    ),
    MailKind.KNOWN: (
        "Your account at {site}",
        "You already have an account",
        (
            "Someone, probably you, requested an account with this address, which already has one.",
            "Sign in, or choose a new password if you have forgotten yours.",
        ),
        "Sign in",
    ),
    MailKind.NEW_EMAIL: (
        "Your new e-mail address at {site}",
        "Confirm your new e-mail address",
        (
            "Someone, probably you, wants to use this address for their account. Sign in there to confirm it.",
            "If it was not you, ignore this message: nothing has changed.",
            "{lasts}",
        ),
        "Confirm the address",
    ),
    MailKind.INVITATION: (
        "An account for you at {site}",
        "You are invited",
        ("An account was created for you at {site}.", "{lasts}"),
        "Choose a password",
    ),
    MailKind.PASSWORD: (
        "A new password at {site}",
        "Choose a new password",
        (
            "Someone, probably you, requested a new password.",
            "If it was not you, ignore this message: nothing has changed.",
            "{lasts}",
        ),
        "Choose a password",
    ),
}


def content_of(kind: MailKind, data: Mapping[str, Any], site: str, secret: str, now: datetime) -> MessageContent:
    """The content of a message that is sent at `now`; `secret` is the secret part of its link.

    Names are reduced to one line each, so that none can look like a line of the message itself.
    """
    if kind in _ACCOUNT:
        return _account(kind, data, one_line(site), secret)
    if kind in CHANGES:
        return account_notice(kind, data, one_line(site))
    if kind is MailKind.RECONNECT:
        return _reconnect(data)
    if kind in (MailKind.BOOKINGS_SUMMARY, MailKind.REQUESTS_SUMMARY):
        return _summary(kind, data)
    return _booking(kind, data, now)


def _account(kind: MailKind, data: Mapping[str, Any], site: str, secret: str) -> MessageContent:
    subject, heading, sentences, button = _ACCOUNT[kind]
    # Messages that an earlier version queued name no end.
    until = f"until {_end_text(data)}" if "until" in data else f"for {data.get('lasts', 'a day')}"
    lasts = f"The link works once, {until}."
    return MessageContent(
        subject.format(site=site),
        heading,
        [it.format(site=site, lasts=lasts) for it in sentences],
        link=LINK_OF[kind].format(secret) if kind in LINK_OF else "/login",
        button=button,
    )


def _reconnect(data: Mapping[str, Any]) -> MessageContent:
    organization = one_line(data["organization"])
    return MessageContent(
        f"Reconnect Google Calendar of {organization}",
        "Google Calendar must be reconnected",
        [
            f"The portal can no longer reach Google for {organization}: {one_line(data['reason'])}",
            "Its calendars are not synced until you reconnect.",
        ],
        link=f"/manage/organizations/{data['organization_uuid']}/google/",
        button="Reconnect",
    )


def _end_text(data: Mapping[str, Any]) -> str:
    return instant_text(parse_instant(data["until"]), known_zone(data["zone"]))


def _booking(kind: MailKind, data: Mapping[str, Any], now: datetime) -> MessageContent:
    zone = known_zone(data["zone"])
    names = {key: one_line(str(data.get(key, ""))) for key in ("name", "offering", "who")}
    if kind is MailKind.REMINDER:
        names |= _day_of_start(data, zone, now)
    subject, sentence = _BOOKING[kind]
    sentences = [sentence.format_map(names)]
    if kind in (MailKind.MOVED, MailKind.MOVED_BY_BOOKER) and data["state"] == "requested":
        sentences.append("It needs approval again.")
    facts = [
        *(("When", it) for it in times(data, zone)),
        ("Time zone", zone.key),
        ("What", names["offering"]),
        ("Where", one_line(str(data.get("provider", "")))),
        ("For", names["name"]),
        ("Note", clean_lines(str(data.get("note", "")))),
        ("Reason", clean_lines(str(data.get("reason", "")))),
    ]
    return MessageContent(
        subject.format_map(names),
        subject.partition(":")[0].format_map(names),
        sentences,
        [(label, value) for label, value in facts if value],
        f"/bookings/{data['booking']}/",
        "Open the request" if kind is MailKind.TO_ANSWER else "Open the booking",
    )


def _day_of_start(data: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """When a booking starts, as seen on the day on which the message is sent, for the subject and a sentence."""
    start = min(parse_instant(it["start"]) for it in data["slots"])
    day, today = local_date(start, zone), local_date(now, zone)
    clock = f"{start.astimezone(zone):%H:%M}"
    if day == today:
        return {"day": "Today", "starts": f"today at {clock}"}
    if day == today + timedelta(days=1):
        return {"day": "Tomorrow", "starts": f"tomorrow at {clock}"}
    return {"day": date_text(day), "starts": f"on {date_text(day)} at {clock}"}


def _summary(kind: MailKind, data: Mapping[str, Any]) -> MessageContent:
    number, who = data["number"], one_line(data["who"])
    heading = "1 more message" if number == 1 else f"{number} more messages"
    facts = []
    for entry in data["messages"]:
        label = _BOOKING[MailKind(entry["kind"])][0].partition(":")[0]
        when = "; ".join(times(entry, known_zone(entry["zone"])))
        facts.append((label, f"{one_line(entry['offering'])}: {when} ({entry['zone']})"))
    if number > len(facts):
        facts.append(("And", f"{number - len(facts)} more"))
    if kind is MailKind.BOOKINGS_SUMMARY:
        subject, link, button = f"{heading} about your bookings", "/bookings/", "Open my bookings"
        what = "You changed many bookings within an hour."
        if not data.get("own", True):
            what = f"{who} changed many of your bookings within an hour."
    else:
        subject, link, button = f"{heading} about bookings by {who}", "/manage/requests/", "Open the requests"
        what = f"{who} changed many bookings within an hour."
    return MessageContent(subject, heading, [f"{what} These changes were not mailed one by one."], facts, link, button)


def times(data: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """The periods of a booking in the offering's time zone."""
    return [period_text(Period(parse_instant(it["start"]), parse_instant(it["end"])), zone) for it in data["slots"]]
