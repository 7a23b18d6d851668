"""Checks of an offering's options: what published clients cannot read is dropped, or refused where it is typed.

One such value makes a client fail on the whole list. A value that is only unset (null, or an empty text or object where
clients read none) is left out without a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from portal.domain import choices
from portal.domain.instants import parse_instant
from portal.domain.messages import Message
from portal.domain.texts import visible
from portal.schema.checks import Check, Corrected, InvalidValue, checked_text, corrected, free, free_object

# Questions of an order form, and choices of all of them together, since a page shows them all.
MAX_QUESTIONS = 500
MAX_CHOICES = 5000
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UNREADABLE = Message("has a form that clients cannot read, so it is left out")
_UNSET: tuple[Any, ...] = (None, "", {}, [])


def order_form(value: Any) -> Any:
    """`options` or `resource_options`. A question of an unknown type is left out, since nobody could answer it."""
    found = free_object(value)
    if "options" not in found:
        return found
    if not isinstance(found["options"], dict):
        raise InvalidValue(Message("must be an object"), "options")
    if len(found["options"]) > MAX_QUESTIONS:
        number, most = f"{len(found['options']):,}", f"{MAX_QUESTIONS:,}"
        text = Message("has %(number)s questions: at most %(most)s are accepted", number=number, most=most)
        raise InvalidValue(text, "options")
    left = MAX_CHOICES
    reasons: list[InvalidValue] = []
    for key, option in list(found["options"].items()):
        path = f"options.{visible(key, 60)}"
        if not isinstance(option, dict):
            raise InvalidValue(Message("must be an object"), path)
        for needed in ("type", "label"):
            if not isinstance(option.get(needed), str):
                raise InvalidValue(Message("must be a text"), f"{path}.{needed}")
        left -= len(option["choices"]) if isinstance(option.get("choices"), list) else 0
        if left < 0:
            raise InvalidValue(
                Message("has more than %(most)s choices in all its questions", most=f"{MAX_CHOICES:,}"), "options"
            )
        if option["type"] not in choices.OPTION_TYPES:
            del found["options"][key]
            if isinstance(found.get("order"), list):
                found["order"] = [it for it in found["order"] if it != key]
            known = ", ".join(sorted(choices.OPTION_TYPES))
            shown = visible(option["type"], 60)
            reason = Message(
                "is “%(kind)s”, which clients do not know, so the question is left out. Known are %(known)s",
                kind=shown,
                known=known,
            )
            reasons.append(InvalidValue(reason, f"{path}.type"))
        else:
            reasons += _check_question(option, path)
    return corrected(found, reasons)


def _check_question(option: dict[str, Any], path: str) -> list[InvalidValue]:
    reasons = []
    for key, readable in _PARTS_OF_QUESTIONS.items():
        if key in option and not readable(option[key]) and option.pop(key) not in _UNSET:
            reasons.append(InvalidValue(_UNREADABLE, f"{path}.{key}"))
    return reasons


def plugin_options(value: Any) -> Any:
    """`plugin_options`, without the values that clients cannot read."""
    found = free_object(value)
    reasons = []
    for key, allowed in choices.PLUGIN_OPTIONS.items():
        known = isinstance(found.get(key), str | None) and found.get(key) in allowed
        if key in found and not known and found.pop(key) not in _UNSET:
            words = ", ".join(sorted(word for word in allowed if word))
            reasons.append(InvalidValue(Message("must be one of %(choices)s", choices=words), key))
    for key, (readable, form) in _PLUGIN_FORMS.items():
        if key in found and not readable(found[key]) and found.pop(key) not in _UNSET:
            reasons.append(InvalidValue(form, key))
    return corrected(found, reasons)


def metadata(value: Any) -> Any:
    """`backend_metadata`: clients since 8 read nothing but an object; unset is {}."""
    if isinstance(value, dict):
        return free(value)
    if value is None or value == []:
        return {}
    return Corrected({}, (InvalidValue(Message("must be an object")),))


def readable(check: Check, value: Any) -> Any:
    """What clients can read of a stored value, which may be older than its check."""
    try:
        found = check(value)
    except InvalidValue:
        return {}
    return found.value if isinstance(found, Corrected) else found


def _is_date(value: Any) -> bool:
    try:
        checked_text(value, 64)
        if _DATE.fullmatch(value):
            date.fromisoformat(value)
        else:
            parse_instant(value)
    except (InvalidValue, ValueError):
        return False
    return True


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_never_readable(_value: Any) -> bool:
    """For parts of question types that are left out."""
    return False


def _has(value: Any, *keys: str) -> bool:
    return isinstance(value, dict) and value.keys() >= set(keys)


def _is_cascade(value: Any) -> bool:
    return _has(value, "steps") and isinstance(value["steps"], list) and all(map(_is_cascade_step, value["steps"]))


def _is_cascade_step(value: Any) -> bool:
    return (
        _has(value, "name", "label", "type")
        and value["type"] in ("select_string", "select_string_multi")
        and all(isinstance(value[key], dict) for key in ("choices", "choices_map") if key in value)
    )


def _is_validators(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_is_validator, value)))


def _is_validator(value: Any) -> bool:
    return _has(value, "type", "target_field") and value["type"] in ("gt", "gte", "lt", "lte")


# What clients parse of a question, beside its type and label.
_PARTS_OF_QUESTIONS: Mapping[str, Callable[[Any], bool]] = {
    "cascade_config": _is_cascade,
    "component_multiplier_config": lambda value: _has(value, "component_type", "factor"),
    "visible_if": lambda value: _has(value, "field", "values") and isinstance(value["values"], list),
    "validators": _is_validators,
    "component_formula_config": _is_never_readable,
    "component_sum_config": _is_never_readable,
    "storage_folder_config": _is_never_readable,
    "default_configs": _is_never_readable,
}
# What clients parse of plugin_options, beside closed lists of words.
_PLUGIN_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "latest_date_for_resource_termination": (_is_date, Message("must be a date such as 2026-12-31")),
    "resource_role_map": (_is_object, Message("must be an object")),
    "resource_project_role_map": (_is_object, Message("must be an object")),
}
