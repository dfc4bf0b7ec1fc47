# SPDX-License-Identifier: Apache-2.0
"""Asks every node, once a second, what it believes of terms, what it counted, and how much memory it has."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable

from lab import Lab
from lab.lab import HTTP_PORT

# Must stay 0 on every node.
NEVER = ("millrace_segment_mismatch_total", "millrace_relay_foreign_packaging_total",
         "millrace_recording_mismatches_total")
COUNTED = ("millrace_stale_terms_refused_total", "millrace_segment_checks_total", "millrace_terms_total",
           "millrace_redis_fences_total", *NEVER)
# Growth that is no leak: pages that the allocator keeps, and a third more of streams and viewers after a death.
GROWTH, GROWTH_BYTES = 1.3, 48 << 20


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
        self.memory: dict[str, list[tuple[float, int, int]]] = collections.defaultdict(list)
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

    def grown(self, begun: float, ended: float) -> list[str]:
        """Kinds of nodes whose memory in the last third of the time is above that of the second."""
        third = (ended - begun) / 3
        found = []
        by_role: dict[str, tuple[list[int], list[int]]] = collections.defaultdict(lambda: ([], []))
        for name, samples in self.memory.items():
            node = self.lab.topology.nodes[name]
            role = ",".join(node.roles) or "all roles"
            # A process is as large as it will be when the window has been full twice.
            first = {}
            for at, pid, size in samples:
                if at - first.setdefault(pid, at) > 60 and at > begun + third:
                    by_role[role][at > begun + 2 * third].append(size)
        for role, (before, after) in by_role.items():
            if before and after:
                one, other = statistics.median(before), statistics.median(after)
                if other > one * GROWTH and other > one + GROWTH_BYTES:
                    found.append(f"{role}: {one / 2**20:.0f} MiB, later {other / 2**20:.0f} MiB")
        return found

    def _ask(self, name: str) -> None:
        process = self.lab.process(name)
        if not process or not process.alive:
            return
        self.memory[name].append((time.monotonic(), process.pid, self.lab.memory(name)))
        with self.lab.inside(name):
            connection = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=0.7)
            try:
                streams = json.loads(self._get(connection, "/api/v1/cluster/streams"))["streams"]
                metrics = self._get(connection, "/metrics").decode()
            finally:
                connection.close()
        self.holders[name] = {stream["id"].rpartition("/")[2]: (stream["gateway"] or "", stream["standby"] or "")
                              for stream in streams}
        for stream in streams:
            self.check(name, process.pid, stream)
        for line in metrics.splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.partition("{")[0] in COUNTED:
                self._note(name, process.pid, sample, float(value))

    def _get(self, connection: http.client.HTTPConnection, path: str) -> bytes:
        connection.request("GET", path)
        return connection.getresponse().read()

    def _note(self, name: str, pid: int, sample: str, value: float) -> None:
        if sample.partition("{")[0] in NEVER and value > self._counts.get((name, pid, sample), 0):
            self.problem("a counter that must stay 0", f"{name}: {sample} {value:g}")
        self._counts[name, pid, sample] = value
