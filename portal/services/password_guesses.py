"""How easily a password is guessed. Loaded when somebody sets one: the lists of common passwords take 14 MB."""

from __future__ import annotations

import threading

from zxcvbn import zxcvbn

# The library refuses longer ones, whose first half decides anyway.
LOOKED_AT = 72


class Zxcvbn:
    """The estimator of Dropbox (portal.domain.passwords.Estimator)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def guesses(self, password: str, about: list[str]) -> float:
        """How many it takes. One call at a time: the library keeps the texts of `about` in a global of its own."""
        with self._lock:
            return float(zxcvbn(password[:LOOKED_AT], user_inputs=about)["guesses"])
