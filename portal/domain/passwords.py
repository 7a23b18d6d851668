"""The requirements for passwords: length, and not easy to guess, considering the user's name and address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Protocol

from portal.domain.messages import Message
from portal.errors import Invalid

MIN_PASSWORD = 12
MAX_PASSWORD = 256
HELP = Message(
    "At least %(number)s characters. Use several unrelated words, or let a password manager create it.",
    number=MIN_PASSWORD,
)
# Three common words need 10**8 guesses, as does "password password".
LEAST_GUESSES = 2 * 10**8
_WORD = re.compile(r"[^\W\d_]{3,}|\d{4,}")


class Estimator(Protocol):
    """Estimates how hard a password is to guess."""

    def guesses(self, password: str, about: list[str]) -> float:
        """The approximate number of guesses; `about` are texts that an attacker would try first."""


def normalized(password: str) -> str:
    """The password in Unicode form NFC, in which it is hashed and compared."""
    return unicodedata.normalize("NFC", password)


def check_length(password: str) -> None:
    """Raise Invalid if the password is too short or too long."""
    length = len(normalized(password))
    if length < MIN_PASSWORD:
        raise Invalid(Message("The password must have at least %(least)s characters.", least=MIN_PASSWORD), "password")
    if length > MAX_PASSWORD:
        raise Invalid(Message("The password must have at most %(most)s characters.", most=MAX_PASSWORD), "password")


def check_password(password: str, about: Iterable[str], estimator: Estimator) -> None:
    """Raise Invalid unless the password meets the requirements. `about` are the user's address and name."""
    password = normalized(password)
    check_length(password)
    if estimator.guesses(password, _guessed_first(about)) < LEAST_GUESSES:
        raise Invalid(
            Message(
                "This password is easy to guess: it is common, or made of your name or address. Use several unrelated "
                "words, or let a password manager create it."
            ),
            "password",
        )


def _guessed_first(about: Iterable[str]) -> list[str]:
    """The texts, their parts and words, with and without accents."""
    found: dict[str, None] = {}
    for text in about:
        lower = normalized(text).lower()
        for spelling in (lower, _without_accents(lower)):
            found.update(dict.fromkeys((spelling, *spelling.split("@"), *_WORD.findall(spelling))))
    found.pop("", None)
    return list(found)


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
