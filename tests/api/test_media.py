"""/api/media/{uuid}/: files as attachments, for anybody."""

import pytest

from portal.policies import SYSTEM
from portal.services.media import store_media

DATA = bytes(range(256)) * 40


@pytest.fixture
def client(client):
    """Reads each answer to its end and closes it, as a server does with the file behind it."""
    closing = client.open
    client.open = lambda *args, **how: closing(*args, buffered=True, **how)
    return client


@pytest.fixture
def kept(db_session):
    return store_media(SYSTEM, "column Ä.png", "image/png", DATA)


def test_a_file_is_an_attachment_of_its_type(client, kept):
    answer = client.get(f"/api/media/{kept.uuid}/")
    assert (answer.status_code, answer.data) == (200, DATA)
    headers = answer.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert "column" in headers["Content-Disposition"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in headers["Cache-Control"]
    assert "private" not in headers["Cache-Control"]
    assert "Authorization" not in headers.get("Vary", "")


def test_html_stays_an_attachment(client, db_session):
    kept = store_media(SYSTEM, "evil.html", "text/html", b"<script>alert(1)</script>")
    answer = client.get(f"/api/media/{kept.uuid}/")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_head_and_both_forms_of_the_uuid(client, kept):
    get, head = (client.open(f"/api/media/{kept.uuid.hex.upper()}/", method=method) for method in ("GET", "HEAD"))
    assert (get.status_code, head.status_code, head.data) == (200, 200, b"")
    assert head.headers["Content-Length"] == str(len(DATA))
    own = {"Date": "", "X-Request-ID": ""}
    assert {**head.headers, **own} == {**get.headers, **own}


def test_ranges_and_caching(client, kept):
    part = client.get(f"/api/media/{kept.uuid}/", headers={"Range": "bytes=256-511"})
    assert (part.status_code, part.data) == (206, DATA[256:512])
    assert part.headers["Content-Range"] == f"bytes 256-511/{len(DATA)}"
    etag = client.get(f"/api/media/{kept.uuid}/").headers["ETag"]
    again = client.get(f"/api/media/{kept.uuid}/", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    beyond = client.get(f"/api/media/{kept.uuid}/", headers={"Range": "bytes=999999-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize(
    "segment", ["8514ba4b-7855-4eee-bd7e-5e794bf9056e", "nonsense", "a.png", "..%2f..%2fportal.db"]
)
def test_unknown_is_404(client, kept, segment):
    answer = client.get(f"/api/media/{segment}/")
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_written_here(client, kept, method):
    assert client.open(f"/api/media/{kept.uuid}/", method=method).status_code == 405
