"""The estimated price of a booking, as exact decimals.

fixed            price × amount × started plan units, counted per period
one              price, once
limit, usage     measured in hours: price × hours
anything else    charged by use: listed with its price, not summed; few is charged on a change of plan only
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal, localcontext
from zoneinfo import ZoneInfo

from portal.domain.choices import BillingType
from portal.domain.periods import Period
from portal.domain.pricing import PLACES, PricedComponent

_HOURS = frozenset({"hour", "hours", "h", "hr", "hrs"})
_LENGTHS = {"hour": timedelta(hours=1)}
_MONTHS = {"month": 1, "quarter": 3}


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of an estimate: `amount` (in `unit`) × `price` = `total`."""

    name: str
    amount: Decimal
    unit: str
    price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    """`charges` with their sum `total`; `by_use` are prices (name, price, unit) with an unknown amount."""

    charges: tuple[Charge, ...]
    by_use: tuple[tuple[str, Decimal, str], ...]

    @property
    def total(self) -> Decimal:
        with localcontext(prec=80):
            return sum((charge.total for charge in self.charges), Decimal(0))


def estimate(
    components: Iterable[tuple[PricedComponent, str]], plan_unit: str, periods: Sequence[Period], zone: ZoneInfo
) -> Estimate:
    """The estimated price of periods under a plan, given as its components with their measured units.

    Days and months are counted from the start of each period, in the offering's time zone. Zero prices are left out.
    """
    seconds = sum(int(it.duration.total_seconds()) for it in periods)
    charges: list[Charge] = []
    by_use: list[tuple[str, Decimal, str]] = []
    for component, measured in components:
        if component.price <= 0 or component.billing_type == BillingType.FEW:
            continue
        name = component.name or component.type
        if component.billing_type == BillingType.ONE:
            charges.append(_charge(name, Decimal(1), "once", component.price))
        elif component.billing_type == BillingType.FIXED:
            if component.amount:
                units = sum(started_units(it, plan_unit, zone) for it in periods)
                charges.append(_charge(name, Decimal(component.amount * units), plan_unit, component.price))
        elif measured.strip().casefold() in _HOURS:
            # Divided last, so that three times 20 minutes make exactly one hour.
            total = (component.price * seconds / 3600).quantize(PLACES)
            charges.append(Charge(name, Decimal(seconds) / 3600, "hour", component.price, total))
        else:
            by_use.append((name, component.price, measured))
    return Estimate(tuple(charges), tuple(by_use))


def started_units(period: Period, unit: str, zone: ZoneInfo) -> int:
    """How many of a plan's units a period begins: a started day counts as a whole one. A quantity counts once."""
    if unit in _LENGTHS:
        return _ceiling(period.duration / _LENGTHS[unit])
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    if unit in _MONTHS:
        return _ceiling_months(start, end, _MONTHS[unit])
    days = _ceiling((end.replace(tzinfo=None) - start.replace(tzinfo=None)) / timedelta(days=1))
    if unit == "day":
        return max(days, 1)
    if unit == "half_month":
        return max(-(-days // 15), 1)
    return 1


def _ceiling_months(start: datetime, end: datetime, step: int) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month
    if (end.day, end.time()) > (start.day, start.time()):
        months += 1
    return max(-(-months // step), 1)


def _ceiling(number: float) -> int:
    return int(Decimal(str(round(number, 9))).to_integral_value(ROUND_CEILING))


def _charge(name: str, amount: Decimal, unit: str, price: Decimal) -> Charge:
    with localcontext(prec=80):
        return Charge(name, amount, unit, price, amount * price)
