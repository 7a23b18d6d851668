"""The content of each kind of message: subject, sentences, facts and a button. Plain data for the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.instants import parse_instant
from portal.domain.mail import CHANGES, LINK_OF, MailKind
from portal.domain.messages import N_, Message
from portal.domain.periods import Period
from portal.domain.texts import clean_lines, one_line
from portal.domain.zones import date_text, instant_text, known_zone, local_date, period_text
from portal.localization import gettext as _
from portal.localization import localized, ngettext
from portal.mail.account_notices import MessageContent, account_notice

# MailKind -> subject (its part before the colon is the heading), sentence.
_BOOKING: Mapping[MailKind, tuple[str, str]] = {
    MailKind.REQUESTED: (
        N_("Requested: %(name)s"),
        N_("Your request was received. The time is reserved until it is answered."),
    ),
    MailKind.ACCEPTED: (N_("Confirmed: %(name)s"), N_("Your booking of %(offering)s is confirmed.")),
    MailKind.REJECTED: (N_("Rejected: %(name)s"), N_("Your request for %(offering)s was rejected.")),
    MailKind.CANCELLED: (N_("Cancelled: %(name)s"), N_("Your booking of %(offering)s was cancelled.")),
    MailKind.MOVED: (N_("Moved: %(name)s"), N_("Your booking of %(offering)s was moved. The new times are below.")),
    MailKind.EXPIRED: (
        N_("Not answered in time: %(name)s"),
        N_("Your request for %(offering)s was not answered before its start."),
    ),
    MailKind.REMINDER: (N_("%(day)s: %(name)s"), N_("Your booking of %(offering)s starts %(starts)s.")),
    MailKind.TO_ANSWER: (
        N_("New request: %(who)s, %(offering)s"),
        N_("%(who)s requested %(offering)s. The time is reserved until you answer."),
    ),
    MailKind.BOOKED: (
        N_("Booked: %(who)s, %(offering)s"),
        N_("%(who)s booked %(offering)s. The booking was confirmed automatically."),
    ),
    MailKind.GIVEN_BACK: (
        N_("Cancelled: %(who)s, %(offering)s"),
        N_("%(who)s cancelled a booking of %(offering)s. The time below is free again."),
    ),
    MailKind.MOVED_BY_BOOKER: (
        N_("Moved: %(who)s, %(offering)s"),
        N_("%(who)s moved a booking of %(offering)s. The new times are below."),
    ),
}
# MailKind -> subject, heading, sentences, label of the button.
_ACCOUNT: Mapping[MailKind, tuple[str, str, tuple[str, ...], str]] = {
    MailKind.REGISTER: (
        N_("Your account at %(site)s"),
        N_("Finish your account"),
        (N_("Someone, probably you, requested an account with this address."), "%(lasts)s"),
        N_("Choose a password"),
    ),
    MailKind.KNOWN: (
        N_("Your account at %(site)s"),
        N_("You already have an account"),
        (
            N_("Someone, probably you, requested an account with this address, which already has one."),
            N_("Sign in, or choose a new password if you have forgotten yours."),
        ),
        N_("Sign in"),
    ),
    MailKind.NEW_EMAIL: (
        N_("Your new e-mail address at %(site)s"),
        N_("Confirm your new e-mail address"),
        (
            N_("Someone, probably you, wants to use this address for their account. Sign in there to confirm it."),
            N_("If it was not you, ignore this message: nothing has changed."),
            "%(lasts)s",
        ),
        N_("Confirm the address"),
    ),
    MailKind.INVITATION: (
        N_("An account for you at %(site)s"),
        N_("You are invited"),
        (N_("An account was created for you at %(site)s."), "%(lasts)s"),
        N_("Choose a password"),
    ),
    MailKind.PASSWORD: (
        N_("A new password at %(site)s"),
        N_("Choose a new password"),
        (
            N_("Someone, probably you, requested a new password."),
            N_("If it was not you, ignore this message: nothing has changed."),
            "%(lasts)s",
        ),
        N_("Choose a password"),
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
    lasts = _("The link works once.")
    if "until" in data:
        lasts = _("The link works once, until %(instant)s.", instant=_end_text(data))
    names = {"site": site, "lasts": lasts}
    return MessageContent(
        _(subject) % names,
        _(heading),
        [(it if it == "%(lasts)s" else _(it)) % names for it in sentences],
        link=LINK_OF[kind].format(secret) if kind in LINK_OF else "/login",
        button=_(button),
    )


def _reconnect(data: Mapping[str, Any]) -> MessageContent:
    organization = one_line(data["organization"])
    return MessageContent(
        _("Reconnect Google Calendar of %(organization)s", organization=organization),
        _("Google Calendar must be reconnected"),
        [
            _(
                "The portal can no longer reach Google for %(organization)s: %(reason)s",
                organization=organization,
                reason=localized(Message(one_line(data["reason"]))) if data["reason"] else "",
            ),
            _("Its calendars are not synced until you reconnect."),
        ],
        link=f"/manage/organizations/{data['organization_uuid']}/google/",
        button=_("Reconnect"),
    )


def _end_text(data: Mapping[str, Any]) -> str:
    text: str = localized(instant_text(parse_instant(data["until"]), known_zone(data["zone"])))
    return text


def _booking(kind: MailKind, data: Mapping[str, Any], now: datetime) -> MessageContent:
    zone = known_zone(data["zone"])
    names = {key: one_line(str(data.get(key, ""))) for key in ("name", "offering", "who")}
    if kind is MailKind.REMINDER:
        names |= _day_of_start(data, zone, now)
    subject, sentence = _BOOKING[kind]
    sentences = [_(sentence) % names]
    if kind in (MailKind.MOVED, MailKind.MOVED_BY_BOOKER) and data["state"] == "requested":
        sentences.append(_("It needs approval again."))
    facts = [
        *((_("When"), it) for it in times(data, zone)),
        (_("Time zone"), zone.key),
        (_("What"), names["offering"]),
        (_("Where"), one_line(str(data.get("provider", "")))),
        (_("For"), names["name"]),
        (_("Note"), clean_lines(str(data.get("note", "")))),
        (_("Reason"), clean_lines(str(data.get("reason", "")))),
    ]
    return MessageContent(
        _(subject) % names,
        _title(subject) % names,
        sentences,
        [(label, value) for label, value in facts if value],
        f"/bookings/{data['booking']}/",
        _("Open the request") if kind is MailKind.TO_ANSWER else _("Open the booking"),
    )


def _title(subject: str) -> str:
    """What has happened: the translated subject before its colon. (French has a no-break space in between.)"""
    return str(_(subject)).partition(":")[0].rstrip()


def _day_of_start(data: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> dict[str, str]:
    """When a booking starts, as seen on the day on which the message is sent, for the subject and a sentence."""
    start = min(parse_instant(it["start"]) for it in data["slots"])
    day, today = local_date(start, zone), local_date(now, zone)
    clock = f"{start.astimezone(zone):%H:%M}"
    if day == today:
        return {"day": _("Today"), "starts": _("today at %(time)s", time=clock)}
    if day == today + timedelta(days=1):
        return {"day": _("Tomorrow"), "starts": _("tomorrow at %(time)s", time=clock)}
    shown = localized(date_text(day))
    return {"day": shown, "starts": _("on %(day)s at %(time)s", day=shown, time=clock)}


def _summary(kind: MailKind, data: Mapping[str, Any]) -> MessageContent:
    number, who = data["number"], one_line(data["who"])
    heading = ngettext("%(number)s more message", "%(number)s more messages", number, number=number)
    facts = []
    for entry in data["messages"]:
        label = _title(_BOOKING[MailKind(entry["kind"])][0])
        when = "; ".join(times(entry, known_zone(entry["zone"])))
        facts.append((label, f"{one_line(entry['offering'])}: {when} ({entry['zone']})"))
    if number > len(facts):
        facts.append((_("And"), _("%(number)s more", number=number - len(facts))))
    if kind is MailKind.BOOKINGS_SUMMARY:
        subject, link, button = (
            _("%(messages)s about your bookings", messages=heading),
            "/bookings/",
            _("Open my bookings"),
        )
        what = _("You changed many bookings within an hour.")
        if not data.get("own", True):
            what = _("%(who)s changed many of your bookings within an hour.", who=who)
    else:
        subject, link, button = (
            _("%(messages)s about bookings by %(who)s", messages=heading, who=who),
            "/manage/requests/",
            _("Open the requests"),
        )
        what = _("%(who)s changed many bookings within an hour.", who=who)
    return MessageContent(subject, heading, [what, _("These changes were not mailed one by one.")], facts, link, button)


def times(data: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """The periods of a booking in the offering's time zone."""
    periods = (Period(parse_instant(it["start"]), parse_instant(it["end"])) for it in data["slots"])
    return [localized(period_text(it, zone)) for it in periods]
