"""Answers are packed as the client asks, with tags and lengths that say so; static files live for ever."""

import gzip
import re
from pathlib import Path

import brotli
import pytest

from portal import packing
from portal.domain.encodings import pack, packed_name
from portal.extensions import db
from portal.models import User
from portal.policies import SYSTEM
from portal.services.accounts import create_token
from portal.web.assets import Shelf, StaticFile
from tools.pack import pack_static

UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress}
AS_IT_IS = {"Accept-Encoding": "identity"}


@pytest.fixture
def token(world):
    user = db.session.query(User).filter_by(email="staff@example.org").one()
    key = create_token(SYSTEM, user.id, "test").key
    return {"Authorization": f"Token {key}"}


def static_urls(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', page)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_page_and_a_list_are_packed(visitor, world, token, encoding):
    for path, headers in (("/", {}), (f"/offerings/{world.scope}/", {}), ("/api/booking-offerings/", token)):
        plain = visitor().get(path, headers=headers)
        packed = visitor().get(path, headers={**headers, "Accept-Encoding": encoding})
        head = visitor().client.head(path, headers={**headers, "Accept-Encoding": encoding})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == encoding
        assert UNPACK[encoding](packed.data) == plain.data
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert packed.headers["Vary"] == plain.headers["Vary"]
        assert not head.data
        ignored = {"Date", "Set-Cookie", "X-Request-ID"}
        assert [it for it in head.headers if it[0] not in ignored] == [
            it for it in packed.headers if it[0] not in ignored
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
    assert ask(**{"If-None-Match": '"other-br"'}).status_code == 200


def test_a_list_that_changed_is_not_answered_from_what_was_packed_before(visitor, token, world):
    headers = {**token, "Accept-Encoding": "gzip"}
    before = visitor().get("/api/booking-offerings/?page_size=2", headers=headers)
    again = visitor().get("/api/booking-offerings/?page_size=2", headers=headers)
    single = visitor().get("/api/booking-offerings/?page_size=1", headers=headers)
    assert again.data == before.data != single.data


def test_what_is_short_or_secret_is_answered_as_it_is(visitor, world):
    packed = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in visitor().get("/healthz", headers=packed).headers
    owner = visitor("owner")
    assert "Content-Encoding" in owner.get("/", headers=packed).headers
    for site in ("cross-site", "same-site"):
        elsewhere = {**packed, "Sec-Fetch-Site": site}
        assert "Content-Encoding" not in owner.get("/?q=guess", headers=elsewhere).headers
        assert "Content-Encoding" in visitor().get("/?q=guess", headers=elsewhere).headers
    secret = owner.get("/bookings/feed/", headers=packed)
    assert secret.headers["Cache-Control"] == "no-store, no-transform"
    assert "Content-Encoding" not in secret.headers
    # A private page without a secret is packed as any other.
    private = owner.get("/manage/", headers=packed)
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
    for url in ("/static/css/none.css", "/static/~000000000000", "/static/../wsgi.py", "/static/packed/"):
        assert visitor().get(url).status_code == 404


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_static_file_is_packed_and_a_part_of_it_is_not(visitor, world, encoding):
    plain = visitor().get("/static/css/pages.css", headers=AS_IT_IS)
    packed = visitor().get("/static/css/pages.css", headers={"Accept-Encoding": encoding})
    assert packed.headers["Content-Encoding"] == encoding
    assert UNPACK[encoding](packed.data) == plain.data
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    part = visitor().get("/static/css/pages.css", headers={"Accept-Encoding": encoding, "Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, plain.data[:10])


def test_what_the_set_up_packs_is_found_until_the_file_changes(tmp_path: Path):
    sheet = tmp_path / "css" / "a.css"
    sheet.parent.mkdir()
    sheet.write_text("a { color: red }\n" * 200, encoding="utf-8")
    (tmp_path / "small.svg").write_text("<svg/>", encoding="utf-8")

    def look() -> StaticFile:
        return Shelf(tmp_path).files["css/a.css"]

    assert list(look().bodies) == ["identity"]
    assert (pack_static(tmp_path), pack_static(tmp_path)) == (2, 0)
    first = look()
    assert list(first.bodies) == ["identity", "br", "gzip"]
    assert brotli.decompress(first.bodies["br"]) == sheet.read_bytes()
    sheet.write_text("a { color: blue }\n" * 200, encoding="utf-8")
    assert list(look().bodies) == ["identity"]
    pack_static(tmp_path)
    left = {path.name for path in (tmp_path / "packed").iterdir()}
    assert left == {packed_name(look().digest, encoding) for encoding in UNPACK}


def test_what_is_packed_is_kept_for_everybody_but_not_from_sessions(visitor, world, monkeypatch):
    packed = []
    monkeypatch.setattr(packing, "pack", lambda body, encoding: packed.append(body) or pack(body, encoding))
    owner, anybody = visitor("owner"), visitor()
    for who, times in ((anybody, 1), (owner, 3)):
        packed.clear()
        for _ in range(3):
            assert who.get("/?q=kept", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
        assert len(packed) == times
