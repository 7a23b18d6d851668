"""Reads the demo's content from data/, with the notation of data/README.md resolved."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import orjson

DATA = Path(__file__).with_name("data")
# Makes the same uuids at every load, so that a repeated load replaces what is there.
NAMESPACE = UUID("5b0c9f4e-3d0a-5c0e-9a7b-2f6b1d8e4c31")
_NOTATION = re.compile(
    r"\{(?:(?P<portal>portal)|media:(?P<media>[\w.-]+)"
    r"|monday(?:(?P<offset>[+-]\d+)(?P<unit>[dw]))?(?: (?P<time>\d\d:\d\d))?)\}"
)


@dataclass(frozen=True)
class DemoOrganization:
    """An organization: its groups by name, and its account in the Google Calendar emulator (empty: not connected)."""

    name: str
    groups: tuple[str, ...]
    calendar_account: str = ""


@dataclass(frozen=True)
class DemoPerson:
    """An account; `roles` are owner, manager or member by the organization's name."""

    email: str
    full_name: str
    is_staff: bool = False
    roles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoMedia:
    """A picture or user guide, and the uuid under which it is stored."""

    uuid: UUID
    name: str
    content_type: str
    data: bytes


def offerings(portal: str, now: datetime) -> list[dict[str, Any]]:
    """The offerings as records for the importer. `portal` is the portal's address, `now` is aware."""
    return [_resolve(path.read_text(encoding="utf-8"), portal.rstrip("/"), now) for path in _files("offerings")]


def media() -> Iterator[DemoMedia]:
    """The files that the offerings link to."""
    for path in _files("media"):
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if content_type.startswith("text/"):
            content_type += "; charset=utf-8"
        yield DemoMedia(_media_uuid(path.name), path.name, content_type, path.read_bytes())


@cache
def organizations() -> tuple[DemoOrganization, ...]:
    """All organizations."""
    return tuple(
        DemoOrganization(name, tuple(entry["groups"]), entry.get("calendar_account", ""))
        for name, entry in _read("organizations.json").items()
    )


@cache
def people() -> tuple[DemoPerson, ...]:
    """All people; exactly one is staff."""
    return tuple(DemoPerson(**entry) for entry in _read("people.json"))


def staff() -> DemoPerson:
    """The staff account."""
    return next(person for person in people() if person.is_staff)


def booking_habits() -> dict[str, Any]:
    """How offerings are booked: `categories` by title, and `notes`."""
    found: dict[str, Any] = _read("bookings.json")
    return found


def _read(name: str) -> Any:
    return orjson.loads((DATA / name).read_bytes())


def _files(folder: str) -> list[Path]:
    return sorted((DATA / folder).iterdir())


def _media_uuid(name: str) -> UUID:
    return uuid5(NAMESPACE, f"media/{name}")


def _resolve(text: str, portal: str, now: datetime) -> dict[str, Any]:
    """A record with its addresses and dates filled in."""
    zone = ZoneInfo(orjson.loads(text)["attributes"]["booking_rules"]["time_zone"])
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())

    def value(match: re.Match[str]) -> str:
        if match["portal"]:
            return portal
        if match["media"]:
            return f"{portal}/api/media/{_media_uuid(match['media'])}/"
        return _date(monday, zone, match)

    record: dict[str, Any] = orjson.loads(_NOTATION.sub(value, text))
    return record


def _date(monday: date, zone: ZoneInfo, match: re.Match[str]) -> str:
    unit = timedelta(weeks=1) if match["unit"] == "w" else timedelta(days=1)
    day = monday + int(match["offset"] or 0) * unit
    if not match["time"]:
        return day.isoformat()
    instant = datetime.combine(day, time.fromisoformat(match["time"]), zone).astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")
