"""Content encodings: which one a client gets, how bytes are packed in it, how the tags of answers tell them apart."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

import brotli

# Best first, where a client likes them alike; and what stands for each at the end of an entity tag.
SUFFIXES = {"br": "-br", "gzip": "-gz"}
IDENTITY = "identity"
# Below this a packed answer is hardly shorter, and fits into one packet anyhow.
WORTHWHILE = 1000
# Servers take headers of some hundred kilobytes; those of browsers have fifty signs.
LONGEST = 1000
# What is packed while somebody waits. Measured on 90 kB of JSON: brotli 2 0.35 ms for 18 kB, zlib 1 0.5 ms for 22 kB;
# the usual levels (5, 6) take three times as long for a sixth less.
_FAST = {"br": 2, "gzip": 1}
_BEST = {"br": 11, "gzip": 9}
_WINDOW = 22
_GZIP = 31
_TAG_END = re.compile(r'(-br|-gz)(?=")')


def wanted(accept_encoding: str, offered: tuple[str, ...]) -> str:
    """The encoding among those offered (best first) that an Accept-Encoding header likes best, else identity.

    Nothing is refused: what accepts nothing at all is answered as it is. So is what is longer than anybody needs.
    """
    return best_liked(accept_encoding, offered) if len(accept_encoding) <= LONGEST else IDENTITY


@lru_cache(maxsize=512)
def best_liked(accept_encoding: str, offered: tuple[str, ...]) -> str:
    """The same for a header of any length; remembered."""
    weights: dict[str, float] = {}
    for entry in accept_encoding.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        if name:
            weights["gzip" if name == "x-gzip" else name] = _weight(parameters)
    rest = weights.get("*", 0.0)
    # Identity is welcome unless it is named, but never more so than what is.
    plain = weights.get(IDENTITY, 0.0)
    best, likes = IDENTITY, plain
    for name in offered:
        weight = weights.get(name, rest)
        if weight > likes or (weight == likes > 0 and best == IDENTITY):
            best, likes = name, weight
    return best


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def pack(body: bytes, encoding: str, *, best: bool = False) -> bytes:
    """The bytes in an encoding of SUFFIXES: quickly, or as short as they get. The same bytes for the same input."""
    level = (_BEST if best else _FAST)[encoding]
    if encoding == "br":
        packed: bytes = brotli.compress(body, quality=level, lgwin=_WINDOW)
        return packed
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()


def is_text(mimetype: str) -> bool:
    """Whether bytes of this type get shorter: pictures and archives are packed already."""
    return mimetype.startswith("text/") or mimetype.endswith(("json", "xml", "javascript"))


def tagged(etag: str, encoding: str) -> str:
    """The entity tag (quoted) of an answer in an encoding; a weak one speaks for all of them."""
    return etag if etag.startswith("W/") else f'{etag[:-1]}{SUFFIXES[encoding]}"'


def untagged(header: str) -> str:
    """An If-None-Match header as if everything had been answered as it is."""
    return _TAG_END.sub("", header)


def named_in(header: str, etag: str) -> str:
    """The tag of this answer, in whichever encoding it stands in an If-None-Match header; else as it is."""
    for encoding in SUFFIXES:
        if (found := tagged(etag, encoding)) in header:
            return found
    return etag


def packed_name(digest: str, encoding: str) -> str:
    """The name under static/packed/ of a file with this digest: content that changed never finds an older one's."""
    return f"{digest}.{encoding}"
