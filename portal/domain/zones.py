"""Local time: the instants of a local time, the start of local days, and times as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Self
from zoneinfo import ZoneInfo, available_timezones

from portal.domain.messages import Localizable, Localizer, Message
from portal.domain.periods import Period

DAY_SECONDS = 24 * 60 * 60
_SECOND = timedelta(seconds=1)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# Files beside the zones of a system: the zone of the machine, the default of POSIX rules, and "not set".
_NOT_ZONES = frozenset({"localtime", "posixrules", "Factory"})


@cache
def zone_names() -> frozenset[str]:
    """The IANA names of time zones.

    Without the copies in `posix/` and `right/`: browsers do not know them, and `right/` counts leap seconds.
    """
    return frozenset(it for it in available_timezones() - _NOT_ZONES if not it.startswith(("posix/", "right/")))


def parse_zone(name: object) -> ZoneInfo:
    """The time zone with this IANA name. Raises ValueError with a reason for users."""
    if isinstance(name, str) and name in zone_names():
        return ZoneInfo(name)
    raise ValueError(Message("“%(name)s” is not a time zone such as Europe/Tallinn", name=str(name)[:60]))


def known_zone(name: object, default: str = "UTC") -> ZoneInfo:
    """The time zone of a stored name; the default if it is none (any more): one bad name must not hide a booking."""
    try:
        return parse_zone(name)
    except ValueError:
        return ZoneInfo(default)


def instants_at(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants (UTC, in order) of the naive local time `wall` in a zone.

    Usually one; two in the hour that is repeated when clocks go back; the instant of the change for a time that is
    skipped when clocks go forward.
    """
    earlier = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    later = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if earlier == later:
        return (earlier,)
    if earlier < later:
        return (earlier, later)
    # Skipped: after the change by the old offset, before it by the new one.
    return (_change_between(later, earlier, zone),)


class LocalDay:
    """One local day: [start, end) in UTC. It lasts 23 or 25 hours when clocks change.

    With `turn` (seconds since midnight) it is a business day, from that local time to the same time on the next day.
    """

    __slots__ = ("_change", "date", "period", "turn", "zone")

    def __init__(self, day: date, zone: ZoneInfo, turn: int = 0) -> None:
        """Raises PeriodError for a day that the zone skipped (Samoa had no 30 December 2011)."""
        self.date = day
        self.zone = zone
        self.turn = turn
        self.period = Period(_turn_of(day, zone, turn), _turn_of(day + timedelta(days=1), zone, turn))
        before, after = _offset(self.period.start, zone), _offset(self.period.end - _SECOND, zone)
        self._change = None if before == after else _change_between(self.period.start, self.period.end - _SECOND, zone)

    @property
    def change(self) -> datetime | None:
        """The instant within this day at which the offset from UTC changes, or None."""
        return self._change

    def instants(self, seconds: int) -> tuple[datetime, ...]:
        """The instants of this day at the local time `seconds` since the midnight of its date, as in `instants_at`.

        86,400 (and `turn` more) is the end of the day.
        """
        if seconds == DAY_SECONDS and not self.turn:
            return (self.period.end,)
        if self._change is None and self.period.duration.total_seconds() == DAY_SECONDS:
            return (self.period.start + timedelta(seconds=seconds - self.turn),)
        found = instants_at(datetime.combine(self.date, time()) + timedelta(seconds=seconds), self.zone)
        return tuple(instant for instant in found if self.period.start <= instant <= self.period.end)

    def seconds(self, instant: datetime) -> int:
        """The local time of an instant of this day, as whole seconds since the midnight of its date."""
        shown = instant.astimezone(self.zone)
        seconds = shown.hour * 3600 + shown.minute * 60 + shown.second
        return seconds + DAY_SECONDS if self.turn and shown.date() > self.date else seconds


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which a local day begins; not at 00:00 if clocks change at midnight."""
    return instants_at(datetime.combine(day, time()), zone)[0]


def _turn_of(day: date, zone: ZoneInfo, turn: int) -> datetime:
    """The instant at which a business day begins; of a time that occurs twice, the second."""
    if not turn:
        return day_start(day, zone)
    return instants_at(datetime.combine(day, time()) + timedelta(seconds=turn), zone)[-1]


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The local date of an instant."""
    return instant.astimezone(zone).date()


