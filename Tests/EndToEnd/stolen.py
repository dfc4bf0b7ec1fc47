# SPDX-License-Identifier: Apache-2.0
"""How much of the processor time neighbours on the same host took from this machine, and when: the kernel's `steal`.

What stands still then stands through no fault of ours. Everything is reported; only what is judged leaves such times out.
"""

from __future__ import annotations

import dataclasses
import pathlib
import threading
import time

EVERY = 0.5
# More than this part of a time is too much for what is judged.
TOO_MUCH = 0.2


@dataclasses.dataclass(frozen=True)
class Sample:
    begun: float
    ended: float
    share: float


class Stolen:
    """`with Stolen() as stolen:` looks twice a second until it ends; times are of the monotonic clock."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._ended = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True, name="stolen")

    def __enter__(self) -> Stolen:
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._looking.join()

    def share(self) -> float:
        """Of all the time so far."""
        whole = sum(sample.ended - sample.begun for sample in self.samples)
        return sum(sample.share * (sample.ended - sample.begun) for sample in self.samples) / whole if whole else 0.0

    def ours(self, begun: float, ended: float) -> float:
        """Which part of a time is judged: that of which not too much was stolen."""
        whole = [sample for sample in self.samples if begun <= sample.begun and sample.ended <= ended]
        return sum(sample.share <= TOO_MUCH for sample in whole) / len(whole) if whole else 0.0

    def touches(self, begun: float, ended: float) -> bool:
        """Whether too much of any moment between two times was stolen."""
        return any(sample.share > TOO_MUCH and sample.begun < ended and begun < sample.ended for sample in self.samples)

    def _look(self) -> None:
        at, before = time.monotonic(), ticks()
        while not self._ended.wait(EVERY):
            now, after = time.monotonic(), ticks()
            spent = sum(after) - sum(before)
            self.samples.append(Sample(at, now, (after[7] - before[7]) / spent if spent else 0.0))
            at, before = now, after


def ticks() -> list[int]:
    """The kernel's counts for all processors, from `user` to `steal` (proc_stat(5))."""
    return [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
