"""Test accounts: an address typed into the consent page creates one."""

import hashlib
import re
import sqlite3

from portal.dev.google_emulator.acl import write_rule
from portal.dev.google_emulator.store import next_seq

EMAIL = re.compile(r"[^@\s<>\"']{1,64}@[a-z0-9.-]{1,190}", re.IGNORECASE)
DEFAULT_ACCOUNTS = {"facility.owner@emulator.example": "Facility Owner", "lab.manager@emulator.example": "Lab Manager"}


def ensure_account(db: sqlite3.Connection, email: str, now_ms: int, name: str | None = None) -> str:
    """The account of an e-mail address, created with its primary calendar where it is new.

    Raises:
        ValueError: not an e-mail address.
    """
    email = email.strip().lower()
    if not EMAIL.fullmatch(email):
        raise ValueError(f"{email!r} is not an e-mail address.")
    if db.execute("SELECT 1 FROM accounts WHERE email = ?", (email,)).fetchone():
        return email
    sub = str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16)).zfill(21)
    shown = name or email.partition("@")[0].replace(".", " ").title()
    db.execute("INSERT INTO accounts (email, sub, name) VALUES (?, ?, ?)", (email, sub, shown))
    create_calendar(db, calendar_id=email, owner=email, client_id="", summary=email, now_ms=now_ms, primary=True)
    return email


def ensure_default_accounts(db: sqlite3.Connection, now_ms: int) -> None:
    """Create the accounts that exist from the start."""
    for email, name in DEFAULT_ACCOUNTS.items():
        ensure_account(db, email, now_ms, name)


def create_calendar(
    db: sqlite3.Connection,
    *,
    calendar_id: str,
    owner: str,
    client_id: str,
    summary: str,
    now_ms: int,
    description: str | None = None,
    location: str | None = None,
    time_zone: str = "UTC",
    primary: bool = False,
) -> sqlite3.Row:
    """A new calendar with its owner's rule and its entry in the owner's list."""
    seq = next_seq(db)
    db.execute(
        "INSERT INTO calendars (id, owner, client_id, summary, description, location, time_zone, is_primary, seq,"
        " updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (calendar_id, owner, client_id, summary, description, location, time_zone, primary, seq, now_ms),
    )
    write_rule(db, calendar_id, "owner", "user", owner)
    db.execute(
        "INSERT INTO list_entries (account, calendar_id, seq) VALUES (?, ?, ?)", (owner, calendar_id, next_seq(db))
    )
    made: sqlite3.Row = db.execute("SELECT * FROM calendars WHERE id = ?", (calendar_id,)).fetchone()
    return made
