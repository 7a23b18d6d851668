"""Text as an attacker would type it: for property tests of everything that writes text into a format."""

from hypothesis import strategies as st

# Line breaks of every kind, NUL, halves of surrogate pairs, characters that reverse or hide others, the beginnings of
# headers, encoded words (whole, cut in two, in other character sets) and words longer than a line.
FRAGMENTS = (
    *("\r", "\n", "\r\n", "\r\n ", "\n\t", "\x00", "\x0b", "\x0c", "\x1c", "\x7f", "\u0085", "\u2028", "\u2029"),
    *("\ud800", "\udfff", "\udc0a", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u00a0", "\u3000"),
    *("=?utf-8?q?x=0aReply-To:evil@evil.example?=", "=?utf-8?b?CkJjYzogZXZpbEBldmlsLmV4YW1wbGU=?="),
    *("=?utf-8?q?=0d=0aContent-Type:text/html=0d=0a=0d=0a<h1>?=", "=?", "?=", "=", "?", "=?utf-8?q?", "=0a", "?q?"),
    *("=?utf-7?q?+AAo-?=", "=?unknown?q?=0a?=", "=?utf-8*en?q?=0a?=", "=?=?utf-8?q?=0a?=?="),
    *(
        "Bcc: evil@evil.example",
        "\nBcc: evil@evil.example",
        "--boundary",
        "\n\n<h1>",
        ". ",
        "\r\n.\r\n",
        '"',
        "\\",
        ";",
    ),
    *("a" * 80, "b" * 1200, "ä" * 90, "\U0001f9ca" * 60, " " * 90, "e\u0301" * 50, "BEGIN:VALARM", "\nATTACH:x", ","),
)


def hostile_text(max_parts: int = 6) -> st.SearchStrategy[str]:
    """Any text, between and around fragments that mean something to a mail reader or a calendar."""
    part = st.one_of(st.sampled_from(FRAGMENTS), st.text(st.characters(exclude_categories=()), max_size=20))
    return st.lists(part, max_size=max_parts).map("".join)
