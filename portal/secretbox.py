"""Secrets at rest: tokens of other services are encrypted with keys derived from SECRET_KEY.

SECRET_KEY may be a comma-separated list: the first key encrypts, all of them decrypt, so that it can be rotated.
Keys are derived with a salt of this installation, which is kept in the database and so is part of its backups. What is
encrypted is bound to the place where it is kept: copied into another row, it cannot be read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.errors import PortalError

LOST = "A stored secret cannot be read: SECRET_KEY has changed. Connect again."
# Before what this version encrypts. Fernet tokens, as versions before it made them, begin with other characters.
PREFIX = "v2:"
NONCE_BYTES = 12
SALT_BYTES = 32
_OLD_SALT = b"portal.secrets.v1"


class SecretLost(PortalError):
    """Something was encrypted with a SECRET_KEY that is no longer known; it has to be entered anew."""


@dataclass(frozen=True, slots=True)
class SecretLocation:
    """Where an encrypted text is kept: the column of a table, and what identifies the row for good."""

    table: str
    column: str
    row: str

    def encoded(self) -> bytes:
        """As bytes. No two places have the same: lengths go before texts."""
        return b"".join(b"%d:%b" % (len(it), it) for it in map(str.encode, (self.table, self.column, self.row)))


class SecretBox:
    """Encrypts and decrypts short texts (AES-256-GCM; the key by scrypt from SECRET_KEY and the installation's salt).

    `read_salt` is called once, when the first text is encrypted or decrypted. `reads_old` says whether texts are taken
    that a version before 0019 encrypted: they are not bound to a place, so they can be read in any.
    """

    def __init__(
        self, secret_key: str, read_salt: Callable[[], bytes], reads_old: Callable[[], bool] = lambda: False
    ) -> None:
        self._parts = [part for part in secret_key.split(",") if part]
        self._read_salt = read_salt
        self._reads_old = reads_old
        self._lock = threading.Lock()
        self._keys: list[AESGCM] = []
        self._old: MultiFernet | None = None

    def encrypt(self, text: str, place: SecretLocation) -> str:
        """The text, unreadable without the key; encrypting twice gives two different results."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._known_keys()[0].encrypt(nonce, text.encode(), place.encoded())
        return PREFIX + base64.urlsafe_b64encode(sealed).decode("ascii")

    def decrypt(self, sealed: str, place: SecretLocation) -> str:
        """The text that was encrypted for this place. Raises SecretLost if no known key fits or it was altered."""
        if not sealed.startswith(PREFIX):
            return self._decrypt_old(sealed)
        for key in self._known_keys():
            text = _opened(key, sealed, place)
            if text is not None:
                return text
        raise SecretLost(LOST)

    def is_current(self, sealed: str, place: SecretLocation) -> bool:
        """Whether the text is encrypted as encrypt() does it now, with the first key."""
        return sealed.startswith(PREFIX) and _opened(self._known_keys()[0], sealed, place) is not None

    def _known_keys(self) -> list[AESGCM]:
        if not self._keys:
            salt = self._read_salt()
            with self._lock:
                self._keys = self._keys or [AESGCM(_derive(part, salt)) for part in self._parts]
        return self._keys

    def _decrypt_old(self, sealed: str) -> str:
        """What a version before 0019 encrypted, which knew no places."""
        if not self._reads_old():
            raise SecretLost(LOST)
        if self._old is None:
            keys = (base64.urlsafe_b64encode(_derive(part, _OLD_SALT)) for part in self._parts)
            self._old = MultiFernet([Fernet(key) for key in keys])
        try:
            return self._old.decrypt(sealed.encode("ascii")).decode()
        except (InvalidToken, UnicodeEncodeError) as error:
            raise SecretLost(LOST) from error


def _opened(key: AESGCM, sealed: str, place: SecretLocation) -> str | None:
    try:
        data = base64.b64decode(sealed.removeprefix(PREFIX), altchars=b"-_", validate=True)
        return key.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], place.encoded()).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None


def _derive(key: str, salt: bytes) -> bytes:
    return hashlib.scrypt(key.encode(), salt=salt, n=2**12, r=8, p=1, dklen=32)
