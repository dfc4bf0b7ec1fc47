# SPDX-License-Identifier: Apache-2.0
"""A lab under load and under eyes: encoders, viewers that check, an overseer; whatever is done to it meanwhile."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from lab import Lab
from lab.lab import HTTP_PORT, wait_until

from .causes import Causes, Leap
from .encoders import Encoder, encoders
from .faults import Faults
from .memory import LONG, Growth, growths
from .overseer import Overseer
from .plan import Plan
from .questions import Questions
from .recorded import DISK, SPILL, Recorded, waiting
from .stands import Stand, worst

# A stand longer than this is no recovery; the longest fault, a publisher's return and three target durations.
LONGEST_STAND = 45.0
# At the end everybody has had something new within this time.
FRESH = 6.0
# And the store has what they had, within this one: longer than an uploader waits for anything.
STORED = 30.0


@dataclasses.dataclass
class Outcome:
    problems: list[tuple[float, str, str]] = dataclasses.field(default_factory=list)
    stands: list[Stand] = dataclasses.field(default_factory=list)
    # Of every name its digest, who gave it, and when it was first given.
    names: dict[str, tuple[str, set[str], float]] = dataclasses.field(default_factory=dict)
    # Of every stream, of every number, what it was listed as; "" is a gap.
    numbers: dict[str, dict[int, set[str]]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(lambda: collections.defaultdict(set)))
    # And when somebody was first shown the whole segment of a number, or that it is a gap.
    shown: dict[str, dict[int, float]] = dataclasses.field(default_factory=lambda: collections.defaultdict(dict))
    leaps: list[Leap] = dataclasses.field(default_factory=list)
    viewers: list[dict] = dataclasses.field(default_factory=list)
    # Of every node how many names it gave when it was asked at the end.
    asked: dict[str, int] = dataclasses.field(default_factory=dict)
    # Every process that lived long.
    growths: list[Growth] = dataclasses.field(default_factory=list)
    # How many of the names are in the store, and how many numbers it lists as gaps.
    stored: int = 0
    stored_gaps: int = 0
    # Of what kinds of faults those gaps came.
    gap_causes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    seconds: float = 0.0

    @property
    def different(self) -> int:
        return sum(what == "one name, two contents" for _, what, _ in self.problems)

    @property
    def gaps(self) -> int:
        return sum(names == {""} for numbers in self.numbers.values() for names in numbers.values())

    @property
    def twofold(self) -> int:
        """Numbers that were shown under two names: by both sides of a cut, of which one lost them."""
        return sum(len(names - {""}) > 1 for numbers in self.numbers.values() for names in numbers.values())

    def total(self, what: str) -> int:
        return sum(viewer[what] for viewer in self.viewers)


class Exercise:
    """`with Exercise(lab, streams=20, viewers=200, seed=1) as exercise:` begins with everybody playing; `end()` says
    what they saw. The lab must have been made with `start=False`; it starts `nodes`, of those with a process all."""

    def __init__(self, lab: Lab, streams: int, viewers: int, seed: int, nodes: list[str] | None = None,
                 store: str | None = None, encoder: type[Encoder] | Sequence[type[Encoder]] = Encoder, clip: str = "small",
                 stand: float = 0.8, look_every: float = 1) -> None:
        self.lab, self.seed, self.store, self.encoder, self.clip, self.stand = lab, seed, store, encoder, clip, stand
        topology = lab.topology
        self.nodes = nodes or [name for name, node in topology.nodes.items() if node.command and name != store]
        self.counts = streams, viewers
        self.outcome = Outcome()
        self.faults = Faults(lab, self.nodes, self._process_begins)
        self.overseer = Overseer(lab, self.nodes, self._problem)
        self.recorded = Recorded(lab.disk(DISK), self._problem, look_every) if DISK in topology.disks else None
        self.encoders: list[Encoder] = []
        self.swarms: list[subprocess.Popen] = []
        self.playing: dict[str, int] = {}
        self._lock = threading.Lock()
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Exercise:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, failure: object = None, *_: object) -> None:
        for encoder in self.encoders:
            encoder.end()
        for swarm in self.swarms:
            swarm.kill()
            swarm.wait()
        self.overseer.end()
        if self.recorded:
            self.recorded.end()

    def wait_playing(self, seconds: float) -> None:
        """Until everybody got something new within the last three seconds."""
        def all_play() -> bool:
            self._alive()
            return sum(self.playing.values()) == self.counts[1]
        try:
            wait_until(all_play, seconds, f"{self.counts[1]} viewers to play", every=0.2)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; {self.playing} do") from failure

    def run(self, plan: Plan, say=print) -> None:
        """Does what a plan says, then heals everything and leaves it in peace."""
        begun = time.monotonic()
        steps = sorted([(fault.at, 0, fault) for fault in plan.faults]
                       + [(fault.at + fault.lasts, 1, fault) for fault in plan.faults], key=lambda step: step[:2])
        for at, undo, fault in steps:
            self._sleep(begun + at - time.monotonic())
            if undo:
                self.faults.end(fault)
                continue
            say(str(fault))
            self.faults.begin(fault)
            if fault.publishers_leave:
                threading.Timer(1.5, self.leave, [fault.targets[0]]).start()
        self.lab.heal()
        self._sleep(begun + plan.seconds - time.monotonic())

    def kill(self, *nodes: str, silently: bool = False) -> float:
        """kill -9; when it was. Silently, as a machine that loses its power: nobody is told that its connections are no
        more."""
        at = time.monotonic()
        if silently:
            self.lab.cut(list(nodes))
        self.faults.kill(list(nodes))
        return at

    def start(self, node: str) -> None:
        """Starts a node anew, and waits until it is ready."""
        self.lab.heal(node)
        self.faults.start([node])
        self.lab.wait_ready([node])

    def worst(self, begun: float, ended: float) -> dict[str, Stand]:
        """Of each viewer the longest stand that was over in a time."""
        return worst(self.outcome.stands, begun, ended)

    def leave(self, origin: str) -> None:
        """The publishers of an origin go to the next one."""
        for encoder in self.encoders:
            if encoder.origin == origin:
                encoder.leave()

    def end(self) -> Outcome:
        """Ends all of it, and asks the last questions."""
        for swarm in self.swarms:
            swarm.stdin.close()
        for reader in self._readers:
            reader.join(20)
        outcome = self.outcome
        outcome.seconds = time.monotonic() - self.begun
        for viewer in outcome.viewers:
            if viewer["age"] > FRESH:
                self._problem("a viewer that did not recover", f"{viewer['viewer']} has had nothing of {viewer['stream']} "
                              f"for {viewer['age']:.1f} s, last from {viewer['node']}, up to {viewer['newest']}")
        if len(outcome.viewers) != self.counts[1]:
            self._problem("a swarm that died", f"{len(outcome.viewers)} of {self.counts[1]} viewers came to the end")
        for stand in outcome.stands:
            if stand.seconds > LONGEST_STAND:
                self._problem("a viewer that stood too long", f"{stand}")
        for stream, numbers in outcome.numbers.items():
            missing = set(range(min(numbers), max(numbers))) - numbers.keys()
            if missing:
                self._problem("numbers that nobody was shown", f"{stream}: {sorted(missing)[:20]}")
        for node in self.nodes:
            if not self.lab.running(node):
                self._problem("a node that died", node)
        self._look_at_memory()
        outcome.asked = self._ask_everybody()
        self._read_store()
        self._look_for_causes()
        return outcome

    def _look_at_memory(self) -> None:
        self.outcome.growths = growths(self.overseer.memory)
        for growth in self.outcome.growths:
            if growth.is_too_much:
                self._problem("memory that grows", str(growth))
        # Of so many faults always some spare somebody.
        if self.outcome.seconds > 3 * LONG and not self.outcome.growths:
            self._problem("memory that nobody could judge", f"no process lived for {LONG:.0f} s")

    def _ask_everybody(self) -> dict[str, int]:
        """All that runs, while publishers publish: whoever has a name has what the others had, and edges have what they
        list."""
        running = [name for name in self.nodes if self.lab.running(name)]
        with self._lock:
            names = sorted(self.outcome.names, key=lambda name: self.outcome.names[name][2])
        questions = Questions(self.lab, running, [each.stream for each in self.encoders], names, self.seed, self._name,
                              self._problem)
        return questions.ask()

    def _look_for_causes(self) -> None:
        """Of every leap, and of every gap in the store, whether anything was done from which it may have come."""
        outcome = self.outcome
        causes = Causes(self.lab.topology, self.faults.done, self.overseer.held, self.overseer.parents)
        for leap in outcome.leaps:
            if not causes.of_leap(leap):
                outcome.problems.append((leap.at, "a leap that nothing explains", f"{leap}"))
        for stream, numbers in (self.recorded.gap_numbers() if self.recorded else {}).items():
            for number in sorted(numbers):
                cause, at = self._cause_of_gap(causes, stream, number)
                outcome.gap_causes[cause or "nothing"] += 1
                if not cause:
                    outcome.problems.append((at, "a gap in the store that nothing explains", f"{stream}: {number}"))

    def _cause_of_gap(self, causes: Causes, stream: str, number: int) -> tuple[str, float]:
        """And when viewers were shown the segment, or the one that was nearest."""
        shown = self.outcome.shown[stream]
        at = shown[min(shown, key=lambda other: abs(other - number))] if shown else self.begun
        cause = causes.of_gap(stream, at)
        if cause and self.outcome.numbers[stream].get(number) == {""}:
            cause += ", for viewers as well"
        return cause, at

    def wait_stored(self, seconds: float) -> None:
        """Until the store lists all that viewers were shown by now."""
        with self._lock:
            shown = {stream: max(numbers) for stream, numbers in self.outcome.numbers.items()}
        def behind() -> dict[str, int]:
            stored = {stream: max(numbers) for stream, numbers in self.recorded.numbers().items() if numbers}
            return {stream: lacks for stream, number in shown.items() if (lacks := number - stored.get(stream, 0)) > 0}
        try:
            wait_until(lambda: not behind(), seconds, "the store to have what viewers had", every=0.5)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is behind by {behind()}") from failure

    def _read_store(self) -> None:
        if not self.recorded:
            return
        try:
            self.wait_stored(STORED)
        except AssertionError as failure:
            self._problem("a store that stays behind", str(failure))
        try:
            wait_until(lambda: not waiting(self.lab.disk(SPILL)), FRESH, "what waited for the store to be gone")
        except AssertionError as failure:
            self._problem("what waits for nothing", f"{failure}; there are {waiting(self.lab.disk(SPILL))[:10]}")
        self.recorded.end()
        self.recorded.look()
        stored = self.recorded.numbers()
        for stream, numbers in self.outcome.numbers.items():
            if missing := numbers.keys() - stored[stream]:
                self._problem("numbers that the store does not list", f"{stream}: {sorted(missing)[:20]}")
        self.outcome.stored = self.recorded.compare({name: digest for name, (digest, *_) in self.outcome.names.items()})
        self.outcome.stored_gaps = self.recorded.gaps

    def _begin(self) -> None:
        """Until everybody plays."""
        if self.store:
            self.lab.start([self.store])
        self.faults.start(self.nodes)
        self.lab.wait_ready(self.nodes, 60)
        self.begun = time.monotonic()
        regions = list(self.lab.topology.regions)
        self.encoders = encoders(self.lab, {region: (self._place(region, "p"), origins) for region in regions
                                            if (origins := self._of_role("origin", region))},
                                 self.counts[0], self.encoder, self.clip)
        for encoder in self.encoders:
            encoder.start()
        self.overseer.start()
        if self.recorded:
            self.recorded.start()
        wait_until(lambda: all(encoder.began for encoder in self.encoders), 30, "all encoders to be accepted")
        for number, region in enumerate(regions):
            viewers = self.counts[1] // len(regions) + (number < self.counts[1] % len(regions))
            if viewers:
                self._watch(region, viewers)
        self.wait_playing(60)

    def _watch(self, region: str, viewers: int) -> None:
        place = self._place(region, "v")
        routers = self._of_role("router", region) + [name for other in self.lab.topology.regions if other != region
                                                     for name in self._of_role("router", other)]
        address = {name: self.lab.topology.nodes[name].address for name in self.nodes}
        task = {"place": place, "viewers": viewers, "seed": self.seed, "stand": self.stand, "port": HTTP_PORT,
                "streams": [each.stream for each in self.encoders],
                "routers": [f"{address[name]}:{HTTP_PORT}" for name in routers],
                "nodes": {address[name]: name for name in self.nodes}}
        folder = pathlib.Path(__file__).resolve().parents[1]
        swarm = self.lab.popen(place, [sys.executable, "-m", "chaos.swarm"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, bufsize=1,
                               env=os.environ | {"PYTHONPATH": str(folder)})
        swarm.stdin.write(json.dumps(task) + "\n")
        self.swarms.append(swarm)
        reader = threading.Thread(target=self._read, args=(place, swarm), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _read(self, place: str, swarm: subprocess.Popen) -> None:
        for line in swarm.stdout:
            kind, *values = json.loads(line)
            match kind:
                case "playing":
                    self.playing[place], = values
                case "name":
                    self._name(*values)
                case "listed":
                    stream, number, name, at = values
                    with self._lock:
                        self.outcome.numbers[stream][number].add(name)
                        self.outcome.shown[stream][number] = min(at, self.outcome.shown[stream].get(number, at))
                case "leap":
                    self.outcome.leaps.append(Leap(*values))
                case "stand":
                    self.outcome.stands.append(Stand(*values))
                case "problem":
                    self.outcome.problems.append(tuple(values))
                case "end":
                    self.outcome.viewers.append(values[0])

    def _name(self, name: str, digest: str, node: str) -> None:
        with self._lock:
            known, nodes, _ = self.outcome.names.setdefault(name, (digest, set(), time.monotonic()))
            nodes.add(node)
        if known != digest:
            self._problem("one name, two contents", f"{name} is {digest} at {node} and {known} at {sorted(nodes)}")

    def _problem(self, what: str, detail: str) -> None:
        self.outcome.problems.append((time.monotonic(), what, detail))

    def _sleep(self, seconds: float) -> None:
        """Until then, as long as everything of ours lives."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 1))
            self._alive()

    def _alive(self) -> None:
        for swarm in self.swarms:
            if swarm.poll() is not None:
                raise AssertionError(f"a swarm ended with {swarm.returncode}")

    def _process_begins(self, node: str) -> None:
        """Viewers forget what the process before showed them: nothing more comes of it, and nothing of the new one yet."""
        for swarm in self.swarms:
            swarm.stdin.write(json.dumps(["begins", node]) + "\n")
            swarm.stdin.flush()

    def _of_role(self, role: str, region: str) -> list[str]:
        nodes = self.lab.topology.nodes
        return [name for name in self.nodes if nodes[name].region == region
                and role in (nodes[name].roles or ["origin", "edge", "router"])]

    def _place(self, region: str, kind: str) -> str:
        """Where people of a region are: of those without a process the one called so, or any."""
        bare = [name for name, node in self.lab.topology.nodes.items() if not node.command and node.region == region]
        return next((name for name in bare if name in (kind, f"{region}-{kind}")), bare[0])
