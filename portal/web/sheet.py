"""The free-form parts of an offering in words: specifications, rules, the order form, what its managers see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.models import Offering
from portal.web.filters import count_of, when

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
# Parts of the attributes that have a section of their own.
NOT_SPECIFICATIONS = frozenset({"schedules", "booking_rules"})
UNITS = {"kv": "kV", "kev": "keV", "gev": "GeV", "mhz": "MHz", "ghz": "GHz", "mm": "mm", "nm": "nm", "um": "µm", "m2": "m²",
         "kg": "kg", "tb": "TB", "gb": "GB", "km": "km", "kw": "kW", "hz": "Hz", "k": "K", "c": "°C", "t": "T", "m": "m"}  # fmt: skip
KINDS = {
    "boolean": "yes or no", "integer": "a whole number", "money": "an amount of money", "string": "a line of text",
    "text": "text", "html_text": "text", "select_string": "one of", "select_string_multi": "any of", "date": "a date",
    "time": "a time of day",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the order form."""

    label: str
    kind: str
    required: bool
    help: str


def humanised(key: str) -> str:
    """A key as words: max_sample_size becomes "Max sample size"."""
    words = re.sub(r"[_\-\s]+", " ", key).strip()
    return words[:1].upper() + words[1:]


def specifications(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The plain values among the attributes, named in words; a unit at the end of a key goes to the number."""
    facts = []
    for key, value in attributes.items():
        if key in NOT_SPECIFICATIONS or value is None or value == "":
            continue
        if isinstance(value, bool):
            facts.append((humanised(key), "yes" if value else "no"))
        elif isinstance(value, (int, float)):
            stem, _, unit = key.rpartition("_")
            known = UNITS.get(unit.lower()) if stem else None
            facts.append((humanised(stem), f"{value:,}\u00a0{known}") if known else (humanised(key), f"{value:,}"))
        elif isinstance(value, str):
            facts.append((humanised(key), value))
        elif isinstance(value, list) and value and all(isinstance(item, (str, int, float)) for item in value):
            facts.append((humanised(key), ", ".join(str(item) for item in value)))
    return facts


def rules(offering: Offering, zone: str, now: datetime) -> list[str]:
    """The rules of the schedules and options as sentences."""
    sentences: list[str] = []
    for sentence in (*_schedule_rules(offering.attributes, zone, now), *_option_rules(offering.plugin_options)):
        if sentence not in sentences:
            sentences.append(sentence)
    return sentences


def _schedule_rules(attributes: Mapping[str, Any], zone: str, now: datetime) -> Iterator[str]:
    for entry in _mappings(attributes.get("schedules")):
        end = _instant(entry.get("end"))
        if end is None or end <= now:
            continue
        config = _mapping(_mapping(entry.get("extendedProps")).get("config"))
        hours = _mapping(config.get("businessHours"))
        days = [day for day in hours.get("daysOfWeek") or range(7) if isinstance(day, int) and 0 <= day <= 6]
        if config.get("weekends") is False:
            days = [day for day in days if day not in (0, 6)]
        opens, closes = hours.get("startTime", "00:00"), hours.get("endTime", "24:00")
        round_the_clock = (opens, closes) == ("00:00", "24:00")
        yield f"Open {_days(days)}, {'round the clock' if round_the_clock else f'{opens}–{closes}'}."
        yield f"Booked in steps of {_duration(str(config.get('slotDuration') or '01:00:00'))}."
    for entry in _mappings(attributes.get("schedules")):
        start, end = _instant(entry.get("start")), _instant(entry.get("end"))
        if start is None or end is None or end <= now:
            continue
        title = f"{entry['title']}: " if entry.get("title") else ""
        since = f"from {when(start, zone, short=True)} " if start > now else ""
        yield f"{title}{since}until {when(end, zone, short=True)}."[:1].upper() + f"{title}{since}until {when(end, zone, short=True)}."[1:]


def _option_rules(options: Mapping[str, Any]) -> Iterator[str]:
    if options.get("auto_approve_in_service_provider_projects"):
        yield "Bookings in the provider's own projects are accepted at once."
    if limit := options.get("maximal_resource_count_per_project"):
        yield f"At most {count_of(int(limit), 'booking')} at a time in a project."
    if people := options.get("minimal_team_count_for_provisioning"):
        yield f"A project needs at least {count_of(int(people), 'member')}."
    if role := options.get("required_team_role_for_provisioning"):
        yield f"Somebody in the project must have the role “{role}”."
    if latest := options.get("latest_date_for_resource_termination"):
        yield f"Everything ends on {latest} at the latest."
    if longest := options.get("max_resource_termination_offset_in_days"):
        yield f"A booking may end at most {count_of(int(longest), 'day')} ahead."


def _days(days: list[int]) -> str:
    # Weeks are told from Monday on; the wire counts from Sunday.
    order = sorted(set(days), key=lambda day: (day - 1) % 7)
    if len(order) == 7:
        return "every day"
    runs: list[list[int]] = []
    for day in order:
        if runs and (day - 1) % 7 == (runs[-1][-1] - 1) % 7 + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = [f"{DAYS[run[0]]}–{DAYS[run[-1]]}" if len(run) > 2 else " and ".join(DAYS[d] for d in run) for run in runs]
    return ", ".join(parts) or "on no day"


def _duration(text: str) -> str:
    try:
        hours, minutes = (int(part) for part in text.split(":")[:2])
    except ValueError:
        return text
    if hours and hours % 24 == 0 and not minutes:
        return count_of(hours // 24, "day")
    parts = [count_of(hours, "hour")] if hours else []
    return " and ".join(parts + ([count_of(minutes, "minute")] if minutes else [])) or text


def questions(options: Mapping[str, Any]) -> list[Question]:
    """The order form as a list to read, in the order it will be asked in."""
    fields = _mapping(options.get("options"))
    order = [key for key in options.get("order") or [] if key in fields]
    asked = []
    for key in (*order, *(key for key in fields if key not in order)):
        item = _mapping(fields[key])
        kind = KINDS.get(str(item.get("type")), str(item.get("type", "")).replace("_", " "))
        if choices := item.get("choices"):
            kind += ": " + ", ".join(str(choice) for choice in choices)
        low, high = item.get("min"), item.get("max")
        if low is not None or high is not None:
            kind += f" from {low} to {high}" if None not in (low, high) else f" from {low}" if high is None else f" up to {high}"
        asked.append(Question(str(item.get("label") or humanised(key)), kind, bool(item.get("required")), str(item.get("help_text") or "")))
    return asked


def backstage(offering: Offering, order_count: int) -> list[tuple[str, object]]:
    """What only the offering's managers and staff are shown."""
    facts: list[tuple[str, object]] = [
        ("Shared", "yes" if offering.shared else "no: only its own organization sees it"),
        ("Billable", "yes" if offering.billable else "no"),
        ("Backend ID", offering.backend_id),
        ("Orders", order_count),
        ("Customers", offering.total_customers),
        ("Cost this month", offering.total_cost),
        ("Cost expected", offering.total_cost_estimated),
    ]
    facts += [(f"Quota: {quota.name}", f"{quota.usage:,} of {'∞' if quota.limit < 0 else f'{quota.limit:,}'}") for quota in offering.quotas]
    if offering.scope is not None:
        facts += [("Backend state", offering.scope.state), ("Backend says", offering.scope.error_message)]
    facts += [(humanised(key), value) for key, value in _mapping(offering.backend_metadata).items() if isinstance(value, (str, int, float))]
    return [(name, value) for name, value in facts if value not in (None, "")]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _instant(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC"))
