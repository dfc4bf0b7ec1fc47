# SPDX-License-Identifier: Apache-2.0
"""Times in which viewers got nothing new."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Stand:
    """Time in which a viewer got nothing new, in seconds; a part's own length is in it."""

    viewer: str
    stream: str
    begun: float
    seconds: float
    before: str
    after: str

    @property
    def ended(self) -> float:
        return self.begun + self.seconds


NONE = Stand("", "", 0, 0, "", "")


def worst(stands: Iterable[Stand], begun: float, ended: float) -> dict[str, Stand]:
    """Of each viewer the longest stand that was over in a time."""
    found: dict[str, Stand] = {}
    for stand in stands:
        if begun <= stand.ended <= ended and stand.seconds > found.get(stand.viewer, NONE).seconds:
            found[stand.viewer] = stand
    return found


def share(stands: Iterable[Stand], viewers: int, begun: float, ended: float, part: float) -> float:
    """Of all the time of all viewers that in which something was late: beyond the length of a part, within a time."""
    late = sum(max(0.0, min(stand.ended, ended) - max(stand.begun + part, begun)) for stand in stands)
    return late / (viewers * (ended - begun)) if viewers and ended > begun else 0.0
