# SPDX-License-Identifier: Apache-2.0
"""The faults, and what is measured of each; times in seconds."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from lab import Lab

from .agents import Agents
from .watcher import Watcher


@dataclasses.dataclass(frozen=True)
class Lengths:
    """How long and how often."""

    joins: int = 7
    crashes: int = 20
    leaves: int = 5
    idle: float = 60
    loss: float = 60
    partition: float = 30
    patience: float = 60


FULL = Lengths()
SHORT = Lengths(joins=1, crashes=2, leaves=1, idle=10, loss=10, partition=15)


class Bench:
    """One program in all nodes of a lab, from its start to its end."""

    def __init__(self, lab: Lab, agents: Agents, lengths: Lengths) -> None:
        self.lab, self.agents, self.lengths = lab, agents, lengths
        self.names = list(lab.topology.nodes)
        self.seed, *self.others = self.names
        self.watcher = Watcher(lab, agents)

    def run(self) -> dict[str, Any]:
        result: dict[str, Any] = {}
        with self.watcher:
            try:
                for measure in (self.join, self.idle, self.crashes, self.leaves, self.loss, self.partition):
                    result[measure.__name__] = measure()
                    print(f"{self.agents.name} {measure.__name__}: {result[measure.__name__]}", flush=True)
            finally:
                self.lab.kill("all")
        return result

    def join(self) -> dict[str, Any]:
        """All but the seed are started at the same time: from then until every node sees every node."""
        joined: list[float] = []
        missed = 0
        for _ in range(self.lengths.joins):
            self.lab.kill("all")
            self._start([self.seed])
            time.sleep(2)
            begun = self._start(self.others)
            whole = self._settled()
            missed += whole is None
            joined += [] if whole is None else [whole - begun]
        return {"seconds": joined, "missed": missed}

    def idle(self) -> dict[str, Any]:
        """What a node costs while nothing happens: IP bytes and packets received, CPU, memory."""
        time.sleep(5)
        before, cpu, begun = self.lab.traffic(), self._processor_seconds(), time.monotonic()
        time.sleep(self.lengths.idle)
        after, cpu, elapsed = self.lab.traffic(), self._processor_seconds() - cpu, time.monotonic() - begun
        count = len(self.names)

        def rate(unit: str) -> float:
            total = sum(after[name][f"received_{unit}"] - before[name][f"received_{unit}"] for name in self.names)
            return total / elapsed / count
        memory = sum(self.lab.memory(name) for name in self.names) / count
        return {"bytes_per_second": rate("bytes"), "packets_per_second": rate("packets"),
                "cpu_percent": 100 * cpu / elapsed / count, "rss_mib": memory / 2**20}

    def crashes(self) -> dict[str, Any]:
        """kill -9 of one node after the other: until all others suspect it, until all take it for dead, and after its
        return until all see it again."""
        suspected, dead, returned, missed = [], [], [], 0
        for index in range(self.lengths.crashes):
            victim = self.others[index * 7 % len(self.others)]
            rest = [name for name in self.names if name != victim]
            at = time.monotonic()
            self.lab.kill(victim)
            known = self.watcher.wait(self.lengths.patience, f"{victim} to be dead",
                                      lambda: self.watcher.everybody(rest, [victim], "dead"))
            missed += known is None
            if known is not None:
                dead.append(self.watcher.firsts(at, victim, ("dead",), rest)[-1] - at)
                suspected.append(self.watcher.firsts(at, victim, ("suspect", "dead"), rest)[-1] - at)
            begun = self._start([victim])
            seen = self.watcher.wait(self.lengths.patience, f"{victim} to be back",
                                     lambda: self.watcher.everybody(rest, [victim], "alive"))
            if seen is not None:
                returned.append(seen - begun)
            self._settled()
        return {"suspected": suspected if self.agents.tells_suspicion else [], "dead": dead, "returned": returned,
                "missed": missed}

    def leaves(self) -> dict[str, Any]:
        """One node is asked to leave: until all others know that it left."""
        left, ended = [], []
        for index in range(self.lengths.leaves):
            victim = self.others[(index * 7 + 3) % len(self.others)]
            rest = [name for name in self.names if name != victim]
            at = time.monotonic()
            self.lab.signal(victim, self.agents.leave_signal)
            known = self.watcher.wait(self.lengths.patience, f"{victim} to have left",
                                      lambda: self.watcher.everybody(rest, [victim], "left"))
            if known is not None:
                left.append(self.watcher.firsts(at, victim, ("left",), rest)[-1] - at)
            while self.lab.running(victim) and time.monotonic() < at + self.lengths.patience:
                time.sleep(0.02)
            ended.append(time.monotonic() - at)
            self.lab.kill(victim)
            self._start([victim])
            self._settled()
        return {"left": left, "process_ended": ended}

    def loss(self) -> dict[str, Any]:
        """A quarter of all UDP is lost: how often a healthy node is taken for dead."""
        at = time.monotonic()
        self.lab.lose(0.25, udp=True)
        time.sleep(self.lengths.loss)
        self.lab.lose(0, udp=True)
        time.sleep(5)
        return {"seconds": self.lengths.loss, "false_deaths": self.watcher.count(at, "dead", self.names),
                "false_suspicions": self.watcher.count(at, "suspect", self.names) if self.agents.tells_suspicion else None}

    def partition(self) -> dict[str, Any]:
        """Two halves for a while: until each takes the other for dead, and after the end until all see all."""
        self._settled()
        half = len(self.names) // 2
        one, other = self.names[:half], self.names[half:]
        self.lab.partition([one, other], self.lengths.partition)
        at = time.monotonic()
        healed = at + self.lengths.partition

        def apart() -> bool:
            return self.watcher.everybody(one, other, "dead") and self.watcher.everybody(other, one, "dead")
        split = self.watcher.wait(self.lengths.partition, "the halves to be apart", apart)
        time.sleep(max(0.0, healed - time.monotonic()))
        whole = self._settled(3 * self.lengths.patience)
        return {"seconds": self.lengths.partition, "apart": None if split is None else split - at,
                "healed": None if whole is None else max(0.0, whole - healed)}

    def _start(self, names: list[str]) -> float:
        """All at the same time, which it returns."""
        for name in names:
            self.watcher.forget(name)
        self.lab.start(names, self.agents.command(self.lab.topology.nodes[self.seed].address))
        return time.monotonic()

    def _settled(self, seconds: float | None = None) -> float | None:
        return self.watcher.wait(seconds or self.lengths.patience, "all to see all",
                                 lambda: self.watcher.everybody(self.names, self.names, "alive"))

    def _processor_seconds(self) -> float:
        return sum(self.lab.processor_seconds(name) for name in self.names)
