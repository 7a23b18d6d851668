"""Text of HTML: entities decoded, elements that begin a line separate words, others do not."""

import pytest

from portal.domain.html_text import MAX_MARKUP, parsable_html, plain_text
from portal.domain.search_words import search_words


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p><strong>R&ouml;ntgen</strong>mikroskop f&uuml;r Pr&auml;zision</p>", "Röntgenmikroskop für Präzision"),
        ("One<br>two<div>three</div>four<ul><li>a<li>b</ul>", "One two three four a b"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
        ("a&nbsp;b &lt;b&gt; &amp;amp; c", "a b <b> &amp; c"),
        ("<h2>Use</h2><script>alert(1)</script><style>p{}</style>now<!-- not --> then", "Use now then"),
        ('before<img src="https://x.example/a.png" alt="A &quot;map&quot;">after', 'before A "map" after'),
        ("H<sub>2</sub>O at 5 < 6 & 7 > 3", "H2O at 5 < 6 & 7 > 3"),
        ("<![weird <p>text", "text"),
        ("", ""),
        (None, ""),
    ],
)
def test_text(markup: str | None, text: str) -> None:
    assert plain_text(markup) == text


def test_words_to_search_by_hold_no_markup() -> None:
    words = search_words(plain_text("<p><strong>R&ouml;ntgen</strong>mikroskop&nbsp;f&uuml;r Pr&auml;zision</p>"))
    assert words == ["rontgenmikroskop", "fur", "prazision"]


def test_hostile_markup_takes_no_long_time_and_keeps_words() -> None:
    assert plain_text("<b>" * 20_000 + "word") == "word"
    assert plain_text("word " + "x" * MAX_MARKUP).startswith("word xxx")


DATA = "QUJD" * (MAX_MARKUP // 3)
LARGE = [
    f'<img src="data:image/png;base64,{DATA}" alt="A map">',
    f"<img alt='A map' src = ' DATA:image/png;base64,{DATA}'>",
    f"<img alt='A map' src=data:image/png;base64,{DATA}>",
    f'<img alt="A map" src="data:image/svg+xml,<svg>{DATA}</svg>">',
    f'<img srcset="data:image/png;base64,{DATA} 2x" alt="A map">',
    f"<!-- {DATA} --><img alt='A map'>",
    f"<STYLE>{DATA}</style><img alt='A map'>",
    f"<svg><path d='{DATA}'/></svg ><img alt='A map'>",
    f"<p style=\"background: url('data:image/png;base64,{DATA}')\"><img alt='A map'></p>",
    "<!-- x -->" * 9000 + "<img alt='A map'>",
]


@pytest.mark.parametrize("large", LARGE)
def test_large_markup_is_parsed_without_what_no_reader_sees(large: str) -> None:
    assert plain_text(f"<p><strong>Be</strong>fore</p>{large}<p>after</p>") == "Before A map after"


@pytest.mark.parametrize(
    "part", ["=", '="data:', "='data:", "<!--", "<style>", "<style></style", " style='\"", "<svg><!--"]
)
def test_unclosed_parts_are_left_to_the_parser(part: str) -> None:
    assert parsable_html("<p>first</p>" + part * 20_000 * 4) is None or plain_text("<p>first</p>" + part).startswith(
        "first"
    )
    assert plain_text("<p>first</p>" + part * 80_000).startswith("first")
