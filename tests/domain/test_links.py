from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.links import HREF_SCHEMES, safe_href, safe_src


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/a?b=c#d",
        "HTTP://example.org",
        "http://[2001:db8::1]:8080/",
        "https://пример.example/ä",
        "ssh://kari@login.example.org:2222",
        "sftp://data.example.org/in",
        "rdp://desk.example.org",
        "mailto:desk@example.org",
        "tel:+3726000000",
    ],
)
def test_links_that_may_be_followed(link: str) -> None:
    assert safe_href(f" {link} ") == link


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "blob:https://example.org/1",
        "file:///etc/passwd",
        "smb://example.org/share",
        "//example.org/",
        "/local",
        "example.org",
        "https:example.org",
        "https:///path",
        "https://",
        "http://[::1",
        "https://example.org:port/",
        "https://bank.example@evil.example/",
        "https://example.org\\@evil.example/",
        "https://example.org/a b",
        "https://example.org/\u202egpj.exe",
        "mailto:",
        "",
        None,
        3,
    ],
)
def test_links_that_stay_text(link: object) -> None:
    assert safe_href(link) is None
    assert safe_src(link) is None


def test_a_page_loads_nothing_but_web_addresses() -> None:
    assert safe_src("https://example.org/a.png") == "https://example.org/a.png"
    for scheme in HREF_SCHEMES - {"http", "https"}:
        assert safe_src(f"{scheme}://example.org/a.png") is None


@given(st.text())
def test_whatever_is_let_through_begins_with_an_allowed_scheme(link: str) -> None:
    found = safe_href(link)
    assert found is None or found.partition(":")[0].lower() in HREF_SCHEMES


@given(st.sampled_from(["javascript", "data", "vbscript"]), st.text(alphabet="\t\n\r \x00\x0b", max_size=3), st.text())
def test_blanks_inside_a_scheme_do_not_hide_it(scheme: str, noise: str, rest: str) -> None:
    assert safe_href(f"{noise}{scheme[:3]}{noise}{scheme[3:]}:{rest}") is None
