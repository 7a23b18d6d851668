"""The free-form parts of an offering in words: specifications, rules, the order form, what its managers see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.lists import format_list

from portal.domain import order_form
from portal.domain.messages import N_
from portal.domain.order_form import read_form
from portal.domain.rules import rule_sentences as rules_in_words
from portal.domain.rules import rules_of
from portal.domain.schedules import current_schedules, entry_period, read_schedules
from portal.domain.texts import one_line, shortened
from portal.domain.zones import DAY_SECONDS, duration_text
from portal.localization import current_locale, localized, ngettext
from portal.localization import gettext as _
from portal.web.filters import money, when, whole

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
    "boolean": N_("yes or no"), "integer": N_("a whole number"), "money": N_("an amount of money"),
    "string": N_("a line of text"), "text": N_("text"), "html_text": N_("text"), "select_string": N_("one of"),
    "select_string_multi": N_("any of"), "date": N_("a date"), "time": N_("a time of day"),
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
            facts.append((humanised(key), _("yes") if value else _("no")))
        elif isinstance(value, (int, float)):
            stem, _underscore, unit = key.rpartition("_")
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
    days = days_text(config.open_days)
    if (config.opens, config.closes) == (0, DAY_SECONDS):
        yield _("Open %(days)s, round the clock.", days=days)
    elif config.turn:
        yield _("Open %(days)s, %(hours)s the next day.", days=days, hours=config.hours_text)
    else:
        yield _("Open %(days)s, %(hours)s.", days=days, hours=config.hours_text)
    yield _("Booked in steps of %(length)s.", length=localized(duration_text(config.slot)))
    for entry in entries:
        period = entry_period(entry)
        if period is None:
            continue  # nothing can be booked by it either
        start, end = when(period.start, zone, short=True), when(period.end, zone, short=True)
        title = one_line(str(entry.get("title") or ""))
        if title and period.start > now:
            yield _("%(title)s: from %(start)s until %(end)s.", title=title, start=start, end=end)
        elif title:
            yield _("%(title)s: until %(end)s.", title=title, end=end)
        elif period.start > now:
            yield _("Open from %(start)s until %(end)s.", start=start, end=end)
        else:
            yield _("Open until %(end)s.", end=end)


def _option_rules(options: Mapping[str, Any]) -> Iterator[str]:
    if options.get("auto_approve_in_service_provider_projects"):
        yield _("Bookings in the provider's own projects are confirmed automatically.")
    if limit := _whole(options.get("maximal_resource_count_per_project")):
        yield ngettext(
            "At most %(number)s booking at a time in a project.",
            "At most %(number)s bookings at a time in a project.",
            limit,
            number=whole(limit),
        )
    if people := _whole(options.get("minimal_team_count_for_provisioning")):
        yield ngettext(
            "A project needs at least %(number)s member.",
            "A project needs at least %(number)s members.",
            people,
            number=whole(people),
        )
    if role := options.get("required_team_role_for_provisioning"):
        yield _("Somebody in the project must have the role “%(role)s”.", role=role)
    if latest := options.get("latest_date_for_resource_termination"):
        yield _("Bookings end on %(date)s at the latest.", date=latest)
    if longest := _whole(options.get("max_resource_termination_offset_in_days")):
        yield ngettext(
            "A booking may end at most %(number)s day ahead.",
            "A booking may end at most %(number)s days ahead.",
            longest,
            number=whole(longest),
        )


def _whole(value: Any) -> int | None:
    """The whole number that a free-form value is, as a number or as digits; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def days_text(days: Iterable[int]) -> str:
    """Days of the week (0 = Sunday) as a text: "Monday–Friday", "Tuesday and Thursday"."""
    # Weeks begin on Monday; the API counts from Sunday.
    order = sorted((day - 1) % 7 for day in days)
    if len(order) == 7:
        return _("every day")
    names = current_locale().days["format"]["wide"]
    runs: list[list[int]] = []
    for day in order:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = [
        f"{names[run[0]]}–{names[run[-1]]}"
        if len(run) > 2
        else format_list([names[it] for it in run], locale=current_locale())
        for run in runs
    ]
    return ", ".join(parts) or _("on no day")


def questions(options: Mapping[str, Any]) -> list[Question]:
    """The order form as a list to read, in the order it will be asked in."""
    return [Question(it.label, _kind(it), it.required, it.help_text) for it in read_form(options)]


def _kind(asked: order_form.FormQuestion) -> str:
    kind = _(KINDS[asked.type]) if asked.type in KINDS else asked.type.replace("_", " ")
    if asked.choices:
        kind += ": " + ", ".join(label for _value, label in asked.choices)
    low, high = asked.low, asked.high
    if low is not None and high is not None:
        return _("%(kind)s from %(low)s to %(high)s", kind=kind, low=f"{low:f}", high=f"{high:f}")
    if low is not None:
        return _("%(kind)s from %(low)s", kind=kind, low=f"{low:f}")
    return _("%(kind)s up to %(high)s", kind=kind, high=f"{high:f}") if high is not None else kind


def instrument_code(backend_id: str, options: Mapping[str, Any]) -> tuple[str, str] | None:
    """The backend's own name for the offering, where its options say that it is to be shown, with its label."""
    if not (backend_id and options.get("highlight_backend_id_display")):
        return None
    return str(options.get("backend_id_display_label") or _("Code")), backend_id


def backstage(offering: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What only the offering's managers and staff are shown."""
    facts: list[tuple[str, object]] = [
        (_("Shared"), _("yes") if offering["shared"] else _("no: only its own organization sees it")),
        (_("Billable"), _("yes") if offering["billable"] else _("no")),
        (_("Backend ID"), offering["backend_id"]),
        (_("Orders"), offering["order_count"]),
        (_("Customers"), offering["total_customers"]),
        (_("Cost this month"), money(offering["total_cost"])),
        (_("Expected cost"), money(offering["total_cost_estimated"])),
    ]
    facts += [
        (
            _("Quota: %(name)s", name=quota["name"]),
            _("%(used)s of %(limit)s", used=whole(quota["usage"]), limit=_limit(quota["limit"])),
        )
        for quota in offering["quotas"]
    ]
    facts += [(_("Backend state"), offering["scope_state"]), (_("Backend message"), offering["scope_error_message"])]
    facts += [
        (humanised(key), value)
        for key, value in _mapping(offering["backend_metadata"]).items()
        if isinstance(value, (str, int, float))
    ]
    return [(name, value) for name, value in facts if value not in (None, "")]


def _limit(limit: int) -> str:
    return "∞" if limit < 0 else whole(limit)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
