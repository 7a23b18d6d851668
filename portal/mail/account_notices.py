"""What is said to the owner of an account about changes that give or took access to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.domain.instants import parse_instant
from portal.domain.mail import Kind
from portal.domain.texts import one_line
from portal.domain.zones import instant_text, parse_zone


@dataclass(frozen=True, slots=True)
class MessageContent:
    """A message. `link` is a path of the portal, which the button opens; opening it does nothing yet."""

    subject: str
    heading: str
    sentences: list[str]
    facts: list[tuple[str, str]] = field(default_factory=list)
    link: str = ""
    button: str = ""


def account_notice(kind: Kind, data: Mapping[str, Any], site: str) -> MessageContent:
    """The words of a message of portal.domain.mail.CHANGES."""
    zone = parse_zone(data["zone"])
    when = ("When", instant_text(parse_instant(data["at"]), zone))
    if kind is Kind.TOKEN_MADE:
        never = data["expires"] == "never"
        expires = "never" if never else instant_text(parse_instant(data["expires"]), zone)
        return MessageContent(
            f"New API token at {site}",
            "An API token was made for your account",
            [
                "A program that has it can do what you can do.",
                "If you did not make it and nobody made it for you, revoke it and change your password.",
            ],
            [("Name", one_line(data["name"])), when, ("Expires", expires)],
            "/account/",
            "Open your account",
        )
    if kind is Kind.PASSWORD_CHANGED:
        sentences = ["Your password was changed with a mailed link."] if data["by"] == "link" else []
        sentences.append("You are signed out in all other browsers.")
        if data["access_ended"]:
            sentences.append("Your API tokens and calendar links have ended.")
        sentences.append("If it was not you, choose a new password now: a link is mailed to this address.")
        return MessageContent(
            f"Your password at {site} was changed",
            "Your password was changed",
            sentences,
            [when],
            "/password/",
            "Choose a new password",
        )
    if kind is Kind.EMAIL_CHANGED:
        return MessageContent(
            f"Your e-mail address at {site} was changed",
            "Your e-mail address was changed",
            [
                "From now on messages go to the new address, and you sign in with it.",
                "If it was not you, tell the people who run the portal at once.",
            ],
            [("New address", one_line(data["email"])), when],
        )
    if kind is Kind.GOOGLE_CONNECTED:
        return MessageContent(
            f"Google account connected to {one_line(data['what'])}",
            "A Google account was connected",
            [
                "The calendars of the organization's offerings are kept in this Google account from now on.",
                "If you do not know who connected it, disconnect it.",
            ],
            [
                ("Organization", one_line(data["what"])),
                ("Google account", one_line(data["google"])),
                ("Connected by", one_line(data["who"])),
                when,
            ],
            data["page"],
            "Open its page",
        )
    return MessageContent(
        f"New calendar link at {site}",
        "A calendar link was made",
        [
            "Whoever has the link can read these bookings, with names and notes.",
            "If you do not know who made it, disable it.",
        ],
        [("Bookings", one_line(data["what"])), ("Made by", one_line(data["who"])), when],
        data["page"],
        "Open its page",
    )
