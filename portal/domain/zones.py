"""Wall clocks: which instants a zone's clocks show as a given time, where its days begin, and instants in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.domain.periods import Period

DAY_SECONDS = 24 * 60 * 60
_SECOND = timedelta(seconds=1)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_zone(name: object) -> ZoneInfo:
    """The time zone of a name such as Europe/Tallinn. Raises ValueError with a reason for people."""
    try:
        if isinstance(name, str) and name:
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"“{str(name)[:60]}” is not a time zone such as Europe/Tallinn")


def instants_at(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants (UTC, in order) at which clocks in the zone show `wall` (naive).

    Usually one; two in the hour that is shown twice when clocks go back. A time that is skipped when clocks go
    forward is never shown: it stands for the instant of the change.
    """
    earlier = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    later = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if earlier == later:
        return (earlier,)
    if earlier < later:
        return (earlier, later)
    # Skipped: read with the offset before the change it lies behind it, with the one after the change before it.
    return (_change_between(later, earlier, zone),)


class LocalDay:
    """One day by the clocks of a zone: [start, end) in UTC. It lasts 23 or 25 hours when the clocks change."""

    __slots__ = ("_change", "date", "period", "zone")

    def __init__(self, day: date, zone: ZoneInfo) -> None:
        """Raises PeriodError for a day that the zone left out altogether (Samoa had no 30 December 2011)."""
        self.date = day
        self.zone = zone
        self.period = Period(day_start(day, zone), day_start(day + timedelta(days=1), zone))
        before, after = _offset(self.period.start, zone), _offset(self.period.end - _SECOND, zone)
        self._change = None if before == after else _change_between(self.period.start, self.period.end - _SECOND, zone)

    @property
    def change(self) -> datetime | None:
        """The instant within this day from which the clocks show another offset from UTC, or None."""
        return self._change

    def instants(self, seconds: int) -> tuple[datetime, ...]:
        """The instants of this day at which its clocks show so many seconds since midnight.

        86,400 is the end of the day. A skipped time is the instant of the change, as in `instants_at`.
        """
        if seconds == DAY_SECONDS:
            return (self.period.end,)
        if self._change is None and self.period.duration.total_seconds() == DAY_SECONDS:
            return (self.period.start + timedelta(seconds=seconds),)
        found = instants_at(datetime.combine(self.date, time()) + timedelta(seconds=seconds), self.zone)
        return tuple(instant for instant in found if self.period.start <= instant <= self.period.end)

    def seconds(self, instant: datetime) -> int:
        """What the clocks show at an instant, as whole seconds since midnight."""
        shown = instant.astimezone(self.zone)
        return shown.hour * 3600 + shown.minute * 60 + shown.second


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which a day begins in the zone; not always at 00:00, where clocks change at midnight."""
    return instants_at(datetime.combine(day, time()), zone)[0]


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The date that calendars in the zone show at an instant."""
    return instant.astimezone(zone).date()


def clock_text(seconds: int) -> str:
    """Seconds since midnight as 08:00 (24:00 for the end of the day; with seconds only where there are some)."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d}" if rest else f"{hours:02d}:{minutes:02d}"


def period_text(period: Period, zone: ZoneInfo) -> str:
    """A period by the zone's clocks: "Mon 3 Mar 2025, 10:00–12:00", or both dates where they differ.

    A period that ends at midnight ends at 24:00 of its last day. Where clocks change in between, or show the time
    twice, the zone's abbreviation stands behind each time.
    """
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    marked = any(_is_doubtful(shown) for shown in (start, end)) or start.utcoffset() != end.utcoffset()
    last = end.date()
    end_clock = _shown(end)
    if end.time() == time() and last > start.date():
        last, end_clock = last - timedelta(days=1), clock_text(DAY_SECONDS)
    names = (f" {start.tzname()}", f" {end.tzname()}") if marked else ("", "")
    opening = f"{date_text(start.date())}, {_shown(start)}{names[0]}"
    if last == start.date():
        return f"{opening}–{end_clock}{names[1]}"
    return f"{opening} – {date_text(last)}, {end_clock}{names[1]}"


def instant_text(instant: datetime, zone: ZoneInfo) -> str:
    """An instant for people: "Mon 3 Mar 2025, 10:00 (Europe/Tallinn)"."""
    shown = instant.astimezone(zone)
    return f"{date_text(shown.date())}, {_shown(shown)} ({zone.key})"


def date_text(day: date) -> str:
    """A date for people: "Mon 3 Mar 2025"."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def duration_text(length: timedelta, *, days: bool = True) -> str:
    """A length of time for people: "2 days", "1 hour and 30 minutes". `days`: False counts whole days in hours."""
    minutes = int(length.total_seconds()) // 60
    if days and minutes and minutes % (24 * 60) == 0:
        return _count(minutes // (24 * 60), "day")
    parts = [_count(number, unit) for number, unit in ((minutes // 60, "hour"), (minutes % 60, "minute")) if number]
    return " and ".join(parts) or "0 minutes"


def _count(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def _shown(shown: datetime) -> str:
    return clock_text(shown.hour * 3600 + shown.minute * 60 + shown.second)


def _is_doubtful(shown: datetime) -> bool:
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
