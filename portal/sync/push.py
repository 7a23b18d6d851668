"""Writes the plan at Google in batches. One booking that Google does not take stops nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.domain.google import (
    AccessLost,
    CalendarMissing,
    Changed,
    EventExists,
    EventMissing,
    OperatorNeeded,
    ProviderError,
    ReconnectNeeded,
    Refused,
    Retryable,
    ScopeMissing,
)
from portal.domain.sync_plan import (
    Content,
    Insert,
    Mirrored,
    Plan,
    RemoteEvent,
    Update,
    digest_of,
    event_id,
    is_ours,
    problem_sentence,
)
from portal.sync.calls import TRIES, Calls
from portal.sync.provider import MAX_BATCH, Write, WriteKind, WriteResult
from portal.sync.records import save_progress

# What concerns the calendar or the connection, not one event.
WHOLE = (AccessLost, CalendarMissing, OperatorNeeded, ReconnectNeeded, ScopeMissing)


@dataclass(frozen=True, slots=True)
class Job:
    """One event to be brought about: its slot's content (None: the event has to go), and how, for now.

    `mirrored` is the mirror's row that it began with. `resolved` counts the turns that its way has taken.
    """

    write: Write
    generation: int = 0
    mirrored: Mirrored | None = None
    resolved: int = 0

    @property
    def content(self) -> Content | None:
        return self.write.content


@dataclass(slots=True)
class Saved:
    """What a batch has changed in the mirror."""

    put: dict[str, Mirrored] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)


def push(calls: Calls, calendar_id: str, plan: Plan, app: str) -> list[str]:
    """Carry the plan out; answers sentences about bookings that could not be written.

    Raises the first error that concerns the calendar as a whole, and Retryable if some writes kept failing so; what
    has been done until then is kept.
    """
    return _Push(calls, calendar_id, app).run(plan)


class _Push:
    def __init__(self, calls: Calls, calendar_id: str, app: str) -> None:
        self.calls = calls
        self.calendar_id = calendar_id
        self.app = app
        self.skipped: list[str] = []
        self.failing: Retryable | None = None

    def run(self, plan: Plan) -> list[str]:
        self.skipped += plan.skipped
        if plan.forget:
            self._save(Saved(drop=set(plan.forget)))
        jobs = _jobs(plan)
        for at in range(0, len(jobs), MAX_BATCH):
            self._chunk(jobs[at : at + MAX_BATCH])
        if self.failing is not None:
            raise self.failing
        return self.skipped

    def _chunk(self, jobs: list[Job]) -> None:
        """Write one batch; what is not settled by it goes into smaller ones."""
        failed = 0
        while jobs:
            results = self.calls.write(self.calendar_id, [job.write for job in jobs])
            saved = Saved()
            again: list[Job] = []
            trouble: Retryable | None = None
            stop: ProviderError | None = None
            for job, result in zip(jobs, results, strict=True):
                try:
                    next_job = self._settle(job, result, saved)
                except Retryable as problem:
                    trouble, next_job = problem, job
                except WHOLE as problem:
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

    def _settle(self, job: Job, result: WriteResult, saved: Saved) -> Job | None:
        """Note what came of a write, or answer what to do instead."""
        counts = self.calls.counts
        if result is None or (job.content is None and isinstance(result, EventMissing)):
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
        return self._otherwise(job, result, saved)

    def _written(self, job: Job, etag: str, saved: Saved) -> None:
        content = job.content
        assert content is not None
        identifier = job.write.event_id
        if job.mirrored is not None and job.mirrored.event_id != identifier:
            saved.drop.add(job.mirrored.event_id)
        saved.put[identifier] = Mirrored(identifier, content.slot_uuid, job.generation, etag, content.digest)

    def _otherwise(self, job: Job, problem: ProviderError, saved: Saved) -> Job | None:
        if isinstance(problem, Retryable):
            raise problem
        if isinstance(problem, WHOLE):
            raise problem
        if isinstance(problem, Refused) or job.resolved >= TRIES:
            self._park(job, problem, saved)
            return None
        content = job.content
        if content is None:
            # Somebody changed what has to go anyway.
            return self._turn(job, WriteKind.DELETE, etag="")
        if isinstance(problem, EventMissing):
            return self._turn(job, WriteKind.INSERT)
        if isinstance(problem, EventExists | Changed):
            return self._look(job, content, saved)
        self._park(job, problem, saved)
        return None

    def _look(self, job: Job, content: Content, saved: Saved) -> Job | None:
        """The id is taken, or somebody changed the event: see what is there."""
        identifier = job.write.event_id
        try:
            found = self.calls.repeated(lambda: self.calls.provider.get_event(self.calendar_id, identifier))
        except EventMissing:
            # Taken, and not there: Google has burnt the id.
            return self._next_generation(job, content)
        if not found.cancelled and not is_ours(found, self.app) and job.mirrored is None:
            return self._next_generation(job, content)
        if digest_of(found, self.app) == content.digest:
            # As it should be: an earlier answer was lost, or somebody changed what we do not look at.
            self._written(job, found.etag, saved)
            if job.mirrored is None:
                self.calls.counts.added += 1
            return None
        return self._turn(job, WriteKind.UPDATE, etag=found.etag)

    def _next_generation(self, job: Job, content: Content) -> Job:
        generation = job.generation + 1
        write = Write(WriteKind.INSERT, event_id(content.slot_uuid, generation), content)
        return Job(write, generation, job.mirrored, job.resolved + 1)

    def _turn(self, job: Job, kind: WriteKind, *, etag: str = "") -> Job:
        return Job(Write(kind, job.write.event_id, job.content, etag), job.generation, job.mirrored, job.resolved + 1)

    def _park(self, job: Job, problem: ProviderError, saved: Saved) -> None:
        content = job.content
        if content is None:
            self.skipped.append(f"A booking that is over could not be removed: {problem.words}")
            return
        # An event that is there keeps its etag, so that it can be overwritten later.
        etag = job.mirrored.etag if job.mirrored is not None else ""
        identifier = job.write.event_id
        saved.put[identifier] = Mirrored(
            identifier, content.slot_uuid, job.generation, etag, content.digest, problem.words
        )
        self.skipped.append(problem_sentence(content, problem.words))

    def _save(self, saved: Saved) -> None:
        now = self.calls.clock.now()
        save_progress(self.calls.snapshot, self.calls.counts, saved.put.values(), saved.drop, now)
        self.calls.renewed = now


def _jobs(plan: Plan) -> list[Job]:
    """Removals first, so that a moved booking is never shown twice for longer than a moment."""
    jobs = [Job(Write(WriteKind.DELETE, row.event_id, None), row.generation, row) for row in plan.deletes]
    jobs += [_update(update) for update in plan.updates]
    jobs += [_insert(insert) for insert in plan.inserts]
    return jobs


def _update(update: Update) -> Job:
    row = update.mirrored
    return Job(Write(WriteKind.UPDATE, row.event_id, update.content, row.etag), row.generation, row)


def _insert(insert: Insert) -> Job:
    return Job(Write(WriteKind.INSERT, insert.event_id, insert.content), insert.generation)
