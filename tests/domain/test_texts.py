"""Which texts are names: one line that shows what it holds."""

import pytest

from portal.domain.texts import line_problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Cryo-EM (Krios)",
        "Ünïcödé ✓ 显微镜",
        # Joiners and marks are parts of writing Persian, Hebrew and emoji.
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u200eabc\u200f",
        "\U0001f469\u200d\U0001f52c",
    ],
)
def test_a_name_may_be_in_any_script(text):
    assert line_problem(text) == ""


@pytest.mark.parametrize(
    ("characters", "problem"),
    [
        ("\0", "contains a NUL character, which cannot be stored"),
        ("\n\r\v\f\x85\u2028\u2029", "contains a line break, and must be one line"),
        ("\t\x01\x1b\x1c\x7f\x80\x9f", "contains a control character (U+{:04X})"),
        ("\ud800\udfff", "contains half of a surrogate pair, which is not a character"),
        (
            "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
            "contains a character that changes the direction of writing (U+{:04X})",
        ),
    ],
)
def test_what_is_no_line_is_named(characters, problem):
    for character in characters:
        assert line_problem(f"Micro{character}scope") == problem.format(ord(character))
