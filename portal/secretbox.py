"""Secrets at rest: tokens of other services are encrypted with keys derived from SECRET_KEY.

SECRET_KEY may be a comma-separated list: the first key encrypts, all of them decrypt, so that it can be rotated.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from portal.errors import PortalError


class SecretLost(PortalError):
    """Something was encrypted with a SECRET_KEY that is no longer known; it has to be entered anew."""


class SecretBox:
    """Encrypts and decrypts short texts (authenticated, AES-128-CBC + HMAC-SHA256)."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = MultiFernet([Fernet(_derive(part)) for part in secret_key.split(",") if part])

    def encrypt(self, text: str) -> str:
        """The text, unreadable without the key; encrypting twice gives two different results."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, sealed: str) -> str:
        """The text that was encrypted. Raises SecretLost if no known key fits or it was altered."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except InvalidToken as error:
            raise SecretLost("A stored secret cannot be read: SECRET_KEY has changed. Connect again.") from error


def _derive(key: str) -> bytes:
    digest = hashlib.scrypt(key.encode(), salt=b"portal.secrets.v1", n=2**12, r=8, p=1, dklen=32)
    return base64.urlsafe_b64encode(digest)
