# SPDX-License-Identifier: Apache-2.0
"""Asks every node, once a second, what it believes of terms, what it counted, and how much memory it has; and routers who
takes streams from whom."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable

from lab import Lab
from lab.lab import HTTP_PORT

from .memory import Sample

# Must stay 0 on every node.
NEVER = ("millrace_segment_mismatch_total", "millrace_relay_foreign_packaging_total",
         "millrace_recording_mismatches_total")
COUNTED = ("millrace_stale_terms_refused_total", "millrace_segment_checks_total", "millrace_terms_total",
           "millrace_redis_fences_total", *NEVER)
# What a node holds a window of: streams that it is the gateway of, and those that it takes from others.
WINDOWS = ("millrace_streams", "millrace_relay_upstreams")
# Of so many streams a round it is asked who takes them from whom.
TREES = 4


class Overseer(threading.Thread):
    def __init__(self, lab: Lab, nodes: list[str], problem: Callable[[str, str], None]) -> None:
        super().__init__(daemon=True)
        self.lab, self.nodes, self.problem = lab, nodes, problem
        # What each node believes: of each stream the gateway and the standby.
        self.holders: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in nodes}
        # Who bore a term, and the highest that a process named.
        self._writers: dict[tuple[str, str], str] = {}
        self._highest: dict[tuple[str, int, str], tuple[int, int]] = {}
        # (process, counter) → value, so that what a killed process counted stays.
        self._counts: dict[tuple[str, int, str], float] = {}
        # Of each process, by node and number.
        self.memory: dict[tuple[str, int], list[Sample]] = collections.defaultdict(list)
        # Of each stream since when which nodes were called its gateway or standby by anybody.
        self.held: dict[str, list[tuple[float, frozenset[str]]]] = collections.defaultdict(list)
        # Of (stream, node) from when to when it was seen to take the stream from whom.
        self.parents: dict[tuple[str, str], list[list]] = collections.defaultdict(list)
        self._turn = 0
        self._ended = threading.Event()

    def end(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(20)

    def count(self, family: str) -> float:
        """Of all processes that ever were."""
        return sum(value for (*_, sample), value in self._counts.items() if sample.partition("{")[0] == family)

    def believed(self, stream: str) -> tuple[str, str]:
        """Gateway and standby of a stream, as most nodes believe that answered last."""
        beliefs = [streams[stream] for streams in self.holders.values() if stream in streams]
        return collections.Counter(beliefs).most_common(1)[0][0] if beliefs else ("", "")

    def run(self) -> None:
        while not self._ended.is_set():
            begun = time.monotonic()
            for name in self.nodes:
                # Of a node that does not answer nothing is believed.
                self.holders[name] = {}
                with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                    self._ask(name)
            self._remember(time.monotonic())
            for router in self._routers():
                with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                    self._look_at_trees(router)
            self._turn += TREES
            self._ended.wait(max(0.1, 1 - (time.monotonic() - begun)))

    def check(self, name: str, pid: int, stream: dict) -> None:
        """One writer a term, and no process believes less than before."""
        what, term = stream["id"], stream["term"]
        if not term or not stream["gateway"]:
            return
        writer = self._writers.setdefault((what, term), stream["gateway"])
        if writer != stream["gateway"]:
            self.problem("two writers of one term", f"{what} {term}: {writer}, and {stream['gateway']} says {name}")
        value = tuple(int(half, 16) for half in term.split("-"))
        before = self._highest.get((name, pid, what), value)
        if value < before:
            self.problem("a term that fell", f"{what} at {name}: {before[0]:x}-{before[1]:x}, then {term}")
        self._highest[name, pid, what] = max(value, before)

    def _remember(self, now: float) -> None:
        """Who is said to hold each stream, where it is not who was."""
        for stream in {stream for streams in self.holders.values() for stream in streams}:
            named = frozenset(name for streams in self.holders.values() for name in streams.get(stream, ()) if name)
            if not self.held[stream] or self.held[stream][-1][1] != named:
                self.held[stream].append((now, named))

    def _routers(self) -> list[str]:
        return [name for name in self.nodes if "router" in (self.lab.topology.nodes[name].roles or ["router"])]

    def _look_at_trees(self, router: str) -> None:
        """Of some streams, others each time, who takes them from whom as far as this router was told."""
        streams = sorted(self.held)
        process = self.lab.process(router)
        if not streams or not process or not process.alive:
            return
        with self._connected(router) as connection:
            for index in range(min(TREES, len(streams))):
                stream = streams[(self._turn + index) % len(streams)]
                answer = json.loads(self._get(connection, f"/api/v1/cluster/streams/live%2F{stream}"))
                for branch in answer.get("tree", []):
                    if branch["parent"]:
                        self._takes(stream, branch["node"], branch["parent"])

    def _takes(self, stream: str, node: str, parent: str) -> None:
        seen, now = self.parents[stream, node], time.monotonic()
        if seen and seen[-1][2] == parent:
            seen[-1][1] = now
        else:
            seen.append([now, now, parent])

    def _ask(self, name: str) -> None:
        process = self.lab.process(name)
        if not process or not process.alive:
            return
        with self._connected(name) as connection:
            streams = json.loads(self._get(connection, "/api/v1/cluster/streams"))["streams"]
            metrics = self._get(connection, "/metrics").decode()
        self.holders[name] = {stream["id"].rpartition("/")[2]: (stream["gateway"] or "", stream["standby"] or "")
                              for stream in streams}
        for stream in streams:
            self.check(name, process.pid, stream)
        windows = 0
        for line in metrics.splitlines():
            sample, _, value = line.rpartition(" ")
            family = sample.partition("{")[0]
            if family in COUNTED:
                self._note(name, process.pid, sample, float(value))
            windows += int(float(value)) if family in WINDOWS else 0
        self.memory[name, process.pid].append(Sample(time.monotonic(), self.lab.memory(name), windows))

    @contextlib.contextmanager
    def _connected(self, name: str):
        """To a node, within its network; one that stands still is given up soon."""
        with self.lab.inside(name):
            connection = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=0.7)
            try:
                yield connection
            finally:
                connection.close()

    def _get(self, connection: http.client.HTTPConnection, path: str) -> bytes:
        connection.request("GET", path)
        return connection.getresponse().read()

    def _note(self, name: str, pid: int, sample: str, value: float) -> None:
        if sample.partition("{")[0] in NEVER and value > self._counts.get((name, pid, sample), 0):
            self.problem("a counter that must stay 0", f"{name}: {sample} {value:g}")
        self._counts[name, pid, sample] = value
