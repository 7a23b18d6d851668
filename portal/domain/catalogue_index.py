"""The order and the facet values of all offerings in memory, updated one offering at a time.

With it, a list of 100,000 offerings has its last page, its length and the counts of every facet without reading
100,000 rows. portal.queries.catalogue_index fills it; portal.policies decides who sees offerings that are not public.

Columns are arrays indexed by offering id, about 100 bytes per offering in all. Callers hold `lock` while they read or
change anything.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

FACETS = ("category", "organization", "country", "state")
# The latest changes are listed one by one; results older than these are computed again from all offerings.
LOG_LENGTH = 5_000


@dataclass(frozen=True, slots=True)
class IndexedOffering:
    """The values of an offering in the index.

    `key` orders offerings by name: the case-folded name and the UUID, as bytes. `created` is in seconds since the
    epoch. `public`: everybody may see it. `category` and `organization` are ids (0: no organization). `schedule` is the
    schedule hash.
    """

    id: int
    key: bytes
    created: float
    public: bool
    category: int
    organization: int
    country: str
    state: str
    schedule: int


class Label(NamedTuple):
    """A facet value in URLs, and its display name."""

    value: str
    name: str


class Numbers:
    """Small numbers for arbitrary values, so that a column of them is small. Value n is `values[n]`."""

    def __init__(self) -> None:
        self._number_of: dict[object, int] = {}
        self.values: list[object] = []

    def of(self, value: object) -> int:
        number = self._number_of.get(value)
        if number is None:
            number = self._number_of[value] = len(self.values)
            self.values.append(value)
        return number


class CatalogueIndex:
    """All offerings by name, with a column for each facet.

    `generation` goes up with each change; `changed[id]` is the generation in which that offering last changed, and
    `access_generation` that in which roles or groups last changed.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Where the reader of changes has got to; None before the first load.
        self.position: Any = None
        self.generation = 0
        self.access_generation = 0
        self._log: deque[tuple[int, int]] = deque(maxlen=LOG_LENGTH)
        self._log_start = 0
        self._clear()

    def _clear(self) -> None:
        self.order = array("i")
        self.public_order = array("i")
        self.public = bytearray()
        self.changed = array("q")
        self.created = array("d")
        self.schedules = array("i")
        self.columns: dict[str, array[int]] = {facet: array("i") for facet in FACETS}
        self.labels: dict[str, dict[int, Label]] = {facet: {} for facet in FACETS}
        self._numbers = {name: Numbers() for name in (*FACETS, "schedule")}
        self._keys: list[bytes | None] = []

    def __len__(self) -> int:
        return len(self.order)

    @property
    def width(self) -> int:
        """The length of the columns: one more than the highest id."""
        return len(self.public)

    def load(self, offerings: Iterable[IndexedOffering], labels: Mapping[str, Mapping[int, Label]]) -> None:
        """Replace everything. `labels` are those of `category` and `organization`, by id."""
        self._clear()
        for offering in offerings:
            self._store(offering)
        keys = self._keys
        # mypy does not see that the keys of the rows in question are not None.
        self.order = array("i", sorted((it for it, key in enumerate(keys) if key is not None), key=keys.__getitem__))  # type: ignore[arg-type]
        self.public_order = array("i", compress(self.order, map(self.public.__getitem__, self.order)))
        for facet, known in labels.items():
            for value, label in known.items():
                self.labels[facet][self._numbers[facet].of(value)] = label
        self.generation += 1
        self.access_generation = self._log_start = self.generation
        self._log.clear()

    def apply(
        self,
        changed: Mapping[int, IndexedOffering | None],
        labels: Mapping[str, Mapping[int, Label]],
        *,
        access_changed: bool,
    ) -> None:
        """Replace some offerings (None: deleted), as one generation."""
        self.generation += 1
        if access_changed:
            self.access_generation = self.generation
        for offering_id, offering in changed.items():
            self._remove(offering_id)
            if offering is not None:
                self._store(offering)
                self._insert(offering_id)
            if offering_id < len(self.changed):
                self.changed[offering_id] = self.generation
            if len(self._log) == LOG_LENGTH:
                self._log_start = self._log[0][0]
            self._log.append((self.generation, offering_id))
        for facet, known in labels.items():
            for value, label in known.items():
                self.labels[facet][self._numbers[facet].of(value)] = label

    def changes_since(self, generation: int) -> set[int] | None:
        """The offerings that changed after a generation; None if the log does not reach back that far."""
        if generation < self._log_start:
            return None
        found = set()
        for at, offering_id in reversed(self._log):
            if at <= generation:
                break
            found.add(offering_id)
        return found

    def last_change(self, ids: Iterable[int]) -> int:
        """The generation in which one of these offerings last changed."""
        return max((self.changed[it] for it in ids), default=0)

    def mask(self, ids: Iterable[int]) -> bytearray:
        """A column with 1 at these ids. Unknown ids are ignored."""
        found = bytearray(self.width)
        for offering_id in ids:
            if offering_id < len(found):
                found[offering_id] = 1
        return found

    def visible(self, extra: Collection[int]) -> bytearray:
        """A column with 1 at the public offerings and at these ids."""
        found = bytearray(self.public)
        for offering_id in extra:
            if offering_id < len(found) and self._keys[offering_id] is not None:
                found[offering_id] = 1
        return found

    def ids_by_name(self, extra: Collection[int]) -> array[int]:
        """The public offerings and these, by name. Callers must not modify the result."""
        more = sorted((it for it in extra if self._is_hidden(it)), key=self._key)
        if not more:
            return self.public_order
        if len(more) == len(self.order) - len(self.public_order):
            return self.order
        if len(more) > 1_000:
            return array("i", compress(self.order, map(self.visible(extra).__getitem__, self.order)))
        found = array("i", self.public_order)
        for offering_id in more:
            found.insert(bisect_left(found, self._key(offering_id), key=self._key), offering_id)
        return found

    def newest_first(self, ids: array[int]) -> array[int]:
        """The ids by creation, newest first (stable)."""
        return array("i", sorted(ids, key=lambda it: -self.created[it]))

    def by_provider(self, ids: array[int]) -> array[int]:
        """The ids by the organization's name in lower case (stable)."""
        labels = self.labels["organization"]
        names = {number: labels[number].name.lower() for number in labels}
        rank = {name: place for place, name in enumerate(sorted({*names.values(), ""}))}
        ranks = {number: rank[name] for number, name in names.items()}
        column = self.columns["organization"]
        return array("i", sorted(ids, key=lambda it: ranks[column[it]]))

    def numbers_of(self, facet: str, values: Collection[str]) -> set[int]:
        """The numbers of these values (as in URLs) in a facet's column."""
        return {number for number, label in self.labels[facet].items() if label.value in values}

    def having(self, facet: str, numbers: Collection[int]) -> bytes:
        """A column with 1 where the facet has one of these values."""
        return bytes(map(frozenset(numbers).__contains__, self.columns[facet]))

    def count(self, facet: str, mask: bytes | bytearray) -> Counter[int]:
        """How many of the offerings in the mask have each value of a facet."""
        return Counter(compress(self.columns[facet], mask))

    def _store(self, offering: IndexedOffering) -> None:
        at = offering.id
        if at >= len(self.public):
            more = at + 1 - len(self.public)
            self.public.extend(bytes(more))
            for column in (self.changed, self.schedules, *self.columns.values()):
                column.extend([0] * more)
            self.created.extend([0.0] * more)
            self._keys.extend([None] * more)
        self._keys[at] = offering.key
        self.public[at] = offering.public
        self.created[at] = offering.created
        self.schedules[at] = self._numbers["schedule"].of(offering.schedule)
        for facet, column in self.columns.items():
            value = getattr(offering, facet)
            column[at] = number = self._numbers[facet].of(value)
            if facet in ("country", "state") and number not in self.labels[facet]:
                self.labels[facet][number] = Label(value, value)
            elif facet == "organization" and not value:
                self.labels[facet].setdefault(number, Label("", ""))

    def _insert(self, offering_id: int) -> None:
        key = self._key(offering_id)
        self.order.insert(bisect_left(self.order, key, key=self._key), offering_id)
        if self.public[offering_id]:
            self.public_order.insert(bisect_left(self.public_order, key, key=self._key), offering_id)

    def _remove(self, offering_id: int) -> None:
        if offering_id >= len(self._keys) or self._keys[offering_id] is None:
            return
        key = self._key(offering_id)
        self.order.pop(bisect_left(self.order, key, key=self._key))
        if self.public[offering_id]:
            self.public_order.pop(bisect_left(self.public_order, key, key=self._key))
        self._keys[offering_id] = None
        self.public[offering_id] = 0

    def _is_hidden(self, offering_id: int) -> bool:
        return offering_id < self.width and self._keys[offering_id] is not None and not self.public[offering_id]

    def _key(self, offering_id: int) -> bytes:
        key = self._keys[offering_id]
        assert key is not None
        return key


def both(*masks: bytes | bytearray) -> bytes:
    """A column with 1 where all of these have 1. All have the same length."""
    found = int.from_bytes(masks[0], "little")
    for mask in masks[1:]:
        found &= int.from_bytes(mask, "little")
    return found.to_bytes(len(masks[0]), "little")


def picked(ids: Sequence[int], mask: bytes | bytearray) -> array[int]:
    """The ids in the mask, in order."""
    return array("i", compress(ids, map(mask.__getitem__, ids)))
