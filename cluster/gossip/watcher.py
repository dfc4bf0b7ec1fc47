# SPDX-License-Identifier: Apache-2.0
"""Reads the logs of all nodes as they grow: who believes what of whom, and since when."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from lab import Lab

from .agents import Agents

# How late a line is seen at worst; the same for every program, by one clock of the host.
PERIOD = 0.01


@dataclasses.dataclass(frozen=True)
class Change:
    at: float
    observer: str
    member: str
    health: str


class Watcher:
    """A thread of its own while the `with` lasts."""

    def __init__(self, lab: Lab, agents: Agents) -> None:
        self.lab, self.agents = lab, agents
        self.changes: list[Change] = []
        self.views: dict[str, dict[str, str]] = {name: {name: "alive"} for name in lab.topology.nodes}
        self._read = {name: 0 for name in lab.topology.nodes}
        self._rest = {name: b"" for name in lab.topology.nodes}
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()

    def forget(self, observer: str) -> None:
        """Before a node is started again: it knows nobody."""
        with self._changed:
            self.views[observer] = {observer: "alive"}

    def wait(self, seconds: float, what: str, condition: Callable[[], bool]) -> float | None:
        """Until the condition holds: the time of the change that made it hold. Nothing when time is up."""
        end = time.monotonic() + seconds
        with self._changed:
            while not condition():
                if time.monotonic() > end:
                    print(f"  waited {seconds:.0f} s in vain for {what}", flush=True)
                    return None
                self._changed.wait(0.5)
            return max((change.at for change in self.changes[-1:]), default=time.monotonic())

    def everybody(self, observers: list[str], members: list[str], health: str) -> bool:
        """Whether every observer believes this of every member. Call it within `wait`."""
        return all(self.views[observer].get(member) == health for observer in observers for member in members)

    def firsts(self, since: float, member: str, healths: tuple[str, ...], observers: list[str]) -> list[float]:
        """When each observer first believed one of these of a member, in order; those who did not are missing."""
        seen: dict[str, float] = {}
        with self._changed:
            for change in self.changes:
                if change.at >= since and change.member == member and change.health in healths:
                    seen.setdefault(change.observer, change.at)
        return sorted(at for observer, at in seen.items() if observer in observers)

    def count(self, since: float, health: str, members: list[str]) -> int:
        """How often any node came to believe this of one of the members."""
        with self._changed:
            return sum(change.at >= since and change.health == health and change.member in members
                       for change in self.changes)

    def _watch(self) -> None:
        while not self._ended:
            found = [change for name in self._read for change in self._news(name)]
            if found:
                with self._changed:
                    for change in found:
                        self.views[change.observer][change.member] = change.health
                    self.changes += found
                    self._changed.notify_all()
            time.sleep(PERIOD)

    def _news(self, name: str) -> list[Change]:
        path = self.lab.log_path(name)
        try:
            if path.stat().st_size == self._read[name]:
                return []
        except FileNotFoundError:
            return []
        with open(path, "rb") as file:
            file.seek(self._read[name])
            data = file.read()
        now = time.monotonic()
        self._read[name] += len(data)
        *lines, self._rest[name] = (self._rest[name] + data).split(b"\n")
        told = (self.agents.parse(line.decode(errors="replace")) for line in lines)
        return [Change(now, name, *each) for each in told if each]
