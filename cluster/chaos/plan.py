# SPDX-License-Identifier: Apache-2.0
"""Which faults come when: drawn by seed, before anything runs."""

from __future__ import annotations

import dataclasses
import random

from lab import Topology

# Seconds of peace at the beginning, and at the end, in which everybody must recover.
BEGIN, CALM = 2.0, 15.0
# After a fault the same kind of nodes is left in peace for so long: what the design promises, it promises for one death
# at a time, and a new standby has the window after a few seconds.
PEACE = 10.0


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that is done at a time, and undone after `lasts`; all in seconds."""

    at: float
    kind: str
    targets: tuple[str, ...]
    lasts: float
    # A share for losses, seconds for clocks, bits a second for lines.
    amount: float = 0.0
    # Whether the publishers of the target go elsewhere.
    publishers_leave: bool = False

    def __str__(self) -> str:
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        leave = ", its publishers go elsewhere" if self.publishers_leave else ""
        return f"{self.at:7.1f} s  {WORDS[self.kind].format(*self.targets, amount=self.amount)}{lasts}{leave}"


WORDS = {
    "kill": "{0}: kill -9",
    "freeze": "{0}: SIGSTOP",
    "cut": "{0}: cut off from everybody",
    "isolate": "{0}: cut off from all other nodes",
    "deaf": "{0}: not heard by {1}",
    "clock": "{0}: its wall clock jumps by {amount:+.0f} s",
    "slow": "{0}: stopped four fifths of the time",
    "thin": "{0}: a line of {amount:.0f} bit/s",
    "partition": "{0} | {1}: parted",
    "lossy": "{0} to {1}: {amount:.0%} of all packets lost",
    "jitter": "{0} and {1}: 250 ms apart, give or take 50",
    "store": "{0}: Redis killed, and empty when it is back",
    "flush": "{0}: Redis flushed",
    "full": "{0}: the disk is full",
    "crammed": "{0} and {1}: both disks are full",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    seed: int
    seconds: float
    faults: tuple[Fault, ...]

    @classmethod
    def draw(cls, seed: int, seconds: float, topology: Topology, nodes: list[str], store: str | None) -> Plan:
        """`nodes` are those that run; equal arguments give equal plans, and a longer one begins as a shorter."""
        return cls(seed, seconds, tuple(Drawing(seed, topology, nodes, store).faults(seconds - CALM)))


class Drawing:
    """One fault after the other. Faults of the same group never overlap."""

    # How often of each group, and what there is in it.
    ORIGINS = {"kill": 4, "freeze": 3, "cut": 2, "isolate": 2, "deaf": 1, "clock": 2, "slow": 1}
    EDGES = {"kill": 3, "freeze": 2, "cut": 2, "slow": 1, "thin": 1, "clock": 1}
    OTHERS = {"kill": 2, "freeze": 1}
    LINKS = {"partition": 2, "lossy": 3, "jitter": 2}
    STORE = {"store": 2, "flush": 1}
    DISKS = {"full": 2, "crammed": 1}

    def __init__(self, seed: int, topology: Topology, nodes: list[str], store: str | None) -> None:
        self.chance = random.Random(seed)
        self.topology, self.store = topology, store
        by_role: dict[str, list[str]] = {"origin": [], "edge": [], "router": []}
        for name in nodes:
            node = topology.nodes[name]
            by_role[next(role for role in by_role if role in (node.roles or ["origin"]))].append(name)
        # (group, its share of faults, its kinds, its nodes)
        self.groups = [(f"{role} {region}", share, kinds, chosen)
                       for role, share, kinds in (("origin", 3, self.ORIGINS), ("edge", 2, self.EDGES),
                                                  ("router", 0.5, self.OTHERS))
                       for region in topology.regions
                       if len(chosen := [name for name in by_role[role] if topology.nodes[name].region == region]) > 1
                       or chosen and role == "router"]
        if len(topology.regions) > 1:
            self.groups.append(("links", 1, self.LINKS, nodes))
        if store:
            self.groups.append(("store", 1, self.STORE, [store]))
        if topology.disks:
            self.groups.append(("disks", 1, self.DISKS, list(topology.disks)))
        self.free_at = {group: BEGIN for group, *_ in self.groups}

    def faults(self, until: float):
        at = BEGIN
        while True:
            at += self.chance.uniform(1.5, 5)
            fault = self._next(at)
            if fault.at + fault.lasts > until:
                return
            yield fault

    def _next(self, at: float) -> Fault:
        """Of the groups that are at peace then; where none is, of the one that is first."""
        while not (free := [each for each in self.groups if self.free_at[each[0]] <= at]):
            at = min(self.free_at.values())
        group, _, kinds, nodes = self.chance.choices(free, [share for _, share, *_ in free])[0]
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
        fault = self._made(round(at, 1), kind, nodes)
        self.free_at[group] = at + fault.lasts + PEACE
        return fault

    def _made(self, at: float, kind: str, nodes: list[str]) -> Fault:
        chance = self.chance
        target, lasts, amount, leave = chance.choice(nodes), round(chance.uniform(1, 12), 1), 0.0, chance.random() < 0.5
        targets: tuple[str, ...] = (target,)
        if kind == "kill":
            leave = False
        if kind == "deaf":
            targets = target, chance.choice([name for name in nodes if name != target])
        elif kind == "lossy":
            one, other = chance.sample(list(self.topology.regions), 2)
            targets, amount = (one, other), round(chance.uniform(0.05, 0.5), 2)
        elif kind in ("partition", "jitter"):
            targets = tuple(self.topology.regions)
        elif kind == "clock":
            amount = chance.choice([-1, 1]) * round(chance.uniform(2, 300))
        elif kind == "thin":
            amount = 2e6
        elif kind == "store":
            lasts = round(chance.uniform(5, 40), 1)
        elif kind == "flush":
            lasts = 0.0
        elif kind in self.DISKS:
            targets, lasts = tuple(nodes if kind == "crammed" else nodes[:1]), round(chance.uniform(5, 20), 1)
        leaves = leave and kind in ("freeze", "cut", "isolate", "deaf", "slow") and self._serves(target)
        return Fault(at, kind, targets, lasts, amount, leaves)

    def _serves(self, node: str) -> bool:
        return "origin" in (self.topology.nodes[node].roles or ["origin"])
