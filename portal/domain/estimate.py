"""The estimated price of a booking, as exact decimals.

fixed            price × amount × started plan units, counted per period; listed only where the plan has no amount
one              price, once; price × persons where it is measured in persons
limit, usage     price × what the booking takes of the measured unit:
                     hour, minute       exactly
                     8 h shift, 2 h     as many as are begun, counted per period
                     day, week, month   as many as are begun, counted per period, in the offering's time zone
                     person             the persons that the order form names; person hour: persons × hours
                     anything else      not known: listed with its price, not summed
few              listed: it is charged on a change of plan only

A limit is charged from its minimum on (`min_value`). What one component charges past another one's limit (overage) is
charged for the part past `limit_amount` only, and is listed where there is no such part. A discount is for the whole
amount once that reaches its threshold. What is not in the total is listed with the reason. Worked examples:
docs/bookings.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

from portal.domain.choices import BillingType
from portal.domain.messages import Message
from portal.domain.periods import Period
from portal.domain.pricing import PLACES, PricedComponent

_SECONDS = {"minute": 60, "hour": 3600}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("minute", "minutes", "min", "mins"), "minute"),
    **dict.fromkeys(("hour", "hours", "h", "hr", "hrs"), "hour"),
    **dict.fromkeys(("day", "days", "d"), "day"),
    **dict.fromkeys(("week", "weeks"), "week"),
    **dict.fromkeys(("month", "months"), "month"),
    **dict.fromkeys(("quarter", "quarters"), "quarter"),
    **dict.fromkeys(("year", "years"), "year"),
}
_BLOCKS = frozenset({"shift", "shifts", "slot", "slots", "session", "sessions", "block", "blocks"})
PERSON_WORDS = frozenset(
    {"person", "persons", "people", "participant", "participants", "attendee", "attendees", "guest", "guests"}
    | {"visitor", "visitors", "student", "students", "pupil", "pupils", "head", "heads"}
)
_FILLERS = frozenset({"per", "a", "each", "and"})
_NUMBER = re.compile(r"(\d{1,6}(?:[.,]\d{1,6})?)\s*(.*)", re.ASCII)

ON_USE = Message("billed on use")
ON_CHANGE = Message("on a change of plan")
OPTIONAL = Message("if you take it")
PERSONS_UNKNOWN = Message("the number of persons is not known")


@dataclass(frozen=True, slots=True)
class BillableComponent:
    """A component as one plan prices it, with what decides how much of it a booking takes.

    `overage` is the uuid of the component that is charged for what goes past `limit`.
    """

    priced: PricedComponent
    unit: str = ""
    uuid: str = ""
    overage: str = ""
    limit: int | None = None
    minimum: int | None = None
    discount_from: int | None = None
    discount_percent: int | None = None

    @property
    def name(self) -> str:
        return self.priced.name or self.priced.type


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of an estimate: `amount` × `price` = `total`. `unit` says what is counted, `note` what else counts."""

    name: str
    amount: Decimal
    unit: str
    price: Decimal
    total: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True)
