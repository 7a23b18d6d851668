"""Validation and normalization of e-mail addresses."""

from __future__ import annotations

import re
import unicodedata

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from portal.domain.messages import Message
from portal.domain.texts import is_storable

# The size of columns, and the maximum of RFC 5321.
LONGEST = 320
_ASCII = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


def mail_address(address: str) -> str:
    """The address for sending mail, in ASCII if possible.

    Raises ValueError if it is invalid, or if a mail program could take it for encoded text (RFC 2047).
    """
    if "=?" in address:
        raise ValueError(Message("The address contains “=?”, which mail programs take for encoded text."))
    if address.isascii():
        if not _ASCII.fullmatch(address):
            raise ValueError(Message("The address has characters that mail servers do not accept."))
        return address
    found = _parsed(address)
    return found.ascii_email or found.normalized


def normal_address(text: str) -> str:
    """The form in which an address is stored and compared: NFC, lower case, the domain in Unicode.

    Browsers submit `münchen.de` as `xn--mnchen-3ya.de`. Raises ValueError with a sentence if it is invalid.
    """
    return _parsed(unicodedata.normalize("NFC", text.strip())).normalized.lower()


def account_address(text: str) -> str:
    """The normal form of an address that every mail server accepts.

    Raises ValueError with a sentence, also if it requires SMTPUTF8 (RFC 6531), which many servers do not support.
    """
    found = normal_address(text)
    if not mail_address(found).isascii():
        raise ValueError(Message("mail servers accept letters such as “õ” only after the @."))
    return found


def sought_address(text: str) -> str:
    """The normal form of an address for a search. Invalid ones raise no error, since they simply match nothing."""
    try:
        return normal_address(text[:LONGEST])
    except ValueError:
        found = text.strip().lower()[:LONGEST]
        # Databases fail on texts that they cannot store.
        return found if is_storable(found) else ""


def _parsed(address: str) -> ValidatedEmail:
    try:
        return validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(_fault(address)) from error


def _fault(address: str) -> Message:
    """What is wrong with an invalid address. The library's own texts are English only."""
    name, at, domain = address.rpartition("@")
    if not at:
        return Message("an address has an @, as in name@example.org.")
    if not name:
        return Message("enter the part before the @.")
    if not domain:
        return Message("enter the part after the @.")
    try:
        validate_email(f"a@{domain}", check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return Message("check the part after the @.")
    return Message("check the part before the @.")
