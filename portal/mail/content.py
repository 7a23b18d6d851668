"""What each kind of message says: subject, sentences, facts, and where to go on. Plain data for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.instants import parse_instant
from portal.domain.mail import CHANGES, LINK_OF, Kind
from portal.domain.periods import Period
from portal.domain.texts import clean_lines, one_line
from portal.domain.zones import parse_zone, period_text
from portal.mail.account_notices import MessageContent, account_notice


def content_of(kind: Kind, data: Mapping[str, Any], site: str, secret: str = "") -> MessageContent:
    """The words of a message of this kind about these facts. `secret` is what its link holds.

    Names are on one line each, whatever was typed, so that none looks like a line of the message's own.
    """
    if kind is Kind.KNOWN or kind in LINK_OF:
        return _account(kind, data, one_line(site), secret)
    if kind in CHANGES:
        return account_notice(kind, data, one_line(site))
    if kind is Kind.RECONNECT:
        organization = one_line(data["organization"])
        return MessageContent(
            f"Reconnect Google Calendar of {organization}",
            "Google Calendar has to be connected again",
            [
                f"The portal can't reach Google for {organization} any more: {one_line(data['reason'])}",
                "Until it is connected again, its calendars are not brought up to date.",
            ],
            link=f"/manage/organizations/{data['organization_uuid']}/google/",
            button="Connect again",
        )
    if kind in (Kind.BOOKINGS_SUMMARY, Kind.REQUESTS_SUMMARY):
        return _summary(kind, data)
    return _booking(kind, data)


_SUBJECTS: Mapping[Kind, str] = {
    Kind.REQUESTED: "Requested: {name}",
    Kind.ACCEPTED: "Confirmed: {name}",
    Kind.REJECTED: "Rejected: {name}",
    Kind.CANCELLED: "Cancelled: {name}",
    Kind.MOVED: "Moved: {name}",
    Kind.EXPIRED: "Not answered in time: {name}",
    Kind.REMINDER: "Tomorrow: {name}",
    Kind.TO_ANSWER: "Please answer: {who} asks for {offering}",
    Kind.BOOKED: "Booked: {who}, {offering}",
    Kind.GIVEN_BACK: "Given back: {who}, {offering}",
    Kind.MOVED_BY_BOOKER: "Moved: {who}, {offering}",
}
_SENTENCES: Mapping[Kind, str] = {
    Kind.REQUESTED: "Your request has arrived. The time is held for you until it is answered.",
    Kind.ACCEPTED: "Your booking of {offering} is confirmed.",
    Kind.REJECTED: "Your request for {offering} was rejected.",
    Kind.CANCELLED: "Your booking of {offering} was cancelled.",
    Kind.MOVED: "Your booking of {offering} was moved. Below are its new times.",
    Kind.EXPIRED: "Nobody answered your request for {offering} before it would have begun, so it ended by itself.",
    Kind.REMINDER: "This is what you have booked.",
    Kind.TO_ANSWER: "{who} asks for {offering}. The time is held until you answer.",
    Kind.BOOKED: "{who} has booked {offering}; it accepts requests by itself.",
    Kind.GIVEN_BACK: "{who} does not need {offering} any more: the time below is free again.",
    Kind.MOVED_BY_BOOKER: "{who} has moved a booking of {offering}. Below are its new times.",
}


def _booking(kind: Kind, data: Mapping[str, Any]) -> MessageContent:
    zone = parse_zone(data["zone"])
    named = {key: one_line(str(data.get(key, ""))) for key in ("name", "offering", "who")}
    subject = _SUBJECTS[kind].format_map(named)
    sentences = [_SENTENCES[kind].format_map(named)]
    waits = data["state"] == "requested"
    if kind in (Kind.MOVED, Kind.MOVED_BY_BOOKER) and waits:
        sentences.append("It has to be confirmed again.")
    facts = [("When", it) for it in times(data, zone)]
    facts.append(("Time zone", zone.key))
    for label, value in (
        ("What", named["offering"]),
        ("Where", one_line(str(data.get("provider", "")))),
        ("For", named["name"]),
        ("Note", clean_lines(str(data.get("note", "")))),
        ("Reason", clean_lines(str(data.get("reason", "")))),
    ):
        if value:
            facts.append((label, value))
    return MessageContent(
        subject,
        subject.partition(":")[0],
        sentences,
        facts,
        f"/bookings/{data['booking']}/",
        "Open the request" if kind is Kind.TO_ANSWER else "Open the booking",
    )


_LISTED: Mapping[Kind, str] = {
    Kind.REQUESTED: "Requested",
    Kind.ACCEPTED: "Confirmed",
    Kind.CANCELLED: "Cancelled",
    Kind.MOVED: "Moved",
    Kind.EXPIRED: "Not answered in time",
    Kind.TO_ANSWER: "To answer",
    Kind.BOOKED: "Booked",
    Kind.GIVEN_BACK: "Cancelled",
    Kind.MOVED_BY_BOOKER: "Moved",
}


def _summary(kind: Kind, data: Mapping[str, Any]) -> MessageContent:
    number, who = data["number"], one_line(data["who"])
    news = "1 more message" if number == 1 else f"{number} more messages"
    facts = []
    for entry in data["messages"]:
        when = "; ".join(times(entry, parse_zone(entry["zone"])))
        facts.append((_LISTED[Kind(entry["kind"])], f"{one_line(entry['offering'])}: {when} ({entry['zone']})"))
    if number > len(facts):
        facts.append(("And", f"{number - len(facts)} more"))
    if kind is Kind.BOOKINGS_SUMMARY:
        subject, what = f"{news} about your bookings", "You changed many bookings within an hour. These are the rest."
        if not data.get("own", True):
            what = f"{who} changed many of your bookings within an hour. These are the rest."
        return MessageContent(subject, news, [what], facts, "/bookings/", "Open my bookings")
    what = f"{who} changed many bookings within an hour. You got the first messages one by one; these are the rest."
    return MessageContent(
        f"{news} about bookings by {who}", news, [what], facts, "/manage/requests/", "Open the requests"
    )


def times(data: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """The periods of a booking by the offering's clocks."""
    return [period_text(Period(parse_instant(it["start"]), parse_instant(it["end"])), zone) for it in data["slots"]]


