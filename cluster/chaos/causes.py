# SPDX-License-Identifier: Apache-2.0
"""What was done that explains a gap in the store, or that a viewer was cut off for longer than a playlist lasts. What
nothing explains is a defect."""

from __future__ import annotations

import dataclasses
import math

from lab import Topology

from .plan import Fault

# A segment that was shown so long before its disks were full may wait yet: the store has six seconds for it
# (`UploadSettings.patience`), and two more between attempts (`RetrySchedule.longest`), and a segment lasts two.
WAITING = 10.0
# And so long after there is room none may be had: a disk that refused is not asked for ten seconds
# (`UploadQueue.diskPause`), and then as above.
BACKLOG = 15.0
# A leap's cause was there within so many seconds before it, or since the viewer got nothing new.
RECENT = 20.0
# Every few seconds somebody looks who takes a stream from whom.
LOOKED = 10.0
# A standby that has been one for so long has the window: it copies it in a few seconds, and a look comes once in one.
JOINING = 10.0
# What takes a node, or its line, away.
AWAY = ("kill", "freeze", "cut", "isolate", "slow", "thin", "deaf")


@dataclasses.dataclass
class Done:
    """A fault as it was done, in seconds of the monotonic clock; it lasts for ever until it is undone."""

    fault: Fault
    begun: float
    ended: float = math.inf

    def touches(self, begun: float, ended: float) -> bool:
        return self.begun <= ended and self.ended >= begun


@dataclasses.dataclass(frozen=True)
class Leap:
    """A node's playlist began behind all that a viewer had, or behind its own one that he was given just before."""

    at: float
    viewer: str
    stream: str
    node: str
    # Who gave the viewer the last that was new, and when.
    before: str
    news_at: float
    # The number up to which he had the stream, and the first of the playlist.
    had: int
    first: int


class Causes:
    """`held`: of each stream since when which nodes were named as its gateway or standby by anybody; `parents`: of
    (stream, node) from when to when it took the stream from whom."""

    def __init__(self, topology: Topology, done: list[Done], held: dict[str, list[tuple[float, frozenset[str]]]],
                 parents: dict[tuple[str, str], list[list]]) -> None:
        self.topology, self.done, self.held, self.parents = topology, done, held, parents

    def of_gap(self, stream: str, at: float) -> str:
        """The kind of fault for which a segment of that time may be lost, to the store or to everybody; "" for none.

        Full disks, and what waits for them before and after. Or the death of a holder where no other had the segment, or
        none that could go on with it.
        """
        for done in self.done:
            fault = done.fault
            if fault.kind in ("crammed", "full") and done.touches(at - BACKLOG, at + WAITING):
                return fault.kind
        for done in self.done:
            fault = done.fault
            if fault.kind == "kill" and abs(at - done.begun) <= WAITING \
                    and fault.targets[0] in self.holders(stream, done.begun - WAITING, done.begun) \
                    and not self._heirs(stream, done, at):
                return fault.kind
        return ""

    def _heirs(self, stream: str, death: Done, at: float) -> set[str]:
        """Who had the window when a holder died, and was well around a time: other holders of its region, that had been
        ones for long enough to have joined."""
        dead = death.fault.targets[0]
        away = {name for done in self.done if done.fault.kind in AWAY and done.touches(at - WAITING, at + WAITING)
                for name in done.fault.targets}
        region = self.topology.nodes[dead].region
        return {name for name in self.steady(stream, death.begun - JOINING, death.begun) - {dead} - away
                if self.topology.nodes[name].region == region}

    def of_leap(self, leap: Leap) -> str:
        """What was done to somebody on the stream's way to the viewer; "" for nothing."""
        since = min(leap.at - RECENT, leap.news_at)
        way = self.way(leap, since)
        regions = {self.topology.nodes[name].region for name in way if name in self.topology.nodes}
        regions |= {node.region for name, node in self.topology.nodes.items() if leap.viewer.startswith(f"{name}-")}
        for done in self.done:
            fault = done.fault
            if not done.touches(since, leap.at):
                continue
            if fault.kind in AWAY and way & set(fault.targets):
                return str(fault)
            if fault.kind in ("partition", "lossy") and set(fault.targets) <= regions:
                return str(fault)
        return ""

    def holders(self, stream: str, begun: float, ended: float) -> set[str]:
        """Whoever was said to be the gateway or the standby of a stream at some time between two."""
        found: set[str] = set()
        for at, names in self.held.get(stream, []):
            if at > ended:
                break
            found = found | names if at > begun else set(names)
        return found

    def steady(self, stream: str, begun: float, ended: float) -> set[str]:
        """Whoever was said to be one all the time between two."""
        found = self.holders(stream, begun, begun)
        for at, names in self.held.get(stream, []):
            if begun < at <= ended:
                found &= names
        return found

    def way(self, leap: Leap, since: float) -> set[str]:
        """The nodes from which the viewer had the stream, all from whom they had it, and its holders."""
        way, more = set(), {leap.node, leap.before} - {""}
        while more:
            way |= more
            more = {parent for name in more for begun, ended, parent in self.parents.get((leap.stream, name), [])
                    if begun - LOOKED <= leap.at and ended + LOOKED >= since} - way
        return way | self.holders(leap.stream, since, leap.at)
