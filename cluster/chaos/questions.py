# SPDX-License-Identifier: Apache-2.0
"""Asks every node for what it has of streams: whoever gives a name gives the bytes that all others gave."""

from __future__ import annotations

import collections
import contextlib
import http.client
import random
import threading
import time
from collections.abc import Callable

from lab import Lab
from lab.lab import HTTP_PORT

from .listing import Listing, Unreadable, understood
from .swarm import MISSING_AFTER, MISSING_TIMES, digest_of

# So many of the names that were ever given are asked for again, half of them of the last few thousand.
SAMPLE, LATE = 200, 2000
# Who has no answer yet, 0 or 503, is asked so often, with so many seconds between.
ATTEMPTS, PAUSE = 3, 0.5
# An edge that had nothing of a stream has it by then.
PATIENCE = 20.0


class Questions:
    """`told` hears of everything that a node gave: name, digest, node; `problem` of what was wrong.

    A node with edges' door gives all that its own newest playlist of each stream lists. All nodes are asked for a sample of
    what was given before: whoever has a name no more says so, and a node without that door, as an origin, sends on to an
    edge. Any other answer is a problem, and so is a node that gives nothing at all and sends on none. What origins
    wrote is held against the store."""

    def __init__(self, lab: Lab, nodes: list[str], streams: list[str], names: list[str], seed: int,
                 told: Callable[[str, str, str], None], problem: Callable[[str, str], None]) -> None:
        self.lab, self.nodes, self.streams, self.told, self.problem = lab, nodes, streams, told, problem
        chance = random.Random(seed)
        late = names[-LATE:]
        self.sample = [*chance.sample(late, min(SAMPLE // 2, len(late))),
                       *chance.sample(names, min(SAMPLE // 2, len(names)))]
        # How many names each node gave.
        self.given = dict.fromkeys(nodes, 0)
        # With which status each node answered for the names of the sample, and how often.
        self.answers: dict[str, collections.Counter[int]] = {name: collections.Counter() for name in nodes}

    def ask(self) -> dict[str, int]:
        """All nodes at once; how many names each of them gave."""
        asking = [threading.Thread(target=self._ask, args=(name,), daemon=True) for name in self.nodes]
        for thread in asking:
            thread.start()
        for name, thread in zip(self.nodes, asking, strict=True):
            thread.join(300)
            if thread.is_alive():
                self.problem("a node that does not come to an end with its answers", name)
        return self.given

    def _ask(self, node: str) -> None:
        with self.lab.inside(node):
            door = Door()
            try:
                if "edge" in (self.lab.topology.nodes[node].roles or ["edge"]):
                    for stream in self.streams:
                        self._newest(node, stream, door)
                for name in self.sample:
                    self.answers[node][self._again(node, name, door)] += 1
            finally:
                door.close()
        self._judge(node)

    def _judge(self, node: str) -> None:
        answers = self.answers[node]
        sent_on = {status for status in answers if 300 <= status < 400}
        if strange := {status: count for status, count in answers.items() if status not in {200, 404} | sent_on}:
            self.problem("a node that neither has a name nor has it no more", f"{node}: {strange} of {answers.total()}")
        elif answers and not sent_on and not self.given[node]:
            self.problem("a node that knows no name", f"{node}, of {answers.total()}")

    def _again(self, node: str, name: str, door: Door) -> int:
        """The status for a name that somebody gave before."""
        status = self._take(node, name, door)
        for _ in range(ATTEMPTS - 1):
            if status not in (0, 503):
                break
            time.sleep(PAUSE)
            status = self._take(node, name, door)
        return status

    def _newest(self, node: str, stream: str, door: Door) -> None:
        """The whole window of a stream."""
        folder = f"/live/{stream}/main"
        listing = self._listing(f"{folder}/media.m3u8", door, PATIENCE)
        if listing is None:
            return self.problem("a node that does not give a stream", f"{stream} at {node}, in {PATIENCE:.0f} s")
        for name in listing.names:
            begun, times = time.monotonic(), 1
            while (status := self._take(node, f"{folder}/{name}", door)) != 200:
                time.sleep(MISSING_AFTER / MISSING_TIMES)
                times += 1
                now = self._listing(f"{folder}/media.m3u8", door, MISSING_AFTER)
                if now is not None and name not in now.names:
                    break
                if times > MISSING_TIMES and time.monotonic() - begun > MISSING_AFTER:
                    break
            if status != 200 and (now is None or name in now.names):
                self.problem("listed and not given", f"{folder}/{name} at {node}, asked at the end")

    def _listing(self, path: str, door: Door, seconds: float) -> Listing | None:
        end = time.monotonic() + seconds
        while True:
            status, body = door.get(path)
            with contextlib.suppress(Unreadable, ValueError, TypeError):
                if status == 200:
                    return understood(body)
            if time.monotonic() > end:
                return None
            time.sleep(0.3)

    def _take(self, node: str, name: str, door: Door) -> int:
        status, body = door.get(name)
        if status == 200:
            self.given[node] += 1
            self.told(name, digest_of(body), node)
        return status


class Door:
    """A node's HTTP within its own network, over one connection as long as it holds."""

    def __init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=10)

    def get(self, path: str) -> tuple[int, bytes]:
        """0 where there is no answer."""
        try:
            self.connection.request("GET", path)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0, b""

    def close(self) -> None:
        self.connection.close()
