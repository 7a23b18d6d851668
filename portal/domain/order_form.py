"""The order form of an offering (`options`): its questions, and the validation of answers.

The question types are OptionType. Answers come as JSON values or form texts and are stored as JSON: whole numbers and
amounts of money as numbers, dates as YYYY-MM-DD, times as HH:MM, choices as their values. OpenStack tenants and
instances, which only a backend could list, are free text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.domain.estimate import PERSON_WORDS
from portal.domain.messages import Message, reason_of
from portal.domain.texts import is_storable
from portal.errors import Invalid

MAX_TEXT = 10_000
MAX_CHOSEN = 200
# Characters of all answers of a booking together, and choices listed in an error message.
MAX_ANSWERS_LENGTH = 50_000
MAX_LISTED = 20
MANY = frozenset({"select_string_multi", "select_multiple_openstack_tenants", "select_multiple_openstack_instances"})
WHOLE = frozenset({"integer", "component_multiplier"})
_TRUE = frozenset({"true", "on", "1", "yes"})
_FALSE = frozenset({"false", "off", "0", "no"})
_DIGITS = re.compile(r"[+-]?\d{1,18}", re.ASCII)
# A decimal comma. (With three digits after it, it might be a thousands separator.)
_COMMA = re.compile(r"[+-]?\d{1,18},\d{1,2}", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """One question. `choices` are pairs of value and label; `low` and `high` are bounds of numbers."""

    key: str
    type: str
    label: str
    help_text: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = None
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def takes_many(self) -> bool:
        return self.type in MANY


class InvalidAnswers(Invalid):
    """Invalid answers. `errors` maps keys of questions to reasons."""

    def __init__(self, errors: Mapping[str, str], labels: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{labels.get(key, key)}: {reason}" for key, reason in errors.items()), "options")
        self.errors = dict(errors)


def read_form(options: Any) -> list[FormQuestion]:
    """The questions: those named by `order`, then the others. Never raises."""
    fields = _mapping(_mapping(options).get("options"))
    given = _mapping(options).get("order")
    order = [key for key in given if isinstance(key, str) and key in fields] if isinstance(given, list) else []
    return [_question(key, _mapping(fields[key])) for key in dict.fromkeys((*order, *fields))]


def check_answers(options: Any, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers in the form in which they are stored, in the order of the form, with defaults where one is missing.

    Raises InvalidAnswers for wrong and missing answers and unknown questions, Invalid if all together are too long.
    """
    questions = read_form(options)
    errors: dict[str, str] = {}
    valid: dict[str, Any] = {}
    for question in questions:
        raw = answers.get(question.key)
        try:
            value = _default(question) if raw is None else _answer(question, raw)
        except ValueError as error:
            errors[question.key] = reason_of(error)
            continue
        if value is not None:
            valid[question.key] = value
        elif question.required:
            errors[question.key] = Message("This is required.")
    known = {question.key for question in questions}
    errors.update({str(key): Message("The order form has no such question.") for key in answers if key not in known})
    if errors:
        raise InvalidAnswers(errors, {question.key: question.label for question in questions})
    if sum(len(key) + len(str(value)) for key, value in valid.items()) > MAX_ANSWERS_LENGTH:
        raise Invalid(
            Message(
                "The answers are too long together (at most %(number)s characters).", number=f"{MAX_ANSWERS_LENGTH:,}"
            ),
            "options",
        )
    return valid


def persons_of(options: Any, answers: Mapping[str, Any]) -> int | None:
    """The number of persons of a booking: the answer to the only whole-number question about persons.

    None if there is no such question, if there are several, or without a valid answer.
    """
    asking = [question for question in read_form(options) if question.type in WHOLE and _asks_for_persons(question)]
    if len(asking) != 1:
        return None
    try:
        value = _answer(asking[0], answers.get(asking[0].key))
    except ValueError:
        return None
    return value if value is not None and value >= 0 else None


def _asks_for_persons(question: FormQuestion) -> bool:
    words = re.findall(r"[^\W\d_]+", f"{question.key} {question.label}".casefold())
    return not PERSON_WORDS.isdisjoint(words)