def clock_text(seconds: int) -> str:
    """Seconds since midnight as 08:00 (24:00 for the end of the day; with seconds only where there are some)."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d}" if rest else f"{hours:02d}:{minutes:02d}"


class PeriodText(Localizable):
    """A period in local time, as `period_text` describes."""

    __slots__ = ("period", "zone")
    period: Period
    zone: ZoneInfo

    def __new__(cls, period: Period, zone: ZoneInfo) -> Self:
        self = super().__new__(cls, join_period(period, zone, date_text))
        self.period, self.zone = period, zone
        return self

    def localized(self, localizer: Localizer) -> str:
        return localizer.period(self.period, self.zone)


class InstantText(Localizable):
    """An instant in local time, with the name of the zone: "Mon 3 Mar 2025, 10:00 (Europe/Tallinn)"."""

    __slots__ = ("instant", "zone")
    instant: datetime
    zone: ZoneInfo

    def __new__(cls, instant: datetime, zone: ZoneInfo) -> Self:
        shown = instant.astimezone(zone)
        self = super().__new__(cls, f"{date_text(shown.date())}, {_shown(shown)} ({zone.key})")
        self.instant, self.zone = instant, zone
        return self

    def localized(self, localizer: Localizer) -> str:
        return localizer.instant(self.instant, self.zone)


class LocalDateText(Localizable):
    """A date: "Mon 3 Mar 2025"."""

    __slots__ = ("day",)
    day: date

    def __new__(cls, day: date) -> Self:
        self = super().__new__(cls, f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}")
        self.day = day
        return self

    def localized(self, localizer: Localizer) -> str:
        return localizer.date(self.day)


class DurationText(Localizable):
    """A duration: "2 days", "1 hour and 30 minutes". `days` False: whole days in hours."""

    __slots__ = ("days", "length")
    length: timedelta
    days: bool

    def __new__(cls, length: timedelta, *, days: bool = True) -> Self:
        self = super().__new__(cls, _duration(length, days=days))
        self.length, self.days = length, days
        return self

    def localized(self, localizer: Localizer) -> str:
        return localizer.duration(self.length, days=self.days)


def join_period(period: Period, zone: ZoneInfo, text_of: Callable[[date], str]) -> str:
    """A period in local time, its dates written by `text_of`: "Mon 3 Mar 2025, 10:00–12:00", with both if they differ.

    Midnight at the end is 24:00 of the last day. If clocks change in between, or a time is ambiguous, each time is
    followed by the zone's abbreviation.
    """
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    marked = any(_is_ambiguous(shown) for shown in (start, end)) or start.utcoffset() != end.utcoffset()
    last = end.date()
    end_clock = _shown(end)
    if end.time() == time() and last > start.date():
        last, end_clock = last - timedelta(days=1), clock_text(DAY_SECONDS)
    names = (f" {start.tzname()}", f" {end.tzname()}") if marked else ("", "")
    opening = f"{text_of(start.date())}, {_shown(start)}{names[0]}"
    if last == start.date():
        return f"{opening}–{end_clock}{names[1]}"
    return f"{opening} – {text_of(last)}, {end_clock}{names[1]}"


def duration_parts(length: timedelta, *, days: bool) -> list[tuple[int, str]]:
    """A duration as numbers of units ("day", "hour", "minute"), without zeros; days only if they are whole."""
    minutes = int(length.total_seconds()) // 60
    if days and minutes and minutes % (24 * 60) == 0:
        return [(minutes // (24 * 60), "day")]
    parts = [(number, unit) for number, unit in ((minutes // 60, "hour"), (minutes % 60, "minute")) if number]
    return parts or [(0, "minute")]


def period_text(period: Period, zone: ZoneInfo) -> str:
    """A period in local time: "Mon 3 Mar 2025, 10:00–12:00" (details: `join_period`)."""
    return PeriodText(period, zone)


def instant_text(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as text: "Mon 3 Mar 2025, 10:00 (Europe/Tallinn)"."""
    return InstantText(instant, zone)


def date_text(day: date) -> str:
    """A date as text: "Mon 3 Mar 2025"."""
    return LocalDateText(day)


def duration_text(length: timedelta, *, days: bool = True) -> str:
    """A duration as text: "2 days", "1 hour and 30 minutes". `days` False: whole days in hours."""
    return DurationText(length, days=days)


def _duration(length: timedelta, *, days: bool) -> str:
    return " and ".join(_count(number, unit) for number, unit in duration_parts(length, days=days))


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def _shown(shown: datetime) -> str:
    return clock_text(shown.hour * 3600 + shown.minute * 60 + shown.second)


def _is_ambiguous(shown: datetime) -> bool:
    return shown.replace(fold=0).utcoffset() != shown.replace(fold=1).utcoffset()


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant of the change of offset that lies in (before, after]. Changes lie on whole seconds."""
    old = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
