"""Encodes and checks the headers of messages: one line of text each, on every supported Python version.

The standard library decodes encoded words (`=?utf-8?q?=0a?=`) in the text that a header is given, and until 3.11.10 and
3.12.5 it wrote the result as it was, line breaks and all (CVE-2024-6923). Here users' texts cannot
contain encoded words (`header_text`), free text is encoded without being parsed, and the bytes of every header are
checked before they are sent.
"""

from __future__ import annotations

import re
from email.errors import MessageError
from email.generator import BytesGenerator
from email.header import Header, decode_header, make_header
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parseaddr, quote
from io import BytesIO
from typing import Any

from portal.domain.addresses import mail_address
from portal.domain.texts import one_line

# RFC 5322, 2.1.1: lines must not be longer, without the line break.
LONGEST_LINE = 998
# RFC 2047, 2: lines with encoded words must not be longer.
LINE_WIDTH = 76
LONGEST_TEXT = 200
# A name, a colon, and lines without control characters. Each line after the first starts with a space or tab and is not
# blank: for some mail programs a blank line with spaces ends the headers.
_HEADER = re.compile(
    rb"[!-9;-~]+:[^\x00-\x08\x0a-\x1f\x7f]*(?:\r\n[ \t]+[^\x00-\x20\x7f][^\x00-\x08\x0a-\x1f\x7f]*)*\r\n"
)


class UnsafeHeader(Exception):
    """A header is not one line of plain text. Such a message is never sent."""


def header_text(text: str) -> str:
    """A user's text for a header: one line, in which nothing can be read as an encoded word."""
    return one_line(text).replace("=?", "= ?")[:LONGEST_TEXT].strip()


def recipient_address(address: str) -> str:
    """The address as SMTP needs it. Raises UnsafeHeader if it is not valid."""
    try:
        return mail_address(address)
    except ValueError as error:
        raise UnsafeHeader(one_line(str(error))) from error


def mailbox(name: str, address: str) -> str:
    """A name (or "") and an address, for From and To. Raises UnsafeHeader if the address is not valid."""
    text = header_text(name)
    written = recipient_address(address)
    return f'"{quote(text)}" <{written}>' if text else written


def message_bytes(message: EmailMessage, *, international: bool = False) -> bytes:
    """The message as it is sent, in lines that end in CR LF. Raises UnsafeHeader.

    `international`: addresses may be written in UTF-8 (RFC 6532).
    """
    out = BytesIO()
    BytesGenerator(out, policy=MESSAGE.clone(utf8=international)).flatten(message)
    return out.getvalue()


class _Plain:
    """A header that is written as it is, on one line."""

    name: str
    max_count = 1

    @classmethod
    def parse(cls, value: str, words: dict[str, Any]) -> None:
        """Called by the library: nothing is parsed, so nothing is decoded."""
        words["decoded"], words["parse_tree"] = str(value), None

    def encoded(self, linesep: str) -> str:
        """The value as it is written."""
        return str(self)

    def fold(self, *, policy: EmailPolicy) -> str:
        """Called by the library when the message is written."""
        return f"{self.name}: {self.encoded(policy.linesep)}{policy.linesep}"


class _Text(_Plain):
    """A header of free text."""

    def encoded(self, linesep: str) -> str:
        text = str(self)
        charset = "us-ascii" if text.isascii() else "utf-8"
        return Header(text, charset, maxlinelen=LINE_WIDTH, header_name=self.name).encode(linesep=linesep)


class _Mailbox(_Plain):
    """A header with one address, with or without a name."""

    def encoded(self, linesep: str) -> str:
        name, address = parseaddr(str(self))
        if name.isascii():
            return str(self)
        words = Header(name, "utf-8", maxlinelen=LINE_WIDTH, header_name=self.name).encode(linesep=linesep)
        return f"{words}{linesep} <{address}>"


class MessagePolicy(EmailPolicy):
    """Checks every header that is written. Newer versions of Python check them too, but not all bytes."""

    def fold(self, name: str, value: Any) -> str:
        """The header as text."""
        return self.fold_binary(name, value).decode()

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The header as bytes. Raises UnsafeHeader."""
        try:
            folded = bytes(super().fold_binary(name, value))
        except (MessageError, ValueError) as error:
            raise UnsafeHeader(f"The header {name!r} cannot be written.") from error
        longest = max(len(line) for line in folded.split(b"\r\n"))
        if longest > LONGEST_LINE or not _HEADER.fullmatch(folded) or not _decodes_to_one_line(folded):
            raise UnsafeHeader(f"The header {name!r} would not be one line of text.")
        return folded


def _decodes_to_one_line(header: bytes) -> bool:
    """Whether the header's encoded words decode to text without control characters."""
    try:
        text = str(make_header(decode_header(header.decode().replace("\r\n", ""))))
    except (MessageError, ValueError, LookupError):
        return False
    return not any((char < " " and char != "\t") or char in "\x7f\x85\u2028\u2029" for char in text)


def _registry() -> HeaderRegistry:
    registry = HeaderRegistry()
    kinds = {
        "subject": _Text,
        "from": _Mailbox,
        "to": _Mailbox,
        "message-id": _Plain,
        "list-unsubscribe": _Plain,
        "list-unsubscribe-post": _Plain,
    }
    for name, kind in kinds.items():
        registry.map_to_type(name, kind)  # type: ignore[arg-type]  # typeshed: BaseHeader is mixed in
    return registry


# Some servers still reject 8-bit messages.
MESSAGE = MessagePolicy(linesep="\r\n", cte_type="7bit", header_factory=_registry())
