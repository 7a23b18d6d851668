"""Pictures and files the portal keeps itself."""

import pytest
from werkzeug.http import parse_options_header

from portal.errors import Forbidden, Invalid, NotFound
from portal.policies import ANONYMOUS, SYSTEM
from portal.services.media import MAX_BYTES, open_media, store_media
from tests.support import builders as make


def test_what_is_stored_can_be_opened(db_session):
    stored = store_media(SYSTEM, "guide.txt", "text/plain; charset=utf-8", b"hello")
    kept = open_media(ANONYMOUS, stored.uuid)
    assert kept.path.read_bytes() == b"hello"
    assert (kept.media.name, kept.media.content_type, kept.media.size) == ("guide.txt", "text/plain; charset=utf-8", 5)


def test_staff_replace_and_others_do_not(db_session):
    manager = make.actor(make.role(make.user(), make.organization(), "manager"))
    stored = store_media(manager, "a.png", "image/png", b"1")
    with pytest.raises(Forbidden):
        store_media(manager, "a.png", "image/png", b"2", stored.uuid)
    store_media(SYSTEM, "b.png", "image/png", b"22", stored.uuid)
    kept = open_media(ANONYMOUS, stored.uuid)
    assert (kept.media.name, kept.path.read_bytes()) == ("b.png", b"22")


@pytest.mark.parametrize("who", ["nobody", "reader", "member"])
def test_only_managers_and_staff_store(db_session, who):
    actor = ANONYMOUS if who == "nobody" else make.actor(make.user())
    if who == "member":
        actor = make.actor(make.role(make.user(), make.organization(), "member"))
    with pytest.raises(Forbidden):
        store_media(actor, "a.png", "image/png", b"1")


@pytest.mark.parametrize(
    ("name", "content_type", "data", "said"),
    [
        ("a", "nonsense", b"1", "not a content type"),
        ("a", "text/html\r\nX: y", b"1", "not a content type"),
        ("a", "image/png", b"", "empty"),
        ("a\0b", "image/png", b"1", "NUL"),
        ("a.png\r\nSet-Cookie: x=y", "image/png", b"1", "line break"),
        ("a\u2028b", "image/png", b"1", "line break"),
        ("a", "image/png", b"x" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_good_is_refused(db_session, name, content_type, data, said):
    with pytest.raises(Invalid, match=said):
        store_media(SYSTEM, name, content_type, data)


@pytest.mark.parametrize("name", ["Bildschirmfoto 9.41\u202fPM.png", "日本 語.pdf", "👩\u200d🔬.png", 'a"; b="c.txt'])
def test_names_as_people_have_them(client, db_session, name):
    stored = store_media(SYSTEM, name, "image/png", b"1")
    db_session.commit()
    with client.get(f"/api/media/{stored.uuid}/") as answer:
        assert answer.status_code == 200
        assert parse_options_header(answer.headers["Content-Disposition"])[1]["filename"] == name


def test_what_is_not_there(db_session):
    with pytest.raises(NotFound):
        open_media(ANONYMOUS, make.unknown())
