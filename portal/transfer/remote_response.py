"""Reads the answers of another server within limits of time and size, whatever that server does.

Whoever is asked may be slow on purpose, send without end, or pack gigabytes into kilobytes. So the time that is spent
waiting is counted for each answer, and what comes is unpacked piece by piece.
"""

from __future__ import annotations

import queue
import threading
import time
import zlib
from collections.abc import Callable
from typing import TypeVar, cast

import requests
import urllib3

from portal.errors import PortalError
from portal.transfer.json_records import PIECE

# Unpacked bytes of one answer.
MAX_BYTES = 512 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS

T = TypeVar("T")


class RemoteError(PortalError):
    """The other portal did not answer as its documentation says; the message says how."""


class ResponseStream:
    """The body of an answer, unpacked, as a stream that ends with an error rather than never.

    `patience` is for how many seconds in all it is waited for.
    """

    def __init__(self, response: requests.Response, patience: float) -> None:
        self._raw: urllib3.HTTPResponse = response.raw
        self._left = patience
        self._patience = patience
        self._size = 0
        self._packed = b""
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise RemoteError("The answer is compressed in a way that was not asked for: only gzip is read.")
        self._unpacker = zlib.decompressobj(_GZIP) if "gzip" in encoding else None

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, as soon as there are some; b"" at the end. Raises RemoteError, and urllib3's errors."""
        piece = self._received(size) if self._unpacker is None else self._unpacked(self._unpacker, size)
        self._size += len(piece)
        if self._size > MAX_BYTES:
            raise RemoteError(f"The answer is larger than {MAX_BYTES // 1024**2} MB: ask for smaller pages.")
        return piece

    def _received(self, size: int) -> bytes:
        started = time.monotonic()
        piece = self._raw.read1(size, decode_content=False)
        self._left -= time.monotonic() - started
        if self._left < 0:
            raise RemoteError(f"The answer did not arrive within {self._patience:g} seconds: ask for smaller pages.")
        return piece

    def _unpacked(self, unpacker: zlib._Decompress, size: int) -> bytes:
        while True:
            packed = self._packed or self._received(PIECE)
            if not packed:
                return b""
            try:
                piece = unpacker.decompress(packed, size)
            except zlib.error:
                raise RemoteError("The answer says that it is compressed with gzip, and is not.") from None
            self._packed = unpacker.unconsumed_tail
            if unpacker.eof:
                # Behind the end there may be another part.
                self._packed, unpacker = unpacker.unused_data, zlib.decompressobj(_GZIP)
                self._unpacker = unpacker
            if piece:
                return piece


def call_within(call: Callable[[], T], seconds: float, late: str) -> T:
    """What a call returns or raises. Raises RemoteError(late) where it takes longer; it is left to itself then.

    The time-outs of a connection begin anew with each byte, so that headers may take for ever.
    """
    done: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((call(), None))
        except Exception as error:
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        found, error = done.get(timeout=seconds)
    except queue.Empty:
        raise RemoteError(late) from None
    if error is not None:
        raise error
    return cast(T, found)
