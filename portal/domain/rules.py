"""The booking rules of an offering (`attributes.booking_rules`), which apply in addition to its schedules.

Every key is optional. Days, closures given by date and quota periods are in the offering's time zone.

    time_zone                   IANA name; default: the portal's
    minimum_notice_minutes      a booking begins no sooner than this from now
    maximum_advance_days        it ends at most this number of days after today
    minimum_duration_minutes, maximum_duration_minutes
                                how long one period lasts
    buffer_before_minutes, buffer_after_minutes
                                kept free before and after each booking; between two bookings, both
    quota_hours_per_user, quota_period (day, week or month)
                                maximum for one user in each calendar day, week (from Monday) or month
    upcoming_bookings_per_user  maximum number of bookings of one user that are not over
    closures                    [{"start", "end", "reason"}]: instants with an offset, local times in the offering's
                                zone ("2026-12-02 09:00"; an end on the same day: "12:00"), or dates (inclusive)
    accept                      manual, or automatic: requests are confirmed at once
    stale_busy                  refuse, request or allow bookings while busy times from Google are out of date
    publish                     times or titles: what the public calendar and feed show of a booking
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain.closures import Closure, read_closures
from portal.domain.messages import N_, Message, Plural, reason_of
from portal.domain.periods import Period
from portal.domain.refusals import ALL_TIME, Check, Code, Obstacle, Refusal
from portal.domain.schedules import ValidationProblem
from portal.domain.zones import date_text, day_start, duration_text, local_date, parse_zone

YEAR_MINUTES = 366 * 24 * 60
ACCEPT = ("manual", "automatic")
STALE_BUSY = ("refuse", "request", "allow")
PUBLISH = ("times", "titles")
QUOTA_PERIODS = ("day", "week", "month")
# The smallest and largest value of each number.
WHOLE = {
    "minimum_notice_minutes": (1, YEAR_MINUTES),
    "maximum_advance_days": (0, 3660),
    "minimum_duration_minutes": (1, YEAR_MINUTES),
    "maximum_duration_minutes": (1, YEAR_MINUTES),
    "buffer_before_minutes": (1, 7 * 24 * 60),
    "buffer_after_minutes": (1, 7 * 24 * 60),
    "quota_hours_per_user": (1, 31 * 24),
    "upcoming_bookings_per_user": (1, 10_000),
}
CHOICES = {"quota_period": QUOTA_PERIODS, "accept": ACCEPT, "stale_busy": STALE_BUSY, "publish": PUBLISH}
BROKEN = N_("The booking rules of this offering can't be read. Its managers have to correct them.")


@dataclass(frozen=True, slots=True)
class Rules:
    """Parsed booking rules. Unset ones are None, zero or empty. `broken`: they are invalid."""

    minimum_notice: timedelta = timedelta()
    maximum_advance_days: int | None = None
    minimum_duration: timedelta | None = None
    maximum_duration: timedelta | None = None
    buffer_before: timedelta = timedelta()
    buffer_after: timedelta = timedelta()
    quota_hours: int | None = None
    quota_period: str = "week"
    upcoming_bookings: int | None = None
    closures: tuple[Closure, ...] = ()
    accept: str = "manual"
    stale_busy: str = "allow"
    publish: str = "times"
    broken: bool = False

    @property
    def gap(self) -> timedelta:
        """The minimum time between two bookings."""
        return self.buffer_before + self.buffer_after

    @property
    def limits_user(self) -> bool:
        """Whether a rule depends on the user's other bookings."""
        return self.quota_hours is not None or self.upcoming_bookings is not None


NO_RULES = Rules()


def check_rules(raw: object) -> list[ValidationProblem]:
    """All problems of `attributes.booking_rules`. Unknown keys are ignored."""
    return _read(raw)[1]


def read_rules(raw: object) -> Rules:
    """The rules of a stored value. Never raises: with invalid rules (`broken`) nothing can be booked."""
    rules, problems = _read(raw)
    return Rules(broken=True) if problems else rules


def rules_of(attributes: Mapping[str, Any]) -> Rules:
    """The rules in an offering's attributes."""
    return read_rules(attributes.get("booking_rules"))


