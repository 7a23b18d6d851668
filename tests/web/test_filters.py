"""Foreign HTML, links and numbers on pages."""

from decimal import Decimal

import pytest
from flask import Flask

from portal.config import load_settings
from portal.web import filters


@pytest.fixture
def site():
    app = Flask("filters")
    environ = {"SECRET_KEY": "x" * 16, "PICTURE_HOSTS": "images.example.org, *.cdn.example.org:8443"}
    app.extensions["portal.settings"] = load_settings(environ)
    with app.app_context():
        yield app


@pytest.fixture
def euro():
    app = Flask("filters")
    app.config["CURRENCY"] = "EUR"
    with app.app_context():
        yield app


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="java\tscript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        "<iframe src='https://evil.example'></iframe>",
        '<p style="position:fixed">x</p>',
        "<svg><script>alert(1)</script></svg>",
        '<form action="https://evil.example"><input name="password"></form>',
        '<p id="content" class="skip">x</p>',
    ],
)
def test_foreign_html_is_harmless(site, hostile):
    cleaned = str(filters.safe_html(hostile)).lower()
    for bad in ("script", "onerror", "javascript", "data:", "<iframe", "style=", "<form", "<input", "id=", "class="):
        assert bad not in cleaned


def test_foreign_html_keeps_what_it_says():
    text = '<h3>How</h3><ul><li><strong>wash</strong></li></ul><a href="https://example.org/">more</a>'
    cleaned = str(filters.safe_html(text))
    assert "<li><strong>wash</strong></li>" in cleaned
    assert 'href="https://example.org/"' in cleaned
    assert 'rel="noopener nofollow"' in cleaned


def test_a_large_embedded_picture_leaves_its_alternative_text_and_the_formatting(site):
    picture = f'<img alt="A map" src="data:image/png;base64,{"QUJD" * 100_000}">'
    cleaned = str(filters.safe_html(f"<h3>How</h3><p>{picture}</p><ul><li><strong>wash</strong></li></ul>"))
    assert cleaned == '<h3>How</h3><p><img alt="A map"></p><ul><li><strong>wash</strong></li></ul>'


def test_plain_text_has_the_words_alone():
    assert filters.plain_text("<p>One<br>two &amp; <b>three</b></p><p>four</p>") == "One two & three four"
    assert filters.plain_text("5 < 6 & 7") == "5 < 6 & 7"
    assert filters.plain_text(None) == ""


@pytest.mark.parametrize(
    ("link", "href"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("/api/media/1/", "/api/media/1/"),
        ("rdp://host:3389", "rdp://host:3389"),
        ("javascript:alert(1)", None),
        ("//evil.example/", None),
        ("/\\evil.example", None),
        ("relative", None),
        ("", None),
        (None, None),
    ],
)
def test_links_of_an_allow_list_alone_become_href(link, href):
    assert filters.safe_href(link) == href


@pytest.mark.parametrize(
    ("link", "source"),
    [
        ("/api/media/1/", "/api/media/1/"),
        # The portal's own address, as an import may write it.
        ("http://127.0.0.1:8000/api/media/1/", "/api/media/1/"),
        ("https://images.example.org/a.png", "https://images.example.org/a.png"),
        ("https://IMAGES.example.org:443/a.png", "https://IMAGES.example.org:443/a.png"),
        ("https://a.b.cdn.example.org:8443/a.png", "https://a.b.cdn.example.org:8443/a.png"),
        *((link, None) for link in ("http://images.example.org/a.png", "https://images.example.org:8443/a.png")),
        *((link, None) for link in ("https://cdn.example.org:8443/a.png", "https://cdn.example.org/a.png")),
        *((link, None) for link in ("https://evil.example/a.png", "https://images.example.org.evil.example/a.png")),
        *((link, None) for link in ("https://evilcdn.example.org:8443/", "//images.example.org/a.png")),
        *((link, None) for link in ("http://127.0.0.1:80001/a.png", "rdp://images.example.org/", "", None)),
    ],
)
def test_pictures_come_from_here_and_from_hosts_that_are_allowed(site, link, source):
    assert filters.picture_src(link) == source
    shown = filters.safe_html(f'<p>Before <img src="{link}" alt="a lens"> after</p>')
    assert ("src=" in shown) is (source is not None)
    assert 'alt="a lens"' in shown


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Krios G4 microscope", "KG"),
        ("1.5 m robotic telescope", "RT"),
        ("Aurora", "A"),
        ("3D", "3"),
        ("—", "?"),
        ("Õpetaja ämber", "ÕÄ"),
    ],
)
def test_initials(name, letters):
    assert filters.initials(name) == letters


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("95.0000000000"), "€95.00"),
        (Decimal("0.0125"), "€0.0125"),
        (Decimal("1234.5"), "€1,234.50"),
        (Decimal("-3"), "−€3.00"),
        (Decimal("1E+3"), "€1,000.00"),
        (0, "free"),
        (None, ""),
    ],
)
def test_money_keeps_every_digit_of_a_price(euro, amount, text):
    assert filters.money(amount) == text


def test_quantities_in_words():
    assert filters.megabytes(524288) == "512\u00a0GB"
    assert filters.megabytes(1536) == "1.5\u00a0GB"
    assert filters.megabytes(100) == "100\u00a0MB"
    assert filters.minutes(2880) == "2 days"
    assert filters.minutes(90) == "90 minutes"
    assert filters.range_to(1, 4) == "1–4"
    assert filters.range_to(None, 4) == "at most 4"
    assert filters.offerings_count(1) == "1 offering"
    assert filters.offerings_count(1240) == "1,240 offerings"
    assert filters.coordinate(-26.5, "E", "W") == "26.50000°\u00a0W"


@pytest.mark.parametrize(
    "bomb", ["<div>" * 100_000, "<b " + " ".join(f"a{n}" for n in range(60_000)) + ">", "<" * 9000]
)
def test_markup_that_would_take_the_sanitiser_minutes_never_reaches_it(bomb, monkeypatch):
    monkeypatch.setattr(filters.nh3, "clean", lambda *_args, **_more: pytest.fail("it would take minutes"))
    for found in (filters.safe_html(f"words {bomb} <script>"), filters.plain_text(f"words {bomb}")):
        assert "words" in found
    assert "<" not in filters.safe_html(f"&lt;script&gt; {bomb}")
