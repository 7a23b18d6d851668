"""The schedules of an offering (`attributes.schedules`): its periods of availability, and their slots.

The format is that of Waldur's web interface: a list of FullCalendar entries `{"id", "start", "end", "title", "allDay",
"extendedProps": {"type", "config": {...}}}`. Only this is read; everything else is returned as it is stored:

* `start`, `end`: instants with an offset. The offering is available in [start, end) of *every* entry of any type.
* `extendedProps.config` of the first entry of type "Availability" that has one applies to all entries:
  `weekends` (default true), `slotDuration` (HH:MM:SS, default 01:00:00; 00:00 is a day), `businessHours` with
  `startTime` (default 00:00), `endTime` (default 24:00) and `daysOfWeek` (0 = Sunday, default every day). Without one:
  the defaults.
* An `endTime` of 23:59 is the end of the day. One that is not after `startTime` is on the next day (22:00-06:00; in
  FullCalendar also 22:00-30:00). Those hours belong to the day on which they begin.

`portal.domain.slot_grid` defines the slots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal.domain.instants import parse_instant
from portal.domain.messages import Message, reason_of
from portal.domain.periods import Period, merge
from portal.domain.zones import DAY_SECONDS, clock_text

# Shorter slots would be more than a page can show.
SHORTEST_SLOT = timedelta(minutes=1)
LONGEST_SLOT = timedelta(days=1)
EVERY_DAY = frozenset(range(7))
# FullCalendar's numbers: 0 is Sunday, 6 is Saturday.
WEEKEND = frozenset({0, 6})

_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.]0{1,6})?)?", re.ASCII)
# How forms without 24:00 say the end of the day.
_LAST_MINUTE = re.compile(r"23:59(?::(?:00|59)(?:[.]\d{1,6})?)?", re.ASCII)

TOO_SHORT = Message("Too short for a whole slot.")
# Each entry takes time in every query.
MAX_ENTRIES = 2000


@dataclass(frozen=True, slots=True)
class ValidationProblem:
    """Why a value is invalid. `path` locates it ("[0].end"); `reason` completes a sentence ("is missing")."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Config:
    """Slot duration and business hours. `opens` and `closes` are seconds since local midnight (24:00 is 86,400).

    `closes` is beyond 24:00 if that is on the next day (06:00 is 30:00), and at most 24 hours after `opens`. `days` are
    FullCalendar's numbers (0 = Sunday), of the days on which the hours begin.
    """

    slot: timedelta = timedelta(hours=1)
    opens: int = 0
    closes: int = DAY_SECONDS
    days: frozenset[int] = EVERY_DAY
    weekends: bool = True

    @property
    def open_days(self) -> frozenset[int]:
        """The days of the week on which it opens."""
        return self.days if self.weekends else self.days - WEEKEND

    @property
    def turn(self) -> int:
        """When one business day ends and the next begins: seconds since midnight, 0 unless hours cross it."""
        return max(0, self.closes - DAY_SECONDS)

    @property
    def end_clock(self) -> int:
        """The closing time as a clock shows it: seconds since midnight, 86,400 at the end of the day."""
        return self.turn or self.closes

    @property
    def holds_a_slot(self) -> bool:
        """Whether the hours are long enough for a slot. A slot of a day takes all hours of the day."""
        return self.slot >= LONGEST_SLOT or timedelta(seconds=self.closes - self.opens) >= self.slot

    @property
    def hours_text(self) -> str:
        """The business hours, such as 08:00–17:30."""
        return f"{clock_text(self.opens)}–{clock_text(self.end_clock)}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Parsed schedules. `periods` are in order and do not touch each other."""

    periods: tuple[Period, ...] = ()
    config: Config = Config()


def check_schedules(raw: object) -> list[ValidationProblem]:
    """All problems of `attributes.schedules`; None (no schedules) is valid.

    Entries have to be objects with a start and a later end, both with a time of day and an offset, and with a valid
    config if any. Waldur fails with an error 500 on others.
    """
    if raw is None:
        return []
    if not isinstance(raw, list):
        return [ValidationProblem("", Message("must be a list of schedule entries"))]
    if len(raw) > MAX_ENTRIES:
        return [
            ValidationProblem(
                "",
                Message(
                    "has %(number)s entries: at most %(most)s are accepted",
                    number=f"{len(raw):,}",
                    most=f"{MAX_ENTRIES:,}",
                ),
            )
        ]
    return [problem for index, entry in enumerate(raw) for problem in _entry_problems(f"[{index}]", entry)]


def read_schedules(raw: object) -> Schedule:
    """The schedule of a stored list. Never raises.

    Invalid entries are ignored. With an invalid config the schedule is empty, so that nothing is offered outside the
    hours that were meant.
    """
    if not isinstance(raw, list):
        return Schedule()
    config = Config()
    for entry in raw:
        given = _config_of(entry)
        if given is not None:
            read, problems = _read_config("", given)
            if problems:
                return Schedule()
            config = read
            break
    periods = (entry_period(entry) for entry in raw)
    return Schedule(tuple(merge(period for period in periods if period is not None)), config)


def read_config(given: object) -> Config | None:
    """The parsed config of an entry; None if it is invalid."""
    config, problems = _read_config("", given)
    return None if problems else config


def current_schedules(raw: object, now: datetime) -> list[Any]:
    """The stored entries that have not ended; entries with an invalid end are left out.

    Unlike in Waldur, a start in the past is not moved to the present.
    """
    if not isinstance(raw, list):
        return []
    return [entry for entry in raw if (end := _end_of(entry)) is not None and end > now]