def rule_obstacles(rules: Rules, zone: ZoneInfo, now: datetime) -> Iterator[Obstacle]:
    """The obstacles that the rules set for all users."""
    if rules.broken:
        yield Obstacle(ALL_TIME, Code.CLOSURE, BROKEN)
    if rules.minimum_notice:
        text, params = (
            N_("Too soon: book at least %(length)s ahead."),
            (("length", duration_text(rules.minimum_notice)),),
        )
        yield Obstacle(Period(ALL_TIME.start, now + rules.minimum_notice), Code.TOO_SOON, text, params=params)
    if rules.maximum_advance_days is not None:
        last = local_date(now, zone) + timedelta(days=rules.maximum_advance_days)
        limit = day_start(last + timedelta(days=1), zone)
        text, params = N_("Too far ahead: it can be booked up to %(day)s."), (("day", date_text(last)),)
        yield Obstacle(Period(limit, ALL_TIME.end), Code.TOO_LATE, text, params=params)
    for closure in rules.closures:
        text = N_("Closed (%(reason)s): %(period)s.") if closure.reason else ""
        reason = (("reason", closure.reason),) if closure.reason else ()
        if (period := closure.period(zone)) is not None:
            yield Obstacle(period, Code.CLOSURE, text, params=reason)


def buffer_obstacles(rules: Rules, taken: Obstacle) -> Iterator[Obstacle]:
    """The time around a booking, request or busy time that is kept free of other bookings.

    Busy times have no buffers of their own, so only the buffer of the booking next to them applies.
    """
    before, after = rules.gap, rules.gap
    if taken.code is Code.BUSY:
        before, after = rules.buffer_after, rules.buffer_before
    if before:
        yield Obstacle(Period(taken.period.start - before, taken.period.start), Code.BUFFER)
    if after:
        yield Obstacle(Period(taken.period.end, taken.period.end + after), Code.BUFFER)


def rule_checks(rules: Rules, zone: ZoneInfo, own: Sequence[Period], upcoming: int) -> list[Check]:
    """The checks of whole periods. `own` are the periods of the user's bookings, `upcoming` is their number."""
    checks: list[Check] = []
    if rules.minimum_duration is not None:
        checks.append(_at_least(rules.minimum_duration))
    if rules.maximum_duration is not None:
        checks.append(_at_most(rules.maximum_duration))
    if rules.quota_hours is not None:
        checks.append(_quota(rules.quota_hours, rules.quota_period, zone, own))
    if rules.upcoming_bookings is not None:
        checks.append(_upcoming(rules.upcoming_bookings, upcoming))
    return checks


def _at_least(shortest: timedelta) -> Check:
    def check(period: Period) -> Refusal | None:
        if period.duration >= shortest:
            return None
        return Refusal(
            Code.TOO_SHORT,
            Message("Too short: book at least %(length)s in a row.", length=duration_text(shortest)),
            period,
        )

    return check


def _at_most(longest: timedelta) -> Check:
    def check(period: Period) -> Refusal | None:
        if period.duration <= longest:
            return None
        text = Message("Too long: book at most %(length)s in a row.", length=duration_text(longest))
        return Refusal(Code.TOO_LONG, text, period, until=ALL_TIME.end)

    return check


def _quota(hours: int, kind: str, zone: ZoneInfo, own: Sequence[Period]) -> Check:
    most = timedelta(hours=hours)

    @cache
    def used_in(span: Period) -> timedelta:
        return sum((part.duration for it in own if (part := it.intersection(span))), timedelta())

    def check(period: Period) -> Refusal | None:
        for span in quota_spans(period, kind, zone):
            held = used_in(span)
            part = period.intersection(span)
            if part is not None and held + part.duration > most:
                text = Message(_QUOTA[kind], length=duration_text(most, days=False))
                if held:
                    have = duration_text(held, days=False)
                    text = Message("%(rule)s You already have %(length)s.", rule=text, length=have)
                # A later period fits once only the unused part of the quota is left of this span.
                return Refusal(Code.QUOTA, text, period, until=span.end - max(most - held, timedelta()))
        return None

    return check


def _upcoming(most: int, held: int) -> Check:
    def check(period: Period) -> Refusal | None:
        if held < most:
            return None
        text = Message("%(rule)s You have %(held)s.", rule=_upcoming_text(most), held=held)
        return Refusal(Code.QUOTA, text, period, until=ALL_TIME.end)

    return check


_QUOTA = {
    "day": N_("One person may book %(length)s a day."),
    "week": N_("One person may book %(length)s a week."),
    "month": N_("One person may book %(length)s a month."),
}


def _upcoming_text(most: int) -> Plural:
    return Plural(
        "One person may have %(number)s upcoming booking at a time.",
        "One person may have %(number)s upcoming bookings at a time.",
        most,
    )


