"""Pages of a list: page numbers, offsets and links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of `total` items. Pages count from 1; a number out of range becomes the nearest one."""

    number: int
    size: int
    total: int

    @classmethod
    def of(cls, number: int, size: int, total: int) -> Page:
        last = max(1, -(-total // size))
        return cls(min(max(1, number), last), size, total)

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.last else None

    def window(self, around: int = 2) -> Iterator[int | None]:
        """The page numbers to link to, with None for gaps: 1 … 4 5 6 … 20."""
        shown = {1, self.last} | set(range(self.number - around, self.number + around + 1))
        before = 0
        for number in sorted(n for n in shown if 1 <= n <= self.last):
            if number - before == 2:
                yield number - 1
            elif number - before > 2:
                yield None
            yield number
            before = number