class OpenPrice:
    """A price that is not in the total, and why."""

    name: str
    price: Decimal
    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of the price: `charges` with their sum `total`, and the prices that are `not_included`."""

    charges: tuple[Charge, ...]
    not_included: tuple[OpenPrice, ...]

    @property
    def total(self) -> Decimal:
        with localcontext(prec=80):
            return sum((charge.total for charge in self.charges), Decimal(0))


def estimate(
    components: Iterable[BillableComponent],
    plan_unit: str,
    periods: Sequence[Period],
    zone: ZoneInfo,
    *,
    persons: int | None = None,
) -> Estimate:
    """The estimated price of periods under a plan. A price of 0 is not listed.

    `persons` is the number in the order form, if any. Days and months are counted from the start of each period, in
    the offering's time zone.
    """
    counter = _Counter(list(components), periods, zone, persons)
    charges: list[Charge] = []
    left_out: list[OpenPrice] = []
    for it in counter.components:
        price, billing = it.priced.price, it.priced.billing_type
        if price <= 0:
            continue
        if billing == BillingType.FEW:
            left_out.append(OpenPrice(it.name, price, it.unit, ON_CHANGE))
        elif billing == BillingType.FIXED:
            units = sum(started_units(period, plan_unit, zone) for period in periods)
            if it.priced.amount:
                charges.append(_charge(it, Fraction(it.priced.amount * units), plan_unit))
            else:
                left_out.append(OpenPrice(it.name, price, plan_unit, OPTIONAL))
        elif billing == BillingType.ONE and not is_per_person(it.unit):
            charges.append(_charge(it, Fraction(1), "once"))
        elif amount := counter.charged(it):
            charges.append(_charge(it, amount, _unit_name(it.unit), note=counter.note(it)))
        elif reason := counter.reason(it):
            left_out.append(OpenPrice(it.name, price, it.unit, reason))
    return Estimate(tuple(charges), tuple(left_out))


@dataclass
class _Counter:
    """How much of each component the periods take. None where that is not known."""

    components: list[BillableComponent]
    periods: Sequence[Period]
    zone: ZoneInfo
    persons: int | None
    owners: dict[str, list[BillableComponent]] = field(init=False)

    def __post_init__(self) -> None:
        known = {it.uuid for it in self.components if it.uuid}
        self.owners = {}
        for it in self.components:
            if it.overage in known and it.overage != it.uuid:
                self.owners.setdefault(it.overage, []).append(it)

    def charged(self, it: BillableComponent) -> Fraction | None:
        """The amount that is multiplied by the price."""
        amount = self._taken(it, ())
        if amount is None:
            return None
        if it.priced.billing_type == BillingType.LIMIT and it.minimum is not None and amount:
            amount = max(amount, Fraction(it.minimum))
        return amount if self._ceiling(it) is None else min(amount, Fraction(self._ceiling(it) or 0))

    def note(self, it: BillableComponent) -> str:
        """What else decides the charge, in words."""
        taken = self._taken(it, ())
        is_raised = taken is not None and self.charged(it) != taken and it.minimum is not None and taken < it.minimum
        return Message("at least %(number)s", number=it.minimum) if is_raised else ""

    def reason(self, it: BillableComponent) -> str:
        """Why nothing of a component is in the total; "" if it costs nothing."""
        owners = [owner for owner in self.owners.get(it.uuid, []) if owner.limit is not None]
        if it.uuid in self.owners:
            past = ", ".join(_counted(owner.limit or 0, owner.unit) for owner in owners)
            if past:
                return Message("only past %(amount)s", amount=past)
            return Message("only past the limit of %(name)s", name=self.owners[it.uuid][0].name)
        if is_per_person(it.unit) and self.persons is None:
            return PERSONS_UNKNOWN
        return "" if self._measured(it) == 0 else ON_USE

    def _ceiling(self, it: BillableComponent) -> int | None:
        """Where another component takes over; None if none does."""
        return it.limit if any(it in owners for owners in self.owners.values()) else None

    def _taken(self, it: BillableComponent, seen: tuple[str, ...]) -> Fraction | None:
        """What the booking takes of a component: of an overage the part past the limits that lead to it."""
        owners = self.owners.get(it.uuid)
        if owners is None:
            return self._measured(it)
        if it.uuid in seen:
            return Fraction(0)  # components that name each other in a circle
        past = Fraction(0)
        for owner in owners:
            taken = self._taken(owner, (*seen, it.uuid))
            if taken is None:
                return None
            beyond = max(taken - owner.limit, Fraction(0)) if owner.limit is not None else Fraction(0)
            if beyond and _unit_name(owner.unit) != _unit_name(it.unit):
                return None
            past += beyond
        return past

    def _measured(self, it: BillableComponent) -> Fraction | None:
        words = _words(it.unit)
        rest = [word for word in words if word not in PERSON_WORDS]
        if len(rest) == len(words):
            return _time_taken(rest, self.periods, self.zone)
        if self.persons is None:
            return None
        if not rest or it.priced.billing_type == BillingType.ONE:
            return Fraction(self.persons)
        time = _time_taken(rest, self.periods, self.zone)
        return None if time is None else self.persons * time


def is_per_person(unit: str) -> bool:
    """Whether a measured unit counts persons, such as "person" and "person hour"."""
    return not PERSON_WORDS.isdisjoint(_words(unit))


def _words(unit: str) -> list[str]:
    text = unit.casefold().replace("/", " ").replace("-", " ").replace("_", " ")
    return [word for word in text.split() if word not in _FILLERS]


def _unit_name(unit: str) -> str:
    """A measured unit in words, the same for all ways of writing an hour, a day and so on."""
    known = _WORDS.get(unit.strip().casefold())
    return known or unit.strip()


def _counted(number: int, unit: str) -> str:
    """A number of units in words: "120 hours", "3 × GPU hour"."""
    name = _unit_name(unit)
    if name in _WORDS:
        return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"
    return f"{number:,} × {name}" if name else f"{number:,}"


def _time_taken(words: Sequence[str], periods: Sequence[Period], zone: ZoneInfo) -> Fraction | None:
    """How many of a unit of time the periods take, None if it is not a unit of time of a known length."""
    found = _NUMBER.fullmatch(" ".join(words))
    number, words = (Fraction(found[1].replace(",", ".")), found[2].split()) if found else (Fraction(1), words)
    is_block = len(words) == 2 and words[1] in _BLOCKS
    unit = _WORDS.get(words[0]) if words and len(words) == 1 + is_block else None
    if unit is None or number <= 0:
        return None
    if unit in _SECONDS:
        seconds = [Fraction(it.duration // timedelta(microseconds=1), 1_000_000) for it in periods]
        length = number * _SECONDS[unit]
        if is_block or number != 1:
            return Fraction(sum(ceil(it / length) for it in seconds))
        # Summed before it is divided, so that three times twenty minutes are an hour.
        return sum(seconds, Fraction(0)) / length
    if unit in _DAYS:
        return Fraction(sum(ceil(started_units(it, "day", zone) / (number * _DAYS[unit])) for it in periods))
    return Fraction(sum(ceil(started_units(it, "month", zone) / (number * _MONTHS[unit])) for it in periods))


def started_units(period: Period, unit: str, zone: ZoneInfo) -> int:
    """How many of a plan's units a period has begun: a day that is begun counts whole. A quantity counts once."""
    if unit == "hour":
        return ceil(Fraction(period.duration // timedelta(microseconds=1), 3_600_000_000))
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    if unit in ("month", "quarter"):
        return _ceiling_months(start, end, _MONTHS[unit])
    # By the clocks: midnight to midnight is a day, though the clocks change in between.
    length = end.replace(tzinfo=None) - start.replace(tzinfo=None)
    days = max(-(-length // timedelta(days=1)), 1)
    if unit == "day":
        return days
    return -(-days // 15) if unit == "half_month" else 1


def _ceiling_months(start: datetime, end: datetime, step: int) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month
    if (end.day, end.time()) > (start.day, start.time()):
        months += 1
    return max(-(-months // step), 1)


def _charge(it: BillableComponent, amount: Fraction, unit: str, *, note: str = "") -> Charge:
    percent, notes = it.discount_percent or 0, [note]
    with localcontext(prec=80):
        total = it.priced.price * amount.numerator
        if it.discount_from is not None and 0 < percent <= 100 and amount >= it.discount_from:
            total = total * (100 - percent) / 100
            notes.append(Message("%(percent)s%% off from %(number)s", percent=percent, number=f"{it.discount_from:,}"))
        counted = Decimal(amount.numerator) / amount.denominator
        exact = (total / amount.denominator).quantize(PLACES)
    return Charge(it.name, counted, unit, it.priced.price, exact, ", ".join(filter(None, notes)))
