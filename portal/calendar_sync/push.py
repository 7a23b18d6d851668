"""Writes a plan to the provider in batches. A booking that the provider rejects does not hold up the others."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.calendar_sync.calls import TRIES, ProviderCalls
from portal.calendar_sync.errors import (
    CalendarAccessLost,
    CalendarNotFound,
    ConsentLost,
    EventChanged,
    EventIdTaken,
    EventNotFound,
    PermissionMissing,
    ProviderError,
    ProviderMisconfigured,
    RequestRejected,
    TemporaryFailure,
)
from portal.calendar_sync.plan import (
    EventContent,
    EventInsert,
    EventUpdate,
    MirroredEvent,
    RemoteEvent,
    SyncPlan,
    digest_of,
    event_id,
    is_ours,
    problem_sentence,
)
from portal.calendar_sync.provider import MAX_BATCH, EventWrite, WriteKind, WriteResult
from portal.calendar_sync.records import save_progress

# Errors of the calendar or the connection, not of one event.
CALENDAR_ERRORS = (CalendarAccessLost, CalendarNotFound, ProviderMisconfigured, ConsentLost, PermissionMissing)


@dataclass(frozen=True, slots=True)
class WriteJob:
    """One event to write: the content of its slot (None: the event has to be deleted), and the write to try next.

    `mirrored` is the event's row in the mirror at the start. `resolved` counts the conflicts resolved so far.
    """

    write: EventWrite
    generation: int = 0
    mirrored: MirroredEvent | None = None
    resolved: int = 0

    @property
    def content(self) -> EventContent | None:
        return self.write.content


@dataclass(slots=True)
class MirrorChanges:
    """Changes of the mirror after a batch."""

    put: dict[str, MirroredEvent] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)


def push(calls: ProviderCalls, calendar_id: str, plan: SyncPlan, app: str) -> list[str]:
    """Carry out the plan; returns sentences about bookings that could not be written.

    Raises the first error that concerns the calendar as a whole, and TemporaryFailure if some writes kept failing.
    Progress until then is saved.
    """
    return _PlanWriter(calls, calendar_id, app).run(plan)


class _PlanWriter:
    def __init__(self, calls: ProviderCalls, calendar_id: str, app: str) -> None:
        self.calls = calls
        self.calendar_id = calendar_id
        self.app = app
        self.skipped: list[str] = []
        self.failing: TemporaryFailure | None = None

    def run(self, plan: SyncPlan) -> list[str]:
        self.skipped += plan.skipped
        if plan.forget:
            self._save(MirrorChanges(drop=set(plan.forget)))
        jobs = _jobs(plan)
        for at in range(0, len(jobs), MAX_BATCH):
            self._write_batch(jobs[at : at + MAX_BATCH])
        if self.failing is not None:
            raise self.failing
        return self.skipped

    def _write_batch(self, jobs: list[WriteJob]) -> None:
        """Write one batch; unfinished writes go into further, smaller batches."""
        failed = 0
        while jobs:
            results = self.calls.write(self.calendar_id, [job.write for job in jobs])
            saved = MirrorChanges()
            again: list[WriteJob] = []
            trouble: TemporaryFailure | None = None
            stop: ProviderError | None = None
            for job, result in zip(jobs, results, strict=True):
                try:
                    next_job = self._settle(job, result, saved)
                except TemporaryFailure as problem:
                    trouble, next_job = problem, job
                except CALENDAR_ERRORS as problem:
                    stop, next_job = stop or problem, None
                if next_job is not None:
                    again.append(next_job)
            self._save(saved)
            if stop is not None:
                raise stop
            jobs = again
            if trouble is not None:
                failed += 1
                if failed >= TRIES or not self.calls.pause(failed, trouble):
                    self.failing = trouble
                    return

    def _settle(self, job: WriteJob, result: WriteResult, saved: MirrorChanges) -> WriteJob | None:
        """Record the result of a write, or return the job to try instead."""
        counts = self.calls.counts
        if result is None or (job.content is None and isinstance(result, EventNotFound)):
            saved.drop.add(job.write.event_id)
            counts.removed += 1
            return None
        if isinstance(result, RemoteEvent):
            self._written(job, result.etag, saved)
            if job.mirrored is None:
                counts.added += 1
            else:
                counts.changed += 1
            return None
        return self._handle_error(job, result, saved)

    def _written(self, job: WriteJob, etag: str, saved: MirrorChanges) -> None:
        content = job.content
        assert content is not None
        identifier = job.write.event_id
        if job.mirrored is not None and job.mirrored.event_id != identifier:
            saved.drop.add(job.mirrored.event_id)
        saved.put[identifier] = MirroredEvent(identifier, content.slot_uuid, job.generation, etag, content.digest)

    def _handle_error(self, job: WriteJob, problem: ProviderError, saved: MirrorChanges) -> WriteJob | None:
        if isinstance(problem, TemporaryFailure):
            raise problem
        if isinstance(problem, CALENDAR_ERRORS):
            raise problem
        if isinstance(problem, RequestRejected) or job.resolved >= TRIES:
            self._record_problem(job, problem, saved)
            return None
        content = job.content
        if content is None:
            # Somebody changed an event that has to be deleted anyway.
            return self._retry_as(job, WriteKind.DELETE, etag="")
        if isinstance(problem, EventNotFound):
            return self._retry_as(job, WriteKind.INSERT)
        if isinstance(problem, EventIdTaken | EventChanged):
            return self._compare(job, content, saved)
        self._record_problem(job, problem, saved)
        return None

    def _compare(self, job: WriteJob, content: EventContent, saved: MirrorChanges) -> WriteJob | None:
        """The id is in use, or somebody changed the event: read it and decide."""
        identifier = job.write.event_id
        try:
            found = self.calls.repeated(lambda: self.calls.provider.get_event(self.calendar_id, identifier))
        except EventNotFound:
            # In use, but not found: Google never accepts this id again.
            return self._next_generation(job, content)
        if not found.cancelled and not is_ours(found, self.app) and job.mirrored is None:
            return self._next_generation(job, content)
        if digest_of(found, self.app) == content.digest:
            # It is as planned: an earlier response was lost, or somebody changed what the portal does not compare.
            self._written(job, found.etag, saved)
            if job.mirrored is None:
                self.calls.counts.added += 1
            return None
        return self._retry_as(job, WriteKind.UPDATE, etag=found.etag)

    def _next_generation(self, job: WriteJob, content: EventContent) -> WriteJob:
        generation = job.generation + 1
        write = EventWrite(WriteKind.INSERT, event_id(content.slot_uuid, generation), content)
        return WriteJob(write, generation, job.mirrored, job.resolved + 1)

    def _retry_as(self, job: WriteJob, kind: WriteKind, *, etag: str = "") -> WriteJob:
        return WriteJob(
            EventWrite(kind, job.write.event_id, job.content, etag), job.generation, job.mirrored, job.resolved + 1
        )

    def _record_problem(self, job: WriteJob, problem: ProviderError, saved: MirrorChanges) -> None:
        content = job.content
        if content is None:
            self.skipped.append(f"A booking that is over could not be removed: {problem.words}")
            return
        # An existing event keeps its etag, so that it can be overwritten later.
        etag = job.mirrored.etag if job.mirrored is not None else ""
        identifier = job.write.event_id
        saved.put[identifier] = MirroredEvent(
            identifier, content.slot_uuid, job.generation, etag, content.digest, problem.words
        )
        self.skipped.append(problem_sentence(content, problem.words))

    def _save(self, saved: MirrorChanges) -> None:
        now = self.calls.clock.now()
        save_progress(self.calls.snapshot, self.calls.counts, saved.put.values(), saved.drop, now)
        self.calls.renewed = now


def _jobs(plan: SyncPlan) -> list[WriteJob]:
    """Deletions first, so that a moved booking is shown twice only for a moment."""
    jobs = [WriteJob(EventWrite(WriteKind.DELETE, row.event_id, None), row.generation, row) for row in plan.deletes]
    jobs += [_update(update) for update in plan.updates]
    jobs += [_insert(insert) for insert in plan.inserts]
    return jobs


def _update(update: EventUpdate) -> WriteJob:
    row = update.mirrored
    return WriteJob(EventWrite(WriteKind.UPDATE, row.event_id, update.content, row.etag), row.generation, row)


def _insert(insert: EventInsert) -> WriteJob:
    return WriteJob(EventWrite(WriteKind.INSERT, insert.event_id, insert.content), insert.generation)
