"""E-mail addresses as mail servers and mail headers take them."""

from __future__ import annotations

import re

from email_validator import validate_email

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
    found = validate_email(address, check_deliverability=False, globally_deliverable=False)
    return found.ascii_email or found.normalized
