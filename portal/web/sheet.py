"""The free-form parts of an offering in words: specifications, rules, the order form, what its managers see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.domain import order_form
from portal.domain.order_form import read_form
from portal.domain.rules import rule_sentences as rules_in_words
from portal.domain.rules import rules_of
from portal.domain.schedules import current_schedules, entry_period, read_schedules
from portal.domain.texts import one_line, shortened
from portal.domain.zones import DAY_SECONDS, duration_text
from portal.web.filters import count_of, money, when

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
# More facts than anybody reads, and of a text so much.
MAX_FACTS = 100
MAX_TEXT = 1000
# Parts of the attributes that have a section of their own.
NOT_SPECIFICATIONS = frozenset({"schedules", "booking_rules"})
UNITS = {
    "kv": "kV", "kev": "keV", "gev": "GeV", "hz": "Hz", "mhz": "MHz", "ghz": "GHz", "nm": "nm", "um": "µm", "mm": "mm",
    "m": "m", "km": "km", "m2": "m²", "kg": "kg", "kw": "kW", "gb": "GB", "tb": "TB", "k": "K", "c": "°C", "t": "T",
}  # fmt: skip
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
    """The plain values among the attributes, named in words; a unit at the end of a key goes to the number.

    The first MAX_FACTS of them; the API has all.
    """
    facts: list[tuple[str, str]] = []
    for key, value in attributes.items():
        if len(facts) == MAX_FACTS:
            break
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
    return [(shortened(name, 100), shortened(value, MAX_TEXT)) for name, value in facts]


def rules(offering: Mapping[str, Any], zone: str, now: datetime) -> list[str]:
    """The rules of the schedules and options as sentences."""
    rule_sentences: list[str] = []
    booking = rules_in_words(rules_of(offering["attributes"])) if offering["state"] == "Active" else ()
    of_options = _option_rules(offering["plugin_options"])
    for sentence in (*schedule_rules(offering["attributes"], zone, now), *booking, *of_options):
        if sentence not in rule_sentences:
            rule_sentences.append(sentence)
    return rule_sentences


def schedule_rules(attributes: Mapping[str, Any], zone: str, now: datetime) -> Iterator[str]:
    """The schedules that are not over, as sentences; none where there are none."""
    raw = attributes.get("schedules")
    entries = current_schedules(raw, now)
    if not entries:
        return
    config = read_schedules(raw).config
    hours = "round the clock"
    if (config.opens, config.closes) != (0, DAY_SECONDS):
        hours = f"{config.hours_text} the next day" if config.turn else config.hours_text
    yield f"Open {_days(config.open_days)}, {hours}."
    yield f"Booked in steps of {duration_text(config.slot)}."
    for entry in entries:
        period = entry_period(entry)
        if period is None:
            continue  # nothing can be booked by it either
        since = f"from {when(period.start, zone, short=True)} " if period.start > now else ""
        sentence = f"{since}until {when(period.end, zone, short=True)}."
        title = one_line(str(entry.get("title") or ""))
        yield f"{title}: {sentence}" if title else f"Open {sentence}"


def _option_rules(options: Mapping[str, Any]) -> Iterator[str]:
    if options.get("auto_approve_in_service_provider_projects"):
        yield "Bookings in the provider's own projects are accepted at once."
    if limit := _whole(options.get("maximal_resource_count_per_project")):
        yield f"At most {count_of(limit, 'booking')} at a time in a project."
    if people := _whole(options.get("minimal_team_count_for_provisioning")):
        yield f"A project needs at least {count_of(people, 'member')}."
    if role := options.get("required_team_role_for_provisioning"):
        yield f"Somebody in the project must have the role “{role}”."
    if latest := options.get("latest_date_for_resource_termination"):
        yield f"Everything ends on {latest} at the latest."
    if longest := _whole(options.get("max_resource_termination_offset_in_days")):
        yield f"A booking may end at most {count_of(longest, 'day')} ahead."


def _whole(value: Any) -> int | None:
    """The whole number that a free-form value is, as a number or as digits; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _days(days: Iterable[int]) -> str:
    # Weeks are told from Monday on; the wire counts from Sunday.
    order = sorted(days, key=lambda day: (day - 1) % 7)
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


def questions(options: Mapping[str, Any]) -> list[Question]:
    """The order form as a list to read, in the order it will be asked in."""
    return [Question(it.label, _kind(it), it.required, it.help_text) for it in read_form(options)]


def _kind(asked: order_form.FormQuestion) -> str:
    kind = KINDS.get(asked.type, asked.type.replace("_", " "))
    if asked.choices:
        kind += ": " + ", ".join(label for _, label in asked.choices)
    low, high = asked.low, asked.high
    if low is not None and high is not None:
        return f"{kind} from {low:f} to {high:f}"
    if low is not None or high is not None:
        return f"{kind} from {low:f}" if low is not None else f"{kind} up to {high:f}"
    return kind


def instrument_code(backend_id: str, options: Mapping[str, Any]) -> tuple[str, str] | None:
    """The backend's own name for the offering, where its options say that it is to be shown, with its label."""
    if not (backend_id and options.get("highlight_backend_id_display")):
        return None
    return str(options.get("backend_id_display_label") or "Code"), backend_id


def backstage(offering: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What only the offering's managers and staff are shown."""
    facts: list[tuple[str, object]] = [
        ("Shared", "yes" if offering["shared"] else "no: only its own organization sees it"),
        ("Billable", "yes" if offering["billable"] else "no"),
        ("Backend ID", offering["backend_id"]),
        ("Orders", offering["order_count"]),
        ("Customers", offering["total_customers"]),
        ("Cost this month", money(offering["total_cost"])),
        ("Cost expected", money(offering["total_cost_estimated"])),
    ]
    facts += [
        (
            f"Quota: {quota['name']}",
            f"{quota['usage']:,} of {'∞' if quota['limit'] < 0 else format(quota['limit'], ',')}",
        )
        for quota in offering["quotas"]
    ]
    facts += [("Backend state", offering["scope_state"]), ("Backend says", offering["scope_error_message"])]
    facts += [
        (humanised(key), value)
        for key, value in _mapping(offering["backend_metadata"]).items()
        if isinstance(value, (str, int, float))
    ]
    return [(name, value) for name, value in facts if value not in (None, "")]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
