"""Notices to the owner of an account, or of an organization, about changes of what gives access to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.domain.instants import parse_instant
from portal.domain.mail import MailKind
from portal.domain.texts import one_line
from portal.domain.zones import instant_text, known_zone


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a message says. `link` is the portal's path that the button opens; opening it changes nothing."""

    subject: str
    heading: str
    sentences: list[str]
    facts: list[tuple[str, str]] = field(default_factory=list)
    link: str = ""
    button: str = ""


def account_notice(kind: MailKind, data: Mapping[str, Any], site: str) -> MessageContent:
    """The content of a message of portal.domain.mail.CHANGES."""
    zone = known_zone(data["zone"])
    when = ("When", instant_text(parse_instant(data["at"]), zone))
    if kind is MailKind.TOKEN_MADE:
        never = data["expires"] == "never"
        expires = "never" if never else instant_text(parse_instant(data["expires"]), zone)
        return MessageContent(
            f"New API token at {site}",
            "An API token was created for your account",
            [
                "A program with this token can do whatever you can do.",
                "If you do not know who created it, revoke it and change your password.",
            ],
            [("Name", one_line(data["name"])), when, ("Expires", expires)],
            "/account/",
            "Open your account",
        )
    if kind is MailKind.PASSWORD_CHANGED:
        sentences = ["Your password was changed with a mailed link."] if data["by"] == "link" else []
        sentences.append("You are signed out in all other browsers.")
        if data["access_ended"]:
            sentences.append("Your API tokens and calendar links have ended.")
        sentences.append("If it was not you, choose a new password now: the portal mails a link to this address.")
        return MessageContent(
            f"Your password at {site} was changed",
            "Your password was changed",
            sentences,
            [when],
            "/password/",
            "Choose a new password",
        )
    if kind is MailKind.EMAIL_CHANGED:
        return MessageContent(
            f"Your e-mail address at {site} was changed",
            "Your e-mail address was changed",
            [
                "Messages now go to the new address, and you sign in with it.",
                "If it was not you, contact the portal's administrators at once.",
            ],
            [("New address", one_line(data["email"])), when],
        )
    if kind is MailKind.GOOGLE_CONNECTED:
        return MessageContent(
            f"Google account connected to {one_line(data['what'])}",
            "A Google account was connected",
            [
                "The calendars of the organization's offerings are now kept in this Google account.",
                "If you do not know who connected it, disconnect it.",
            ],
            [
                ("Organization", one_line(data["what"])),
                ("Google account", one_line(data["google"])),
                ("Connected by", one_line(data["who"])),
                when,
            ],
            data["page"],
            "Open the connection",
        )
    return MessageContent(
        f"New calendar link at {site}",
        "A calendar link was created",
        [
            "Anyone with the link can read these bookings, names and notes included.",
            "If you do not know who created it, disable it.",
        ],
        [("Bookings", one_line(data["what"])), ("Created by", one_line(data["who"])), when],
        data["page"],
        "Open the calendar link",
    )
