"""The emulator's database: one SQLite file, short transactions, safe for many threads.

Times are whole milliseconds since 1970 UTC. `seq` is one change counter for the whole file:
etags, sync tokens and the order of changes derive from it.
"""

import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (value INTEGER NOT NULL);
INSERT INTO counter SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM counter);
CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY, sub TEXT NOT NULL UNIQUE, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grants (
    account TEXT NOT NULL, client_id TEXT NOT NULL, scopes TEXT NOT NULL, PRIMARY KEY (account, client_id));
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL, account TEXT NOT NULL,
    scopes TEXT NOT NULL, challenge TEXT NOT NULL, challenge_method TEXT NOT NULL, give_refresh INTEGER NOT NULL,
    nonce TEXT NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token TEXT PRIMARY KEY, account TEXT NOT NULL, client_id TEXT NOT NULL, scopes TEXT NOT NULL,
    created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS access_tokens (
    token TEXT PRIMARY KEY, account TEXT NOT NULL, client_id TEXT NOT NULL, scopes TEXT NOT NULL,
    expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calendars (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, client_id TEXT NOT NULL, summary TEXT NOT NULL,
    description TEXT, location TEXT, time_zone TEXT NOT NULL, is_primary INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL,
    updated INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS list_entries (
    account TEXT NOT NULL, calendar_id TEXT NOT NULL, body TEXT NOT NULL DEFAULT '{}',
    deleted INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL, PRIMARY KEY (account, calendar_id));
CREATE TABLE IF NOT EXISTS acl (
    calendar_id TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL, scope_type TEXT NOT NULL,
    scope_value TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (calendar_id, id));
CREATE TABLE IF NOT EXISTS events (
    calendar_id TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL,
    start INTEGER NOT NULL, finish INTEGER NOT NULL, is_series INTEGER NOT NULL, master_id TEXT,
    seq INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
    PRIMARY KEY (calendar_id, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_seq ON events (calendar_id, seq);
CREATE INDEX IF NOT EXISTS events_by_master ON events (calendar_id, master_id) WHERE master_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS removed_occurrences (
    calendar_id TEXT NOT NULL, id TEXT NOT NULL, master_id TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (calendar_id, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reserved_ids (
    calendar_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (calendar_id, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS channels (
    id TEXT PRIMARY KEY, resource_id TEXT NOT NULL, account TEXT NOT NULL, client_id TEXT NOT NULL,
    calendar_id TEXT NOT NULL, address TEXT NOT NULL, token TEXT, uri TEXT NOT NULL, expires INTEGER NOT NULL,
    number INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS mails (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, calendar_id TEXT NOT NULL, subject TEXT NOT NULL,
    kind TEXT NOT NULL, recipients TEXT NOT NULL);
"""
STATE_TABLES = (
    "accounts",
    "grants",
    "codes",
    "refresh_tokens",
    "access_tokens",
    "calendars",
    "list_entries",
    "acl",
    "events",
    "removed_occurrences",
    "reserved_ids",
    "channels",
    "mails",
    "meta",
)


class Store:
    """A pool of connections to one file. Writers queue in this process, so none waits for SQLite's lock."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writing = threading.Lock()
        with self._connection() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._idle.get_nowait()
        except queue.Empty:
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous=NORMAL")
        try:
            yield db
        finally:
            self._idle.put(db)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: one consistent snapshot."""
        with self._connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end, rolled back if an exception leaves the block."""
        with self._writing, self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def clear(self) -> None:
        """Delete everything. The change counter goes on, so that no old etag or sync token becomes valid again."""
        with self.write() as db:
            for table in STATE_TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the list above
            db.execute("UPDATE counter SET value = value + 1000000")

    def close(self) -> None:
        """Close every connection. None may be in use."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


def next_seq(db: sqlite3.Connection) -> int:
    """The next number of the change counter."""
    db.execute("UPDATE counter SET value = value + 1")
    return last_seq(db)


def last_seq(db: sqlite3.Connection) -> int:
    """The number of the last change."""
    return int(db.execute("SELECT value FROM counter").fetchone()[0])


def get_meta(db: sqlite3.Connection, key: str) -> str | None:
    """A persistent setting."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(db: sqlite3.Connection, key: str, value: str | None) -> None:
    """Store a setting, or delete it with None."""
    if value is None:
        db.execute("DELETE FROM meta WHERE key = ?", (key,))
    else:
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def etag(seq: int) -> str:
    """The etag of a resource last changed by change number `seq`."""
    return f'"{3_000_000_000_000_000 + 2 * seq}"'
