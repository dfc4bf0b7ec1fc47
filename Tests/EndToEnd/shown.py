# SPDX-License-Identifier: Apache-2.0
"""What nodes show of one stream, held against each other: no number is of two terms, no name has two contents.

A segment that was open when a term began has its parts in the former, and is whole in the newer (decision 0020)."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import http.client
import re
import threading

from clusters import HTTP_PORT, address, get, listed
from lab import Lab

NAME = re.compile(r"/([0-9a-f]+-[0-9a-f]+)/(\d+)(?:\.(\d+))?\.m4s$")


class Shown:
    """Names and bytes of all nodes; `told` and `gave` may be called from any thread."""

    def __init__(self) -> None:
        # Of each media sequence number the terms under which its parts were listed, and it as a whole; and by whom.
        self.parts: dict[int, dict[str, set[str]]] = collections.defaultdict(lambda: collections.defaultdict(set))
        self.wholes: dict[int, dict[str, set[str]]] = collections.defaultdict(lambda: collections.defaultdict(set))
        # Of each name its digests, and who gave them.
        self.contents: dict[str, dict[str, set[str]]] = collections.defaultdict(lambda: collections.defaultdict(set))
        self._lock = threading.Lock()

    def told(self, node: str, names: list[str]) -> None:
        """Names that a playlist of a node lists."""
        with self._lock:
            for name in names:
                if found := NAME.search(name):
                    (self.parts if found[3] else self.wholes)[int(found[2])][found[1]].add(node)

    def gave(self, node: str, name: str, digest: str) -> None:
        with self._lock:
            self.contents[name][digest].add(node)

    @property
    def terms(self) -> set[str]:
        """All terms that were seen."""
        with self._lock:
            return {term for shown in (self.parts, self.wholes) for held in shown.values() for term in held}

    def names_of(self, node: str) -> int:
        """How many names a node gave."""
        with self._lock:
            return sum(any(node in nodes for nodes in digests.values()) for digests in self.contents.values())

    def contradictions(self) -> list[str]:
        with self._lock:
            twice = [f"number {number} is of {self.parts.get(number, {})} and {self.wholes.get(number, {})}"
                     for number in sorted({*self.parts, *self.wholes})
                     if not in_order(list(self.parts.get(number, {})), list(self.wholes.get(number, {})))]
            other = [f"{name} is {dict(digests)}" for name, digests in sorted(self.contents.items()) if len(digests) > 1]
        return twice + other


def in_order(parts: list[str], wholes: list[str]) -> bool:
    """Whether a number has parts in one term at most, and is whole in one at most, which is no older."""
    if len(parts) > 1 or len(wholes) > 1:
        return False
    return not parts or not wholes or age(parts[0]) <= age(wholes[0])


def age(term: str) -> tuple[int, int]:
    """What terms are ordered by."""
    count, _, node = term.partition("-")
    return int(count, 16), int(node, 16)


class Asking(threading.Thread):
    """Asks one node, at its own door, for a stream's playlist again and again, and for all that is new in it."""

    def __init__(self, lab: Lab, place: str, node: str, path: str, shown: Shown, every: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.lab, self.place, self.node, self.path, self.shown, self.every = lab, place, node, path, shown, every
        self.answers = 0
        self._taken: set[str] = set()
        self._ended = threading.Event()

    def __enter__(self) -> Asking:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(15)

    def run(self) -> None:
        with self.lab.inside(self.place):
            while not self._ended.is_set():
                connection = http.client.HTTPConnection(address(self.lab, self.node), HTTP_PORT, timeout=3)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    while not self._ended.is_set():
                        self._round(connection)
                        self._ended.wait(self.every)
                connection.close()
                self._ended.wait(self.every)

    def _round(self, connection: http.client.HTTPConnection) -> None:
        status, body = get(connection, self.path)
        if status != 200:
            return
        names = listed(body.decode(), self.path)
        self.shown.told(self.node, names)
        self.answers += 1
        for name in names:
            if name in self._taken or self._ended.is_set():
                continue
            status, body = get(connection, name)
            if status == 200:
                self._taken.add(name)
                self.shown.gave(self.node, name, hashlib.sha256(body).hexdigest())


def ask_again(lab: Lab, place: str, nodes: list[str], names: list[str], shown: Shown) -> dict[str, int]:
    """Asks every node for every name, whether it ever listed it or not; how many each of them gave."""
    given = dict.fromkeys(nodes, 0)
    with lab.inside(place):
        for node in nodes:
            connection = http.client.HTTPConnection(address(lab, node), HTTP_PORT, timeout=5)
            for name in names:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    status, body = get(connection, name)
                    if status == 200:
                        given[node] += 1
                        shown.gave(node, name, hashlib.sha256(body).hexdigest())
                    continue
                connection.close()
            connection.close()
    return given
