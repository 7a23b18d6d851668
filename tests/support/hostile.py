"""Values that no honest client sends, as bytes: for every parameter, header and field there is."""

VALUES = (
    b"\0",
    b"a\0b",
    # Half of a surrogate pair, bytes that are no UTF-8, a character that no font has.
    b"\xed\xa0\x80",
    b"\xff\xfe",
    b"\xf4\x8f\xbf\xbf",
    # Beyond 32 and 64 bits, and beyond what Python turns into a number.
    b"2147483648",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"9" * 5000,
    b"1e999",
    b"NaN",
    b"-Infinity",
    "٣".encode(),
    # Both ends of the calendar.
    b"0001-01-01",
    b"9999-12-31",
    b"0001-01-01T00:00",
    b"9999-12-31T23:59",
    b"0001-01-01T00:00:00Z",
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59.999999Z",
    b"9999-12-31T23:59:59-14:00",
    b"0001-01-01T00:00:00Z/0001-01-01T01:00:00Z",
    b"9999-12-31T22:00:00Z/9999-12-31T23:00:00Z",
)
