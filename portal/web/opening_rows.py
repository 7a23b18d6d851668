"""The rows of the form of opening hours: periods in the time zone of the offering."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.instants import format_instant, parse_instant
from portal.domain.messages import N_, Message
from portal.domain.opening_hours import AVAILABILITY, OpeningPeriod
from portal.transfer.editing import digest
from portal.web.booking_form import typed_instants
from portal.web.forms import reason_of


@dataclass(slots=True)
class OpeningRow:
    """One period in the form: local times in the offering's time zone, and its entry's handle ("": new).

    `about` is the entry's title and type. `notes` explain times at which clocks change, `errors` say what is wrong.
    """

    entry: str = ""
    start: str = ""
    end: str = ""
    about: str = ""
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, entry: Any, handle: str, zone: ZoneInfo) -> OpeningRow:
        """An entry as it is stored. An end that cannot be read is left empty."""
        start, end = (_wall(entry.get(key), zone) if isinstance(entry, dict) else "" for key in ("start", "end"))
        return cls(handle, start, end, about(entry))

    def period(self, entry: Any, position: int | None, zone: ZoneInfo) -> OpeningPeriod | None:
        """The period of the row, whose stored entry is `entry` at that position; None, with its errors, if none.

        An end that is empty is one that the browser could not read, or that is still to be entered: it removes nothing.

        An end that was left as it is shown is the very instant that is stored. Of a time that clocks show twice a start
        is the first and an end the second, so that the longer period is meant; one that they skip is the moment of the
        change.
        """
        ends: dict[str, str] = {}
        for key, text, place in (("start", self.start, 0), ("end", self.end, -1)):
            stored = entry.get(key) if isinstance(entry, dict) else None
            if stored is not None and text == _wall(stored, zone):
                ends[key] = stored
                continue
            try:
                instant = typed_instants(text, zone, key)[place]
            except ValueError as error:
                self.errors.append(reason_of(error))
            else:
                ends[key] = format_instant(instant)
                self.notes += _doubts(key, text, instant, zone)
        if not (self.start or self.end) and self.errors:
            self.errors = [Message("Enter a start and an end, or remove these dates.")]
        return OpeningPeriod(ends["start"], ends["end"], position) if len(ends) == 2 else None


def handles(stored: Sequence[Any]) -> list[str]:
    """What identifies each stored entry in a form: its id where that is unique, else a digest of its content."""
    ids = [digest({"id": entry["id"]}) if isinstance(entry, dict) and "id" in entry else "" for entry in stored]
    many = Counter(ids)
    return [key if key and many[key] == 1 else digest(entry) for key, entry in zip(ids, stored, strict=True)]


def about(entry: Any) -> str:
    """The title of an entry, and its type where that is not the usual one."""
    if not isinstance(entry, dict):
        return ""
    extended = entry.get("extendedProps")
    kind = extended.get("type") if isinstance(extended, dict) else None
    return ", ".join(str(it)[:100] for it in (entry.get("title"), kind) if it and it != AVAILABILITY)


def _wall(text: object, zone: ZoneInfo) -> str:
    """An entry's instant as the clocks of the zone show it; "" where it cannot be read."""
    try:
        instant = parse_instant(text)
    except ValueError:
        return ""
    return _local(instant, zone).isoformat(timespec="minutes")


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clocks of the zone show; those of UTC at the ends of time, where a zone would lie beyond."""
    try:
        return instant.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return instant.replace(tzinfo=None)


def _doubts(key: str, text: str, instant: datetime, zone: ZoneInfo) -> list[str]:
    """What is meant by a typed time that clocks show twice, or not at all."""
    wall = datetime.fromisoformat(text)
    shown = instant.astimezone(zone)
    if shown.replace(tzinfo=None) != wall:
        skipped = N_("Clocks skip %(time)s that night, so it starts at the change to %(shown)s.")
        if key == "end":
            skipped = N_("Clocks skip %(time)s that night, so it ends at the change to %(shown)s.")
        return [Message(skipped, time=f"{wall:%H:%M}", shown=f"{shown:%H:%M}")]
    if len(typed_instants(text, zone, key)) > 1:
        repeated = N_("%(time)s occurs twice that night. It starts at the first (%(zone)s).")
        if key == "end":
            repeated = N_("%(time)s occurs twice that night. It ends at the second (%(zone)s).")
        return [Message(repeated, time=f"{wall:%H:%M}", zone=shown.tzname())]
    return []
