"""Order forms: typed JSON and form fields are read by one rule, and what is wrong is said for each question."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.choices import OPTION_TYPES
from portal.domain.order_form import InvalidAnswers, check_answers, display_answers, read_form


def form(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"order": list(fields), "options": {key: {"label": key.title(), **item} for key, item in fields.items()}}


def answer(item: dict[str, Any], given_value: Any) -> Any:
    return check_answers(form(x=item), {"x": given_value}).get("x")


CHOICES = {"choices": ["red", "blue"]}


@pytest.mark.parametrize(
    ("item", "given_value", "kept"),
    [
        ({"type": "string"}, " ice ", "ice"),
        ({"type": "string"}, 5, "5"),
        ({"type": "text"}, "a\nb", "a\nb"),
        ({"type": "html_text"}, "<b>x</b>", "<b>x</b>"),
        ({"type": "boolean"}, True, True),
        ({"type": "boolean"}, "on", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "integer"}, 2, 2),
        ({"type": "integer"}, "2", 2),
        ({"type": "integer"}, 2.0, 2),
        ({"type": "integer", "min": 0, "max": 0}, 0, 0),
        ({"type": "component_multiplier"}, "3", 3),
        ({"type": "money"}, "12.50", 12.5),
        ({"type": "money"}, 12, 12),
        ({"type": "money"}, "12,50", 12.5),
        ({"type": "money"}, "-0,5", -0.5),
        ({"type": "select_string", **CHOICES}, "red", "red"),
        ({"type": "select_string_multi", **CHOICES}, ["red", "blue", "red"], ["red", "blue"]),
        ({"type": "select_string_multi", **CHOICES}, "red", ["red"]),
        ({"type": "select_openstack_tenant"}, "tenant", "tenant"),
        ({"type": "select_multiple_openstack_instances"}, ["a"], ["a"]),
        ({"type": "date"}, "2026-03-31", "2026-03-31"),
        ({"type": "time"}, "09:30", "09:30"),
        ({"type": "time"}, "09:30:15", "09:30:15"),
        ({"type": "conditional_cascade"}, {"site": "A", "room": ""}, {"site": "A"}),
        ({"type": "conditional_cascade"}, {"site": ""}, None),
        ({"type": "string"}, "", None),
        ({"type": "string", "default": "x"}, None, "x"),
        ({"type": "string", "default": "x"}, "", None),
    ],
)
def test_answers_are_kept_as_json(item: dict[str, Any], given_value: Any, kept: Any) -> None:
    assert answer(item, given_value) == kept


@pytest.mark.parametrize(
    ("item", "given_value", "reason"),
    [
        ({"type": "string", "required": True}, " ", "This is required."),
        ({"type": "boolean", "required": True}, "false", "This is required."),
        ({"type": "boolean"}, "maybe", "Answer yes or no."),
        ({"type": "boolean"}, [1], "Answer yes or no."),
        ({"type": "integer"}, "two", "Enter a whole number."),
        ({"type": "integer"}, True, "Enter a whole number."),
        ({"type": "integer"}, 2.5, "Enter a whole number."),
        ({"type": "integer"}, "9" * 40, "Enter a whole number."),
        ({"type": "integer"}, "٣", "Enter a whole number."),
        ({"type": "integer", "min": 1, "max": 2}, 3, "Enter 1 to 2."),
        ({"type": "integer", "min": 1}, 0, "Enter at least 1."),
        ({"type": "integer", "max": 1}, 2, "Enter at most 1."),
        ({"type": "money"}, "NaN", "Enter a sum, such as 12.50."),
        ({"type": "money"}, "1e900", "Enter a sum, such as 12.50."),
        ({"type": "money"}, "1,250", "Enter a sum, such as 12.50."),
        ({"type": "money"}, "1.250,50", "Enter a sum, such as 12.50."),
        ({"type": "money"}, "1.005", "Enter a sum with at most two decimals."),
        ({"type": "date"}, "31.3.2026", "Enter a date, such as 2026-03-31."),
        ({"type": "date"}, "2026-02-30", "Enter a date, such as 2026-03-31."),
        ({"type": "time"}, "25:00", "Enter a time of day, such as 09:30."),
        ({"type": "time"}, "09:30+02:00", "Enter a time of day, such as 09:30."),
        ({"type": "select_string", **CHOICES}, "green", "Choose one of: red, blue."),
        ({"type": "select_string_multi", **CHOICES}, ["red", "green"], "Choose one of: red, blue."),
        ({"type": "select_string_multi"}, [str(n) for n in range(300)], "Choose at most 200."),
        ({"type": "string"}, {"a": 1}, "Enter a text."),
        ({"type": "string"}, "x" * 10_001, "This is too long (at most 10,000 characters)."),
        ({"type": "string"}, "a\x00b", "This contains a character that can't be stored."),
        ({"type": "conditional_cascade"}, "x", "Answer with an object of level names and choices."),
    ],
)
def test_a_wrong_answer_has_a_reason(item: dict[str, Any], given_value: Any, reason: str) -> None:
    with pytest.raises(InvalidAnswers) as wrong:
        answer(item, given_value)
    assert wrong.value.errors == {"x": reason}
    assert wrong.value.message == f"X: {reason}"


def test_every_question_is_reported_at_once_and_strange_answers_too() -> None:
    options = form(a={"type": "string", "required": True}, b={"type": "integer"})
    with pytest.raises(InvalidAnswers) as wrong:
        check_answers(options, {"b": "x", "c": 1})
    assert list(wrong.value.errors) == ["a", "b", "c"]


def test_the_order_is_the_forms_then_the_rest() -> None:
    options = {"order": ["b", 5, "gone", "b"], "options": {"a": {"type": "string"}, "b": {"type": "string"}}}
    assert [it.key for it in read_form(options)] == ["b", "a"]


@pytest.mark.parametrize(
    ("broken", "asked"),
    [
        (None, []),
        ([], []),
        ("x", []),
        ({}, []),
        ({"options": []}, []),
        ({"options": {"a": 5}, "order": {}}, [("a", "string")]),
    ],
)
def test_a_broken_form_asks_what_it_can(broken: Any, asked: list[tuple[str, str]]) -> None:
    assert [(question.key, question.type) for question in read_form(broken)] == asked


def test_answers_are_shown_in_words() -> None:
    options = form(
        agree={"type": "boolean"}, colour={"type": "select_string", "choices": [{"value": "r", "label": "Red"}]}
    )
    shown = list(display_answers(options, {"old": ["a", "b"], "colour": "r", "agree": True}))
    assert shown == [("Agree", "yes"), ("Colour", "Red"), ("old", "a, b")]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(OPTION_TYPES)), anything, anything, st.booleans())
def test_whatever_comes_is_kept_or_refused_and_what_is_kept_is_kept_again(
    kind: str, given_value: Any, default: Any, required: bool
) -> None:
    options = form(x={"type": kind, "default": default, "required": required})
    kept = None
    with suppress(InvalidAnswers):
        kept = check_answers(options, {"x": given_value})
    if kept is None:
        return
    assert check_answers(options, kept) == kept or not kept
    list(display_answers(options, kept))
