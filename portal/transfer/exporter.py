"""Exports all offerings in the shape of the API, from the prepared documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from portal.documents import read
from portal.extensions import reading, settings


def export_offerings(stream: IO[bytes], *, on_progress: Callable[[int], None] = lambda _count: None) -> int:
    """Write a JSON array of all offerings, whole, by name and uuid; answer how many.

    Addresses are on PUBLIC_URL. Schedules are as stored and no plan is left out, so that an import into an empty
    portal and an export of it give the same bytes. Memory does not grow with their number.
    """
    count = 0
    with reading():
        stream.write(b"[")
        for body in read.export(settings().public_url):
            stream.write(b",\n" if count else b"\n")
            stream.write(body)
            count += 1
            if count % 100 == 0:
                on_progress(count)
        stream.write(b"\n]\n")
    on_progress(count)
    return count