def _end_of(entry: object) -> datetime | None:
    try:
        return parse_instant(entry.get("end")) if isinstance(entry, dict) else None
    except ValueError:
        return None


def entry_period(entry: object) -> Period | None:
    """The period of a stored entry; None if it is invalid."""
    if not isinstance(entry, dict):
        return None
    try:
        return Period(parse_instant(entry.get("start")), parse_instant(entry.get("end")))
    except ValueError:
        return None


def _config_of(entry: object) -> object | None:
    """The config of an entry of type Availability, or None."""
    extended = entry.get("extendedProps") if isinstance(entry, dict) else None
    if not isinstance(extended, dict) or extended.get("type") != "Availability":
        return None
    found: object | None = extended.get("config")
    return found


def _entry_problems(path: str, entry: object) -> Iterator[ValidationProblem]:
    if not isinstance(entry, dict):
        yield ValidationProblem(path, Message("must be an object with a start and an end"))
        return
    ends: dict[str, datetime] = {}
    for key in ("start", "end"):
        if entry.get(key) is None:
            yield ValidationProblem(f"{path}.{key}", Message("is missing: a schedule entry needs a start and an end"))
            continue
        try:
            ends[key] = parse_instant(entry[key])
        except ValueError as error:
            yield ValidationProblem(f"{path}.{key}", reason_of(error))
    if len(ends) == 2 and ends["end"] <= ends["start"]:
        yield ValidationProblem(f"{path}.end", Message("must be after the start"))
    extended = entry.get("extendedProps")
    if extended is not None and not isinstance(extended, dict):
        yield ValidationProblem(f"{path}.extendedProps", Message("must be an object"))
    elif extended is not None and extended.get("config") is not None:
        yield from _read_config(f"{path}.extendedProps.config", extended["config"])[1]


def _read_config(path: str, given: object) -> tuple[Config, list[ValidationProblem]]:
    """The config with defaults for missing or null values, and its problems."""
    if not isinstance(given, dict):
        return Config(), [ValidationProblem(path, Message("must be an object"))]
    problems: list[ValidationProblem] = []
    weekends = given.get("weekends")
    if weekends is None:
        weekends = True
    elif not isinstance(weekends, bool):
        problems.append(ValidationProblem(f"{path}.weekends", Message("must be true or false")))
    hours = given.get("businessHours")
    if hours is not None and not isinstance(hours, dict):
        problems.append(
            ValidationProblem(
                f"{path}.businessHours", Message("must be an object with startTime, endTime and daysOfWeek")
            )
        )
    hours = hours if isinstance(hours, dict) else {}
    slot = _read_slot(f"{path}.slotDuration", given, problems)
    opens = _read_opens(f"{path}.businessHours.startTime", hours, problems)
    closes = _read_closes(f"{path}.businessHours.endTime", hours, opens, problems)
    days = _read_days(f"{path}.businessHours.daysOfWeek", hours, problems)
    if problems:
        return Config(), problems
    return Config(slot=slot, opens=opens, closes=closes, days=days, weekends=weekends), []


def _read_slot(path: str, given: Mapping[str, object], problems: list[ValidationProblem]) -> timedelta:
    value = given.get("slotDuration")
    if value is None:
        return Config().slot
    seconds = _clock_seconds(value)
    if seconds == 0:
        # Earlier versions of Waldur's web interface wrote a day like this.
        return LONGEST_SLOT
    if seconds is None:
        problems.append(ValidationProblem(path, Message("must be hours, minutes and seconds such as 02:00:00")))
    elif not SHORTEST_SLOT <= (slot := timedelta(seconds=seconds)) <= LONGEST_SLOT:
        problems.append(
            ValidationProblem(path, Message("is %(value)s: a slot lasts from 00:01:00 to 24:00:00", value=value))
        )
    else:
        return slot
    return Config().slot


def _read_opens(path: str, hours: Mapping[str, object], problems: list[ValidationProblem]) -> int:
    value = hours.get("startTime")
    if value is None:
        return 0
    seconds = _clock_seconds(value)
    if seconds is not None and seconds < DAY_SECONDS:
        return seconds
    problems.append(ValidationProblem(path, Message("must be a time of day such as 08:00")))
    return 0


def _read_closes(path: str, hours: Mapping[str, object], opens: int, problems: list[ValidationProblem]) -> int:
    """The closing time; 24 hours later if it is not after the opening time."""
    value = hours.get("endTime")
    if value is None:
        return DAY_SECONDS
    seconds = DAY_SECONDS if isinstance(value, str) and _LAST_MINUTE.fullmatch(value) else _clock_seconds(value)
    if seconds is None or seconds > opens + DAY_SECONDS:
        problems.append(
            ValidationProblem(path, Message("must be a time of day such as 17:30 (24:00 is the end of the day)"))
        )
        return DAY_SECONDS
    return seconds if seconds > opens else seconds + DAY_SECONDS


def _read_days(path: str, hours: Mapping[str, object], problems: list[ValidationProblem]) -> frozenset[int]:
    value = hours.get("daysOfWeek")
    if value is None:
        return EVERY_DAY
    if isinstance(value, list) and all(type(day) is int and day in EVERY_DAY for day in value):
        return frozenset(value)
    problems.append(ValidationProblem(path, Message("must be a list of the numbers 0 (Sunday) to 6 (Saturday)")))
    return EVERY_DAY


def _clock_seconds(value: object) -> int | None:
    """Seconds of HH:MM or HH:MM:SS; None for anything else."""
    form = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if form is None or int(form[2]) > 59 or int(form[3] or 0) > 59:
        return None
    return int(form[1]) * 3600 + int(form[2]) * 60 + int(form[3] or 0)