def _account(kind: Kind, data: Mapping[str, Any], site: str, secret: str) -> MessageContent:
    link = LINK_OF[kind].format(secret) if kind in LINK_OF else "/login"
    ends = f"The link works once, for {data.get('lasts', 'a day')}."
    if kind is Kind.REGISTER:
        return MessageContent(
            f"Your account at {site}",
            "Finish your account",
            ["Somebody, probably you, asked for an account with this address.", ends],
            link=link,
            button="Choose a password",
        )
    if kind is Kind.KNOWN:
        return MessageContent(
            f"Your account at {site}",
            "You have an account already",
            [
                "Somebody, probably you, asked for an account with this address. There is one.",
                "Sign in, or choose a new password if you have forgotten yours.",
            ],
            link=link,
            button="Sign in",
        )
    if kind is Kind.NEW_EMAIL:
        return MessageContent(
            f"Your new e-mail address at {site}",
            "Confirm your new e-mail address",
            [
                "Somebody, probably you, wants to use this address for their account. Sign in there to confirm it.",
                "If it was not you, ignore this: nothing has changed.",
                ends,
            ],
            link=link,
            button="Confirm the address",
        )
    if kind is Kind.INVITATION:
        return MessageContent(
            f"An account for you at {site}",
            "You are invited",
            [f"An account was made for you at {site}.", ends],
            link=link,
            button="Choose a password",
        )
    return MessageContent(
        f"A new password at {site}",
        "Choose a new password",
        [
            "Somebody, probably you, asked for a new password. If it was not you, ignore this: nothing has changed.",
            ends,
        ],
        link=link,
        button="Choose a password",
    )