def quota_spans(period: Period, kind: str, zone: ZoneInfo) -> Iterator[Period]:
    """The calendar days, weeks (from Monday) or months in the offering's time zone that a period touches."""
    first = _span_start(local_date(period.start, zone), kind)
    while True:
        following = _span_start(first + timedelta(days={"day": 1, "week": 7, "month": 31}[kind]), kind)
        start, end = day_start(first, zone), day_start(following, zone)
        if start >= period.end:
            return
        if end > start:
            yield Period(start, end)
        first = following


def _span_start(day: date, kind: str) -> date:
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == "month" else day


def rule_sentences(rules: Rules) -> Iterator[str]:
    """A sentence for each rule that is set."""
    if rules.broken:
        yield Message(BROKEN)
    if rules.minimum_notice:
        yield Message("Book at least %(length)s ahead.", length=duration_text(rules.minimum_notice))
    if rules.maximum_advance_days is not None:
        days = rules.maximum_advance_days and duration_text(timedelta(days=rules.maximum_advance_days))
        yield (
            Message("Book at most %(length)s ahead.", length=days)
            if days
            else Message("Can be booked on the day only.")
        )
    if rules.minimum_duration is not None:
        yield Message("A booking lasts at least %(length)s.", length=duration_text(rules.minimum_duration))
    if rules.maximum_duration is not None:
        yield Message("A booking lasts at most %(length)s.", length=duration_text(rules.maximum_duration))
    if rules.buffer_before:
        yield Message("Kept free before each booking: %(length)s.", length=duration_text(rules.buffer_before))
    if rules.buffer_after:
        yield Message("Kept free after each booking: %(length)s.", length=duration_text(rules.buffer_after))
    if rules.quota_hours is not None:
        hours = duration_text(timedelta(hours=rules.quota_hours), days=False)
        yield Message(_QUOTA[rules.quota_period], length=hours)
    if rules.upcoming_bookings is not None:
        yield _upcoming_text(rules.upcoming_bookings)
    if rules.accept == "automatic":
        yield Message("Bookings are confirmed automatically.")
    else:
        yield Message("Each request is answered by a person.")


def _read(raw: object) -> tuple[Rules, list[ValidationProblem]]:
    if raw is None:
        return NO_RULES, []
    if not isinstance(raw, Mapping):
        return NO_RULES, [ValidationProblem("", Message("must be an object"))]
    problems: list[ValidationProblem] = []
    numbers = {key: _whole(raw, key, problems) for key in WHOLE}
    words = {key: _choice(raw, key, problems) for key in CHOICES}
    closures = read_closures(raw.get("closures"), problems)
    if raw.get("time_zone") is not None:
        try:
            parse_zone(raw["time_zone"])
        except ValueError as error:
            problems.append(ValidationProblem(".time_zone", reason_of(error)))
    shortest, longest = numbers["minimum_duration_minutes"], numbers["maximum_duration_minutes"]
    if shortest is not None and longest is not None and longest < shortest:
        problems.append(
            ValidationProblem(".maximum_duration_minutes", Message("must not be shorter than the minimum duration"))
        )
    if problems:
        return NO_RULES, problems
    return (
        Rules(
            minimum_notice=_minutes(numbers["minimum_notice_minutes"]) or timedelta(),
            maximum_advance_days=numbers["maximum_advance_days"],
            minimum_duration=_minutes(shortest),
            maximum_duration=_minutes(longest),
            buffer_before=_minutes(numbers["buffer_before_minutes"]) or timedelta(),
            buffer_after=_minutes(numbers["buffer_after_minutes"]) or timedelta(),
            quota_hours=numbers["quota_hours_per_user"],
            quota_period=words["quota_period"] or NO_RULES.quota_period,
            upcoming_bookings=numbers["upcoming_bookings_per_user"],
            closures=closures,
            accept=words["accept"] or NO_RULES.accept,
            stale_busy=words["stale_busy"] or NO_RULES.stale_busy,
            publish=words["publish"] or NO_RULES.publish,
        ),
        [],
    )


def _minutes(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(minutes=number)


def _whole(raw: Mapping[str, Any], key: str, problems: list[ValidationProblem]) -> int | None:
    value, (low, high) = raw.get(key), WHOLE[key]
    if value is None:
        return None
    if type(value) is int and low <= value <= high:
        return value
    problems.append(
        ValidationProblem(f".{key}", Message("must be a whole number from %(low)s to %(high)s", low=low, high=high))
    )
    return None


def _choice(raw: Mapping[str, Any], key: str, problems: list[ValidationProblem]) -> str | None:
    value = raw.get(key)
    if value is None or value in CHOICES[key]:
        return value
    problems.append(
        ValidationProblem(f".{key}", Message("must be one of %(choices)s", choices=", ".join(CHOICES[key])))
    )
    return None
