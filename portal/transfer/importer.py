"""Imports offerings in the shape in which `GET /api/booking-offerings/` answers them: each whole or not at all.

Records are taken in batches. A batch is one transaction and is written at once; where the database refuses it, it is
written again record by record, so that one bad record never spoils the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, cast

from sqlalchemy.exc import DBAPIError

from portal.domain.texts import visible
from portal.errors import PortalError
from portal.extensions import analyse, settings, transaction
from portal.queries.catalogue_index import prune_changes
from portal.schema.checks import InvalidValue
from portal.transfer.apply import Batch, BatchResult
from portal.transfer.json_records import Entry, Unreadable, read_records
from portal.transfer.record import Record, read_record

BATCH = 200
# Bytes of JSON, and entries of the records' lists, after which a batch is written though it is smaller.
BATCH_BYTES = 8 * 1024 * 1024
BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """Why a record did not go in. `position` counts from 1; `field` is a path such as plans[1].components[0].price."""

    position: int
    name: str
    field: str
    reason: str

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        text = f"record {self.position}{name}: {self.field + ': ' if self.field else ''}{self.reason}"
        # Names and keys are those of another portal, and this is printed on a terminal.
        return visible(text, LONGEST_LINE)


LONGEST_LINE = 1000
# As many failures say that something else is wrong than single records.
MAX_FAILED = 10_000
# So many offerings change what the database should know of its indexes.
ANALYSE_FROM = 100
MAX_WARNINGS = 1000


@dataclass(slots=True)
class Report:
    """What an import did."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: list[ImportFailure] = field(default_factory=list)
    # What was dropped or changed of offerings that went in, the first MAX_WARNINGS of them.
    warnings: list[ImportFailure] = field(default_factory=list)

    def add(self, result: BatchResult) -> None:
        """Count what became of a batch."""
        self.created += result.created
        self.updated += result.updated
        self.unchanged += result.unchanged


class _DryRun(Exception):
    """Takes back what a dry run wrote."""


def import_offerings(
    source: IO[bytes] | Iterable[Any],
    *,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda _count: None,
) -> Report:
    """Create or update offerings by uuid and answer what became of each.

    `source` is JSON as bytes (an array of offerings, or one), entries of it, or the records themselves. `on_progress`
    is called with the number of records done so far. Memory does not grow with the input. Input that stops being JSON,
    or a source that fails, is a problem of the record where it happens; what came before is kept. Nothing is called at
    Google.

    A `dry_run` does everything and takes it back at the end; it is one transaction, which on SQLite lets nobody else
    write meanwhile.
    """
    entries = (
        read_records(cast(IO[bytes], source)) if hasattr(source, "read") else _entries(cast(Iterable[Any], source))
    )
    run = _Run(on_progress)
    # A source that waits for a busy server says so before: what came in until then is written first.
    getattr(source, "before_wait", []).append(lambda _sentence: run.write_now())
    if not dry_run:
        run.all(entries)
        if run.report.created + run.report.updated >= ANALYSE_FROM:
            analyse()
            prune_changes()
        return run.report
    try:
        with transaction():
            run.all(entries)
            raise _DryRun
    except _DryRun:
        return run.report


def _entries(records: Iterable[Any]) -> Iterator[Entry]:
    return (it if isinstance(it, Entry) else Entry(it) for it in records)


class _Run:
    """One import: batches records and reports."""

    def __init__(self, on_progress: Callable[[int], None]) -> None:
        self.report = Report()
        self._on_progress = on_progress
        self._public_url, self._zone = settings().public_url, settings().timezone
        self._waiting: dict[Any, tuple[int, Record]] = {}
        self._bytes = self._rows = self._position = 0

    def all(self, entries: Iterator[Entry]) -> None:
        """Take every record there is."""
        position = 0
        try:
            for position, entry in enumerate(entries, start=1):
                self._position = position
                self._take(position, entry)
                if len(self.report.failed) >= MAX_FAILED:
                    text = f"{MAX_FAILED:,} records have failed, so the rest was not read. Correct the first of them"
                    raise Unreadable(f"{text} and run the import again.")
        except KeyboardInterrupt:
            self.write_now()
            raise
        except PortalError as error:
            self._flush(position)
            self.report.failed.append(ImportFailure(position + 1, "", "", error.message))
            return
        self._flush(position)

    def write_now(self) -> None:
        """Write the records that wait for their batch to be full."""
        self._flush(self._position)

    def _take(self, position: int, entry: Entry) -> None:
        try:
            if entry.problem:
                raise InvalidValue(entry.problem)
            warnings: list[InvalidValue] = []
            record = read_record(entry.data, self._zone, warnings)
        except InvalidValue as wrong:
            self._fail(position, _name_of(entry.data), wrong)
        else:
            if record.uuid in self._waiting:
                # The same offering twice: the later record finds what the earlier one wrote.
                self._flush(position - 1)
            self._waiting[record.uuid] = (position, record)
            for it in warnings[: MAX_WARNINGS - len(self.report.warnings)]:
                self.report.warnings.append(ImportFailure(position, record.name, it.field, it.reason))
            self._bytes += entry.size
            self._rows += record.rows
        if len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES or self._rows >= BATCH_ROWS:
            self._flush(position)
        elif position % BATCH == 0:
            self._on_progress(position)

    def _flush(self, position: int) -> None:
        waiting, self._waiting = list(self._waiting.values()), {}
        self._bytes = self._rows = 0
        if waiting:
            with transaction() as session:
                try:
                    with session.begin_nested():
                        self._write(waiting)
                except DBAPIError:
                    for one in waiting:
                        self._write_alone(one)
        self._on_progress(position)

    def _write(self, waiting: list[tuple[int, Record]]) -> None:
        with transaction() as session:
            batch = Batch(session, self._public_url, (record for _, record in waiting))
            problems = []
            for position, record in waiting:
                try:
                    batch.add(record)
                except InvalidValue as wrong:
                    problems.append((position, record.name, wrong))
            result = batch.write()
        self.report.add(result)
        for problem in problems:
            self._fail(*problem)

    def _write_alone(self, one: tuple[int, Record]) -> None:
        position, record = one
        with transaction() as session:
            try:
                with session.begin_nested():
                    self._write([one])
            except DBAPIError as error:
                reason = str(error.orig).splitlines()[0]
                self._fail(position, record.name, InvalidValue(f"the database refused it ({reason})"))

    def _fail(self, position: int, name: str, wrong: InvalidValue) -> None:
        self.report.failed.append(ImportFailure(position, name, wrong.field, wrong.reason))


def _name_of(data: Any) -> str:
    """What a reader recognises a record by."""
    if not isinstance(data, dict):
        return ""
    for key in ("name", "uuid"):
        found = data.get(key)
        if isinstance(found, str) and found.strip():
            return visible(found, 200)
    return ""
