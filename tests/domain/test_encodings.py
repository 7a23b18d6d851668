"""Which encoding a client gets, and how tags tell encodings apart."""

import gzip

import brotli
import pytest

from portal.domain import encodings
from portal.domain.encodings import named_in, pack, tagged, untagged, wanted

BOTH = ("br", "gzip")


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate", "identity"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br ; q=0.8 , gzip;q=0.8", "br"),
        ("identity", "identity"),
        ("identity, gzip", "gzip"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", "identity"),
        ("*;q=0", "identity"),
        ("gzip;q=x", "identity"),
        (";;,,gzip", "gzip"),
        ("gzip" + " " * 1000, "identity"),
    ],
)
def test_wanted(header, encoding):
    assert wanted(header, BOTH) == encoding


def test_what_nobody_sends_in_earnest_is_not_remembered():
    known = [encodings.best_liked.cache_info().currsize]
    for number in range(3):
        wanted(f"gzip, x{number}{'y' * 100_000}", BOTH)
        known.append(encodings.best_liked.cache_info().currsize)
    assert len(set(known)) == 1


def test_only_what_is_offered_is_taken():
    assert wanted("br, gzip;q=0.2", ("gzip",)) == "gzip"
    assert wanted("br, gzip", ()) == "identity"


def test_packed_is_the_same_each_time_and_can_be_unpacked():
    body = b"a calendar of bookings " * 200
    for best in (True, False):
        assert gzip.decompress(pack(body, "gzip", best=best)) == body
        assert brotli.decompress(pack(body, "br", best=best)) == body
        assert pack(body, "gzip", best=best) == pack(body, "gzip", best=best)


def test_tags():
    assert tagged('"abc"', "br") == '"abc-br"'
    assert tagged('W/"abc"', "br") == 'W/"abc"'
    assert untagged('"abc-br", W/"d-gz", "e"') == '"abc", W/"d", "e"'
    assert named_in('"x", "abc-gz"', '"abc"') == '"abc-gz"'
    assert named_in('"abc"', '"abc"') == '"abc"'
