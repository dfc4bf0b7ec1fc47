# SPDX-License-Identifier: Apache-2.0
"""Whether the memory of processes grows that have the same to do.

Each process that lived long is held against itself: the median of what it had in the last third of its life against that
in the first, at as many streams or more then. One that was killed begins anew. The bound is a constant and so much for
each hour from the middle of the one third to that of the other:

- 32 MiB is for what is no leak and comes once: pages that the allocator keeps after a burst, and the connections of all
  viewers of a region at one edge, as after the death of the other.
- 96 MiB an hour is a tenth of what passes through an edge of `chaos`, whose 20 streams of 100 kbit/s are 900 MiB in it: an
  edge that frees nothing is over the bound as soon as it is judged, one that keeps a third of it after twenty minutes, and
  an origin that frees nothing of seven streams after a quarter of an hour.

Slower leaks are for the runs of a day on one node (`docs/results/memory.md`).
"""

from __future__ import annotations

import collections
import dataclasses
import statistics

# A process is judged that lived so long, in seconds, without its beginning: it is as large as it will be when all windows
# have been full twice.
LONG, SETTLED = 300.0, 60.0
ROOM, ROOM_AN_HOUR = 32 << 20, 96 << 20
# A median of fewer samples says nothing.
FEWEST = 8


@dataclasses.dataclass(frozen=True)
class Sample:
    at: float
    resident: int
    # Streams of which the process held a window.
    streams: int


@dataclasses.dataclass(frozen=True)
class Growth:
    node: str
    # From the middle of the first third to that of the last.
    seconds: float
    streams: int
    before: float
    after: float

    @property
    def bytes(self) -> float:
        return self.after - self.before

    @property
    def bound(self) -> float:
        return ROOM + ROOM_AN_HOUR * self.seconds / 3600

    @property
    def is_too_much(self) -> bool:
        return self.bytes > self.bound

    def __str__(self) -> str:
        return (f"{self.node} with {self.streams} streams: {self.before / 2**20:.0f} MiB, and {self.after / 2**20:.0f} MiB "
                f"{self.seconds:.0f} s later; the bound is {self.bound / 2**20:.0f} MiB more")


def growths(memory: dict[tuple[str, int], list[Sample]]) -> list[Growth]:
    """Of each process that lived long enough, by node and number, the most that it grew at any number of streams."""
    found = [growth(node, samples) for (node, _), samples in list(memory.items())]
    return [each for each in found if each]


def growth(node: str, samples: list[Sample]) -> Growth | None:
    """None where the process did not live long, or always had more to do at the end than at the beginning."""
    if not samples or samples[-1].at - samples[0].at < LONG:
        return None
    begun, ended = samples[0].at + SETTLED, samples[-1].at
    third = (ended - begun) / 3
    first = by_streams(each for each in samples if begun <= each.at <= begun + third)
    last = by_streams(each for each in samples if each.at >= ended - third)
    # A process that had more streams before does not give back all of it, but needs no more than then.
    pairs = [(min(like), streams) for streams in last if (like := [count for count in first if count >= streams])]
    every = [Growth(node, 2 * third, then, first[then], last[now]) for then, now in pairs]
    return max(every, key=lambda each: each.bytes, default=None)


def by_streams(samples) -> dict[int, float]:
    """The median at each number of streams."""
    found: dict[int, list[int]] = collections.defaultdict(list)
    for sample in samples:
        found[sample.streams].append(sample.resident)
    return {streams: statistics.median(sizes) for streams, sizes in found.items() if len(sizes) >= FEWEST}
