"""Notices to the owner of an account, or of an organization, about changes of what gives access to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.domain.instants import parse_instant
from portal.domain.mail import MailKind
from portal.domain.texts import one_line
from portal.domain.zones import instant_text, known_zone
from portal.localization import gettext as _
from portal.localization import localized


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
    when = (_("When"), localized(instant_text(parse_instant(data["at"]), zone)))
    if kind is MailKind.TOKEN_MADE:
        never = data["expires"] == "never"
        expires = _("never") if never else localized(instant_text(parse_instant(data["expires"]), zone))
        return MessageContent(
            _("New API token at %(site)s", site=site),
            _("An API token was created for your account"),
            [
                _("A program with this token can do whatever you can do."),
                _("If you do not know who created it, revoke it and change your password."),
            ],
            [(_("Name"), one_line(data["name"])), when, (_("Expires"), expires)],
            "/account/",
            _("Open your account"),
        )
    if kind is MailKind.PASSWORD_CHANGED:
        sentences = [_("Your password was changed with a mailed link.")] if data["by"] == "link" else []
        sentences.append(_("You are signed out in all other browsers."))
        if data["access_ended"]:
            sentences.append(_("Your API tokens and calendar links have ended."))
        sentences.append(_("If it was not you, choose a new password now: the portal mails a link to this address."))
        return MessageContent(
            _("Your password at %(site)s was changed", site=site),
            _("Your password was changed"),
            sentences,
            [when],
            "/password/",
            _("Choose a new password"),
        )
    if kind is MailKind.EMAIL_CHANGED:
        return MessageContent(
            _("Your e-mail address at %(site)s was changed", site=site),
            _("Your e-mail address was changed"),
            [
                _("Messages now go to the new address, and you sign in with it."),
                _("If it was not you, contact the portal's administrators at once."),
            ],
            [(_("New address"), one_line(data["email"])), when],
        )
    if kind is MailKind.GOOGLE_CONNECTED:
        return MessageContent(
            _("Google account connected to %(organization)s", organization=one_line(data["what"])),
            _("A Google account was connected"),
            [
                _("The calendars of the organization's offerings are now kept in this Google account."),
                _("If you do not know who connected it, disconnect it."),
            ],
            [
                (_("Organization"), one_line(data["what"])),
                (_("Google account"), one_line(data["google"])),
                (_("Connected by"), one_line(data["who"])),
                when,
            ],
            data["page"],
            _("Open the connection"),
        )
    return MessageContent(
        _("New calendar link at %(site)s", site=site),
        _("A calendar link was created"),
        [
            _("Anyone with the link can read these bookings, names and notes included."),
            _("If you do not know who created it, disable it."),
        ],
        [(_("Bookings"), one_line(data["what"])), (_("Created by"), one_line(data["who"])), when],
        data["page"],
        _("Open the calendar link"),
    )
