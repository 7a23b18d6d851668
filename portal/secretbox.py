"""Secrets at rest: tokens of other services are encrypted with keys derived from SECRET_KEY.

SECRET_KEY may be a comma-separated list: the first key encrypts, all of them decrypt, so that it can be rotated.
Keys are derived with a salt of this installation, which is stored in the database and so in its backups. Encrypted
texts are bound to their location: copied into another row, they cannot be decrypted.
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
# Prefix of encrypted texts. Fernet tokens of earlier versions begin with other characters.
PREFIX = "v2:"
NONCE_BYTES = 12
_OLD_SALT = b"portal.secrets.v1"


class SecretLost(PortalError):
    """A secret was encrypted with an unknown SECRET_KEY and has to be entered again."""


@dataclass(frozen=True, slots=True)
class SecretLocation:
    """The location of an encrypted text: table, column, and a permanent identifier of the row."""

    table: str
    column: str
    row: str

    def encoded(self) -> bytes:
        """As bytes, unambiguous since each text is preceded by its length."""
        return b"".join(b"%d:%b" % (len(it), it) for it in map(str.encode, (self.table, self.column, self.row)))


class SecretBox:
    """Encrypts and decrypts short texts (AES-256-GCM; the key by scrypt from SECRET_KEY and the installation's salt).

    `read_salt` is called once, when the first text is encrypted or decrypted. `reads_old` says whether texts are taken
    that a version before 0019 encrypted: they are not bound to a location, so they can be read in any.
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

    def encrypt(self, text: str, location: SecretLocation) -> str:
        """The encrypted text, different each time."""
        nonce = os.urandom(NONCE_BYTES)
        encrypted = nonce + self._known_keys()[0].encrypt(nonce, text.encode(), location.encoded())
        return PREFIX + base64.urlsafe_b64encode(encrypted).decode("ascii")

    def decrypt(self, encrypted: str, location: SecretLocation) -> str:
        """The text that was encrypted for this location. Raises SecretLost if no known key fits or it was altered."""
        if not encrypted.startswith(PREFIX):
            return self._decrypt_old(encrypted)
        for key in self._known_keys():
            text = _try_decrypt(key, encrypted, location)
            if text is not None:
                return text
        raise SecretLost(LOST)

    def is_current(self, encrypted: str, location: SecretLocation) -> bool:
        """Whether the text is encrypted as encrypt() does it now, with the first key."""
        return encrypted.startswith(PREFIX) and _try_decrypt(self._known_keys()[0], encrypted, location) is not None

    def _known_keys(self) -> list[AESGCM]:
        if not self._keys:
            salt = self._read_salt()
            with self._lock:
                self._keys = self._keys or [AESGCM(_derive(part, salt)) for part in self._parts]
        return self._keys

    def _decrypt_old(self, encrypted: str) -> str:
        """What a version before 0019 encrypted, which knew no places."""
        if not self._reads_old():
            raise SecretLost(LOST)
        if self._old is None:
            keys = (base64.urlsafe_b64encode(_derive(part, _OLD_SALT)) for part in self._parts)
            self._old = MultiFernet([Fernet(key) for key in keys])
        try:
            return self._old.decrypt(encrypted.encode("ascii")).decode()
        except (InvalidToken, UnicodeEncodeError) as error:
            raise SecretLost(LOST) from error


def _try_decrypt(key: AESGCM, encrypted: str, location: SecretLocation) -> str | None:
    try:
        data = base64.b64decode(encrypted.removeprefix(PREFIX), altchars=b"-_", validate=True)
        return key.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], location.encoded()).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None


def _derive(key: str, salt: bytes) -> bytes:
    return hashlib.scrypt(key.encode(), salt=salt, n=2**12, r=8, p=1, dklen=32)
