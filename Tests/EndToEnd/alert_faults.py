# SPDX-License-Identifier: Apache-2.0
"""What a fault is: a generator that stops three times, when all is well, when the fault is there, and when it is
mended. Those of each topic stand in faults_*.py, done to real nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from alerting import Scene, alive
from server import Server, wait_until

Play = Callable[[Scene], Iterator[None]]


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is done, and the alerts that must come of it."""

    name: str
    alerts: frozenset[str]
    play: Play


FAULTS: list[Fault] = []
SHORT = {"HLS_SEGMENT": "1s", "HLS_PART": "200ms"}


def causes(*alerts: str) -> Callable[[Play], Play]:
    """Says which alerts a fault fires."""
    def taken(play: Play) -> Play:
        FAULTS.append(Fault(play.__name__, frozenset(f"Millrace{name}" for name in alerts), play))
        return play
    return taken


def edge_alone(node: Server, **settings: object) -> None:
    """The node becomes one that only serves viewers."""
    node.terminate()
    node.settings |= {"ROLES": "edge", **settings}
    node.start()
    wait_until(lambda: alive(node) == 2, 30, "the edge to join")
