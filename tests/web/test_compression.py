"""Answers are compressed as the client asks, with tags and lengths that say so; static files live for ever."""

import gzip
import re

import brotli
import pytest
from flask_compress import flask_compress

from portal.extensions import db
from portal.models import User
from portal.policies import SYSTEM
from portal.services.accounts import create_token
from portal.web import assets
from tools.assets import compress_static

# What is compressed is tested on both in tests/documents and tests/web/test_pages.py.
pytestmark = pytest.mark.sqlite_only

DECOMPRESS = {"br": brotli.decompress, "gzip": gzip.decompress}
AS_IT_IS = {"Accept-Encoding": "identity"}


@pytest.fixture
def token(world):
    user = db.session.query(User).filter_by(email="staff@example.org").one()
    key = create_token(SYSTEM, user.id, "test").key
    return {"Authorization": f"Token {key}"}


def static_urls(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', page)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_page_and_a_list_are_compressed(visitor, world, token, encoding):
    for path, headers in (("/", {}), (f"/offerings/{world.scope}/", {}), ("/api/booking-offerings/", token)):
        plain = visitor().get(path, headers=headers)
        compressed = visitor().get(path, headers={**headers, "Accept-Encoding": encoding})
        head = visitor().client.head(path, headers={**headers, "Accept-Encoding": encoding})
        assert "Content-Encoding" not in plain.headers
        assert compressed.headers["Content-Encoding"] == encoding
        assert DECOMPRESS[encoding](compressed.data) == plain.data
        assert int(compressed.headers["Content-Length"]) == len(compressed.data) < len(plain.data) / 2
        assert "Accept-Encoding" in compressed.headers["Vary"]
        assert compressed.headers["Vary"] == plain.headers["Vary"]
        assert not head.data
        ignored = {"Date", "Set-Cookie", "X-Request-ID"}
        assert [it for it in head.headers if it[0] not in ignored] == [
            it for it in compressed.headers if it[0] not in ignored
        ]


def test_tags_differ_by_encoding_and_any_of_them_is_answered(visitor, token, world):
    def ask(**more):
        return visitor().get("/api/booking-offerings/", headers={**token, **more})

    tags = {name: ask(**{"Accept-Encoding": name}).headers["ETag"] for name in ("identity", "gzip", "br")}
    assert len(set(tags.values())) == 3
    for tag in tags.values():
        for name in tags:
            answer = ask(**{"Accept-Encoding": name, "If-None-Match": f'"other", {tag}'})
            assert (answer.status_code, answer.headers["ETag"], answer.data) == (304, tag, b"")
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert "Content-Encoding" not in answer.headers
            # A proxy may have made it weak.
            weak = ask(**{"Accept-Encoding": name, "If-None-Match": f"W/{tag}"})
            assert (weak.status_code, weak.headers["ETag"]) == (304, tag)
    plain = tags["identity"].strip('"')
    for other in ("other:br", f"{plain}:zip", f"{plain}:br:br", f":{plain}", f"{plain}:"):
        assert ask(**{"If-None-Match": f'"{other}"'}).status_code == 200
    assert ask(**{"If-None-Match": "*"}).status_code == 304


def test_a_list_that_changed_is_not_answered_from_what_was_compressed_before(visitor, token, world):
    headers = {**token, "Accept-Encoding": "gzip"}
    before = visitor().get("/api/booking-offerings/?page_size=2", headers=headers)
    again = visitor().get("/api/booking-offerings/?page_size=2", headers=headers)
    single = visitor().get("/api/booking-offerings/?page_size=1", headers=headers)
    assert again.data == before.data != single.data


def test_what_is_short_or_secret_is_answered_as_it_is(visitor, world):
    gzipped = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in visitor().get("/healthz", headers=gzipped).headers
    owner = visitor("owner")
    assert "Content-Encoding" in owner.get("/", headers=gzipped).headers
    for site in ("cross-site", "same-site"):
        elsewhere = {**gzipped, "Sec-Fetch-Site": site}
        assert "Content-Encoding" not in owner.get("/?q=guess", headers=elsewhere).headers
        assert "Content-Encoding" in visitor().get("/?q=guess", headers=elsewhere).headers
    secret = owner.get("/bookings/feed/", headers=gzipped)
    assert secret.headers["Cache-Control"] == "no-store, no-transform"
    assert "Content-Encoding" not in secret.headers
    # A private page without a secret is compressed as any other.
    private = owner.get("/manage/", headers=gzipped)
    assert private.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" in private.headers


def test_static_files_of_a_page_live_for_ever(visitor, world):
    urls = static_urls(visitor().get("/").text)
    assert len(urls) >= 7
    for url in urls:
        assert re.match(r"/static/~[0-9a-f]{12}/", url)
        answer = visitor().get(url, headers=AS_IT_IS)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers
        again = visitor().get(url, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, answer.headers["Cache-Control"])


def test_a_static_file_without_its_digest_is_asked_for_again(visitor, world):
    for url in ("/static/css/base.css", "/static/~000000000000/css/base.css"):
        answer = visitor().get(url)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, no-cache")
    for url in ("/static/css/none.css", "/static/~000000000000", "/static/../wsgi.py", "/static/css/"):
        assert visitor().get(url).status_code == 404


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_static_file_is_compressed_and_a_part_of_it_is_not(visitor, world, encoding):
    plain = visitor().get("/static/css/pages.css", headers=AS_IT_IS)
    compressed = visitor().get("/static/css/pages.css", headers={"Accept-Encoding": encoding})
    assert compressed.headers["Content-Encoding"] == encoding
    assert DECOMPRESS[encoding](compressed.data) == plain.data
    assert compressed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert compressed.headers["ETag"] != plain.headers["ETag"]
    part = visitor().get("/static/css/pages.css", headers={"Accept-Encoding": encoding, "Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, plain.data[:10])
    assert "Content-Encoding" not in part.headers
    # A part of another text than the client has begun to load would be of no use.
    for tag, status in ((plain.headers["ETag"], 206), ('"other"', 200)):
        headers = {"Accept-Encoding": encoding, "Range": "bytes=0-9", "If-Range": tag}
        assert visitor().get("/static/css/pages.css", headers=headers).status_code == status


@pytest.fixture
def static_folder(app, monkeypatch, tmp_path):
    """A folder of static files that only this test has."""
    (tmp_path / "css").mkdir()
    monkeypatch.setattr(app, "static_folder", str(tmp_path))
    return tmp_path


def restart():
    assets.static_files.cache_clear()
    assets.version_of.cache_clear()


def test_what_the_set_up_compressed_is_sent_until_the_file_changes(visitor, world, static_folder):
    sheet, gone = static_folder / "css" / "a.css", static_folder / "css" / "gone.css"
    for path in (sheet, gone):
        path.write_text("a { color: red }\n" * 200, encoding="utf-8")
    (static_folder / "tiny.svg").write_text("<svg/>", encoding="utf-8")
    compress_static(static_folder)
    made = {path.name for path in static_folder.rglob("*") if path.suffix in (".br", ".gz")}
    assert made == {"a.css.br", "a.css.gz", "gone.css.br", "gone.css.gz"}
    # The best level of each, and not what an answer is compressed with while somebody waits.
    for encoding, ending in (("br", ".br"), ("gzip", ".gz")):
        answer = visitor().get("/static/css/a.css", headers={"Accept-Encoding": encoding})
        assert answer.data == sheet.with_name(f"a.css{ending}").read_bytes()
        assert (answer.headers["Content-Encoding"], answer.mimetype) == (encoding, "text/css")
        assert visitor().get(f"/static/css/a.css{ending}").status_code == 404

    sheet.write_text("a { color: blue }\n" * 200, encoding="utf-8")
    gone.unlink()
    restart()
    for encoding in ("br", "gzip"):
        answer = visitor().get("/static/css/a.css", headers={"Accept-Encoding": encoding})
        assert DECOMPRESS[encoding](answer.data) == sheet.read_bytes()
    compress_static(static_folder)
    assert brotli.decompress(sheet.with_name("a.css.br").read_bytes()) == sheet.read_bytes()
    assert not list(static_folder.rglob("gone*"))


def test_half_a_compressed_file_is_not_sent(visitor, world, static_folder):
    sheet = static_folder / "css" / "half.css"
    sheet.write_text("a { color: red }\n" * 200, encoding="utf-8")
    compress_static(static_folder)
    for ending in (".br", ".gz"):
        path = sheet.with_name(f"half.css{ending}")
        path.write_bytes(path.read_bytes()[:-5])
    for encoding in ("br", "gzip"):
        answer = visitor().get("/static/css/half.css", headers={"Accept-Encoding": encoding})
        assert DECOMPRESS[encoding](answer.data) == sheet.read_bytes()


def test_what_did_not_change_is_not_compressed_again(static_folder):
    sheet = static_folder / "css" / "same.css"
    sheet.write_text("a { color: red }\n" * 200, encoding="utf-8")
    compress_static(static_folder)
    mark = sheet.with_name("same.css.gz")
    mark.write_bytes(b"as it was")
    compress_static(static_folder)
    assert mark.read_bytes() == b"as it was"


def test_a_static_file_has_a_tag_for_each_encoding(visitor, world, static_folder):
    sheet = static_folder / "css" / "tags.css"
    sheet.write_text("a { color: red }\n" * 200, encoding="utf-8")
    compress_static(static_folder)

    def ask(**more):
        return visitor().get("/static/css/tags.css", headers=more)

    tags = {name: ask(**{"Accept-Encoding": name}).headers["ETag"] for name in ("identity", "gzip", "br")}
    assert len(set(tags.values())) == 3
    for tag in tags.values():
        assert not tag.startswith("W/")
        for name in tags:
            answer = ask(**{"Accept-Encoding": name, "If-None-Match": f'"other", {tag}'})
            assert (answer.status_code, answer.headers["ETag"], answer.data) == (304, tag, b"")
            assert (answer.headers["Vary"], answer.headers["Cache-Control"]) == ("Accept-Encoding", "public, no-cache")


def test_every_static_answer_has_its_type_and_the_security_headers(visitor, world, static_folder):
    types = {
        "a.js": "text/javascript; charset=utf-8",
        "a.css": "text/css; charset=utf-8",
        "a.svg": "image/svg+xml; charset=utf-8",
        "a.woff2": "font/woff2",
        "a.unheard": "application/octet-stream",
    }
    for name in types:
        (static_folder / name).write_bytes(b"/* text */\n" * 200)
    compress_static(static_folder)
    for name, expected in types.items():
        for encoding in ("identity", "br", "gzip"):
            answer = visitor().get(f"/static/{name}", headers={"Accept-Encoding": encoding})
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, expected)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
            assert "Set-Cookie" not in answer.headers
            assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", None),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate", None),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br ; q=0.8 , gzip;q=0.8", "br"),
        ("identity", None),
        ("identity, gzip", "gzip"),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("gzip;q=x", None),
        (";;,,gzip", "gzip"),
        ("gzip" + " " * 1000, None),
    ],
)
def test_the_encoding_is_the_one_that_the_client_likes_best(visitor, world, token, header, encoding):
    for path, headers in (("/static/css/pages.css", {}), ("/api/booking-offerings/", token)):
        answer = visitor().get(path, headers={**headers, "Accept-Encoding": header})
        assert answer.status_code == 200
        assert answer.headers.get("Content-Encoding") == encoding


def test_what_is_compressed_is_kept_for_everybody_but_not_from_sessions(visitor, world, token, monkeypatch):
    compressed = []
    real = flask_compress._compress_data

    def count(app, data, algorithm):
        compressed.append(algorithm)
        return real(app, data, algorithm)

    monkeypatch.setattr(flask_compress, "_compress_data", count)
    owner, anybody = visitor("owner"), visitor()
    for who, path, headers, times in (
        (anybody, "/?q=kept", {}, 1),
        (anybody, "/api/booking-offerings/", token, 1),
        (owner, "/?q=kept", {}, 3),
    ):
        compressed.clear()
        for _ in range(3):
            answer = who.get(path, headers={**headers, "Accept-Encoding": "gzip"})
            assert answer.headers["Content-Encoding"] == "gzip"
        assert compressed == ["gzip"] * times
