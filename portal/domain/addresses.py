"""E-mail addresses as mail servers and mail headers take them."""

from __future__ import annotations

import re
import unicodedata

from email_validator import ValidatedEmail, validate_email

from portal.domain.texts import is_storable

# Columns hold no more, and nobody has a longer one.
LONGEST = 320
_ASCII = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


def mail_address(address: str) -> str:
    """The address in the form that mail is sent to: ASCII, where it has such a form.

    Raises ValueError for what is no address, and for what a mail program could read as encoded text (RFC 2047).
    """
    if "=?" in address:
        raise ValueError("The address holds “=?”, which mail programs take for encoded text.")
    if address.isascii():
        if not _ASCII.fullmatch(address):
            raise ValueError("The address has characters that mail servers do not take.")
        return address
    found = _parsed(address)
    return found.ascii_email or found.normalized


def normal_address(text: str) -> str:
    """An address in the one form in which it is kept and looked up: NFC, lower case, the domain in Unicode.

    Browsers submit `münchen.de` as `xn--mnchen-3ya.de`. Raises ValueError, with a sentence, for what is no address.
    """
    return _parsed(unicodedata.normalize("NFC", text.strip())).normalized.lower()


def account_address(text: str) -> str:
    """The normal form of an address to which mail can be sent through any server.

    Raises ValueError, with a sentence: also for one that takes SMTPUTF8 (RFC 6531), which many servers do not speak.
    """
    found = normal_address(text)
    if not mail_address(found).isascii():
        raise ValueError("mail servers take letters such as “õ” only after the @.")
    return found


def sought_address(text: str) -> str:
    """The same for looking an address up: what is no address is the address of nobody, and no error."""
    try:
        return normal_address(text[:LONGEST])
    except ValueError:
        found = text.strip().lower()[:LONGEST]
        # No database is asked for what it cannot hold.
        return found if is_storable(found) else ""


def _parsed(address: str) -> ValidatedEmail:
    return validate_email(address, check_deliverability=False, globally_deliverable=False)
