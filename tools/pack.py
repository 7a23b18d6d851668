"""Packs the static files once, as short as they get, so that the server only has to send them.

Called by tools/assets.py. static/packed/ holds them by the digest of what they were made of, so that one that is out
of date is never found. Without them the server packs by itself, faster and less.
"""

import hashlib
import mimetypes
from pathlib import Path

from portal.domain.encodings import SUFFIXES, WORTHWHILE, is_text, pack, packed_name


def pack_static(static: Path) -> int:
    """Bring static/packed/ up to date, and answer how many files were packed now."""
    folder = static / "packed"
    folder.mkdir(exist_ok=True)
    wanted, made = set(), 0
    for path in sorted(static.rglob("*")):
        kind = mimetypes.guess_type(path.name)[0] or ""
        if folder in path.parents or not path.is_file() or not is_text(kind) or path.stat().st_size < WORTHWHILE:
            continue
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:32]
        for encoding in SUFFIXES:
            target = folder / packed_name(digest, encoding)
            wanted.add(target)
            if not target.exists():
                # A server that starts meanwhile must not read half a file.
                fresh = target.with_suffix(".new")
                fresh.write_bytes(pack(body, encoding, best=True))
                fresh.replace(target)
                made += 1
    for other in folder.iterdir():
        if other not in wanted:
            other.unlink()
    return made
