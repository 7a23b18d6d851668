"""Recurring events: the occurrences of a series, as instants.

Rules are expanded on the wall clock of the series' zone and then turned into instants, so a weekly 10:00 stays
10:00 across a daylight-saving change; an occurrence keeps the exact duration of the first (RFC 5545, 3.8.5.3).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr  # type: ignore[import-untyped]  # no stubs

from portal.dev.google_emulator.clock import from_ms, local_timestamp, to_ms
from portal.dev.google_emulator.errors import Json, bad_request

MAX_OCCURRENCES = 10_000
HORIZON = timedelta(days=730)
_LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Z-]+=[^:;]+)*):(.+)", re.IGNORECASE)
_UNTIL = re.compile(r"UNTIL=([0-9TZ]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Occurrence:
    """One date of a series. `suffix` makes its event id; `start` and `end` are as in an event's body."""

    suffix: str
    start_ms: int
    end_ms: int
    start: Json
    end: Json


def span_ms(body: Json, zone: ZoneInfo) -> tuple[int, int]:
    """First instant and exclusive last one; an all-day event lasts from midnight to midnight in `zone`."""
    return _edge_ms(body["start"], zone), _edge_ms(body["end"], zone)


def _edge_ms(edge: Json, zone: ZoneInfo) -> int:
    if "date" in edge:
        return to_ms(datetime.combine(date.fromisoformat(edge["date"]), datetime.min.time(), zone))
    return to_ms(datetime.fromisoformat(edge["dateTime"]))


def occurrences(body: Json, calendar_zone: ZoneInfo, until_ms: int) -> list[Occurrence]:
    """The occurrences that begin before `until_ms`, in order, 10,000 at most."""
    if "date" in body["start"]:
        return list(_all_day(body, calendar_zone, until_ms))
    return list(_timed(body, calendar_zone, until_ms))


def _timed(body: Json, calendar_zone: ZoneInfo, until_ms: int) -> Iterator[Occurrence]:
    zone = ZoneInfo(body["start"].get("timeZone") or calendar_zone.key)
    start_ms, end_ms = span_ms(body, calendar_zone)
    first = from_ms(start_ms).astimezone(zone).replace(tzinfo=None)
    for moment in islice(_rules(body["recurrence"], first, zone, all_day=False), MAX_OCCURRENCES):
        begins = to_ms(moment.replace(tzinfo=zone).astimezone(UTC))
        if begins >= until_ms:
            return
        ends = begins + end_ms - start_ms
        yield Occurrence(
            from_ms(begins).strftime("%Y%m%dT%H%M%SZ"),
            begins,
            ends,
            {"dateTime": local_timestamp(begins, zone), "timeZone": zone.key},
            {"dateTime": local_timestamp(ends, zone), "timeZone": body["end"].get("timeZone") or zone.key},
        )


def _all_day(body: Json, calendar_zone: ZoneInfo, until_ms: int) -> Iterator[Occurrence]:
    first, last = date.fromisoformat(body["start"]["date"]), date.fromisoformat(body["end"]["date"])
    midnight = datetime.combine(first, datetime.min.time())
    for moment in islice(_rules(body["recurrence"], midnight, calendar_zone, all_day=True), MAX_OCCURRENCES):
        day = moment.date()
        edges = {"start": {"date": day.isoformat()}, "end": {"date": (day + (last - first)).isoformat()}}
        begins, ends = span_ms(edges, calendar_zone)
        if begins >= until_ms:
            return
        yield Occurrence(day.strftime("%Y%m%d"), begins, ends, edges["start"], edges["end"])


def _rules(lines: list[str], first: datetime, zone: ZoneInfo, *, all_day: bool) -> rruleset:
    rules = rruleset()
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise bad_request("Invalid recurrence rule.")
        kind, parameters, value = match[1].upper(), match[2].upper(), match[3]
        try:
            if kind in ("RRULE", "EXRULE"):
                value = _UNTIL.sub(lambda until: f"UNTIL={_until(until[1], zone)}", value)
                getattr(rules, kind.lower())(rrulestr(value, dtstart=first))
                continue
            named = re.search(r"TZID=([^;:]+)", match[2], re.IGNORECASE)
            source = ZoneInfo(named[1]) if named else zone
            for text in value.split(","):
                moment = _moment(text, source, zone)
                if all_day or "VALUE=DATE" in parameters.replace("VALUE=DATE-TIME", ""):
                    moment = datetime.combine(moment, first.time())
                getattr(rules, kind.lower())(moment)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise bad_request("Invalid recurrence rule.") from None
    return rules


def _moment(text: str, source: ZoneInfo, zone: ZoneInfo) -> datetime:
    """A date or time of a rule in the wall-clock time of the series."""
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007 - a date has no zone
    bare = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S").replace(
        tzinfo=UTC if text.endswith("Z") else source
    )
    return bare.astimezone(zone).replace(tzinfo=None)


def _until(text: str, zone: ZoneInfo) -> str:
    """UNTIL in wall-clock time; a plain date includes that whole day."""
    moment = _moment(text, zone, zone)
    return moment.strftime("%Y%m%dT%H%M%S") if "T" in text else moment.strftime("%Y%m%dT235959")