def display_answers(options: Any, answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The answers of a booking as labels and texts. Answers to removed questions come last."""
    questions = {question.key: question for question in read_form(options)}
    for key in dict.fromkeys((*(key for key in questions if key in answers), *answers)):
        question = questions.get(key) or FormQuestion(key, "string", key)
        yield question.label, _shown(question, answers[key])


def _shown(question: FormQuestion, value: Any) -> str:
    labels = dict(question.choices)
    if isinstance(value, bool):
        return Message("yes") if value else Message("no")
    if isinstance(value, list):
        return ", ".join(labels.get(str(it), str(it)) for it in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {it}" for key, it in value.items())
    return labels.get(str(value), str(value))


def _question(key: str, item: Mapping[str, Any]) -> FormQuestion:
    return FormQuestion(
        key=key,
        type=str(item.get("type") or "string"),
        label=str(item.get("label") or key.replace("_", " ").capitalize()),
        help_text=str(item.get("help_text") or ""),
        required=item.get("required") is True,
        choices=tuple(_choices(item.get("choices"))),
        default=item.get("default"),
        low=_bound(item.get("min")),
        high=_bound(item.get("max")),
    )


def _choices(given: Any) -> Iterator[tuple[str, str]]:
    for choice in given if isinstance(given, list) else ():
        if isinstance(choice, Mapping):
            value = str(choice.get("value", choice.get("label", "")))
            yield value, str(choice.get("label") or value)
        else:
            yield str(choice), str(choice)


def _bound(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _answer(question: FormQuestion, raw: Any) -> Any:
    """An answer as it is stored, or None. Raises ValueError with the reason for the user."""
    if isinstance(raw, str):
        raw = raw.strip()
    if raw is None or raw in ("", []) or raw == {}:
        return None
    if question.type == "boolean":
        return _flag(question, raw)
    if question.type in WHOLE:
        return _number(question, _whole(raw))
    if question.type == "money":
        return _number(question, _decimal(raw))
    if question.type == "date":
        return _date(raw)
    if question.type == "time":
        return _time(raw)
    if question.type == "conditional_cascade":
        return _cascade(raw) or None
    if question.takes_many:
        return _many(question, raw)
    return _one(question, raw)


def _default(question: FormQuestion) -> Any:
    try:
        return _answer(question, question.default)
    except ValueError:
        # A mistake in the form, not in the answers.
        return None


def _flag(question: FormQuestion, raw: Any) -> bool | None:
    value = raw if isinstance(raw, bool) else str(raw).casefold() if isinstance(raw, (str, int)) else None
    if value is True or value in _TRUE:
        return True
    if value is False or value in _FALSE:
        # A required box (an agreement) has to be ticked.
        return None if question.required else False
    raise ValueError(Message("Answer yes or no."))


def _whole(raw: Any) -> Decimal:
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, (int, str)) or not _DIGITS.fullmatch(str(raw)):
        raise ValueError(Message("Enter a whole number."))
    return Decimal(str(raw))


def _decimal(raw: Any) -> Decimal:
    if isinstance(raw, str) and _COMMA.fullmatch(raw):
        raw = raw.replace(",", ".")
    try:
        number = Decimal(str(raw)) if isinstance(raw, (int, float, str)) and not isinstance(raw, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise ValueError(Message("Enter a sum, such as 12.50."))
    if abs(number) != round(abs(number), 2):
        raise ValueError(Message("Enter a sum with at most two decimals."))
    return number


def _number(question: FormQuestion, number: Decimal) -> int | float:
    low, high = question.low, question.high
    if (low is not None and number < low) or (high is not None and number > high):
        if low is None:
            raise ValueError(Message("Enter at most %(high)s.", high=f"{high:f}"))
        if high is None:
            raise ValueError(Message("Enter at least %(low)s.", low=f"{low:f}"))
        raise ValueError(Message("Enter %(low)s to %(high)s.", low=f"{low:f}", high=f"{high:f}"))
    return int(number) if number == number.to_integral_value() else float(number)


def _date(raw: Any) -> str:
    try:
        if not isinstance(raw, str) or len(raw) != 10:
            raise ValueError
        return date.fromisoformat(raw).isoformat()
    except ValueError:
        raise ValueError(Message("Enter a date, such as 2026-03-31.")) from None


def _time(raw: Any) -> str:
    try:
        if not isinstance(raw, str) or not _TIME.fullmatch(raw):
            raise ValueError
        return time.fromisoformat(raw).isoformat("minutes" if len(raw) == 5 else "seconds")
    except ValueError:
        raise ValueError(Message("Enter a time of day, such as 09:30.")) from None


def _text(raw: Any) -> str:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float)):
        raise ValueError(Message("Enter a text."))
    text = str(raw).strip()
    if len(text) > MAX_TEXT:
        raise ValueError(Message("This is too long (at most %(number)s characters).", number=f"{MAX_TEXT:,}"))
    if not is_storable(text):
        raise ValueError(Message("This contains a character that can't be stored."))
    return text


def _one(question: FormQuestion, raw: Any) -> str:
    text = _text(raw)
    if question.choices and text not in dict(question.choices):
        labels = [label[:100] for _, label in question.choices[:MAX_LISTED]]
        if len(question.choices) > MAX_LISTED:
            labels.append("…")
        raise ValueError(Message("Choose one of: %(choices)s.", choices=", ".join(labels)))
    return text


def _many(question: FormQuestion, raw: Any) -> list[str]:
    given = raw if isinstance(raw, list) else [raw]
    if len(given) > MAX_CHOSEN:
        raise ValueError(Message("Choose at most %(number)s.", number=MAX_CHOSEN))
    return list(dict.fromkeys(_one(question, it) for it in given))


def _cascade(raw: Any) -> dict[str, str]:
    """The answers of a cascade, by the name of each level."""
    if not isinstance(raw, Mapping) or len(raw) > MAX_CHOSEN:
        raise ValueError(Message("Answer with an object of level names and choices."))
    return {_text(key): _text(value) for key, value in raw.items() if value not in (None, "")}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
