# SPDX-License-Identifier: Apache-2.0
"""Many viewers of a place in one process. Each asks a router, plays from an edge by blocking requests, takes all that
is listed, and goes to the second edge, or back to a router, when one fails it. What they see goes to standard output as
lines of JSON; lines of JSON on standard input say what was done to nodes. It ends with its input."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import hashlib
import itertools
import json
import random
import re
import sys
import time

from .listing import Listing, Unreadable, understood

# Longer than an edge may hold a blocking request: three target durations of two seconds.
PATIENCE = 9.0
# Two viewers may be told of the same so long after one another, on lines and machines that are full.
IN_FLIGHT = 1.0
# What is listed and not given for so long, and asked for so often, is missing.
MISSING_AFTER, MISSING_TIMES = 3.0, 3


class Lost(Exception):
    """A node that gives no answer, or not the one that a player can use."""


class Swarm:
    """`task`: routers (by address, best first), streams, viewers, seed, nodes (names by address), the port of all edges,
    and the time without anything new, in seconds, that is told as a stand."""

    def __init__(self, task: dict) -> None:
        self.routers: list[str] = task["routers"]
        self.nodes: dict[str, str] = task["nodes"]
        self.port: int = task["port"]
        self.place: str = task["place"]
        self.stand: float = task["stand"]
        # Digest, and the nodes that gave it, of every name.
        self.contents: dict[str, tuple[str, set[str]]] = {}
        self.listed: set[tuple[str, int, str]] = set()
        self.told: list[list] = []
        # What every node told of every stream lately, and when the first viewer had it.
        self.shown: dict[tuple[str, str], collections.deque[tuple[float, Listing]]] = collections.defaultdict(
            lambda: collections.deque(maxlen=100))
        chance = random.Random(f"{task['seed']} {self.place}")
        streams = task["streams"]
        self.viewers = [Viewer(self, f"{self.place}-{number}", streams[number % len(streams)],
                               random.Random(chance.random())) for number in range(task["viewers"])]

    async def run(self) -> None:
        tasks = [asyncio.create_task(viewer.run()) for viewer in self.viewers]
        tasks += [asyncio.create_task(self._report()), asyncio.create_task(self._ask_again())]
        await self._obey()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for viewer in self.viewers:
            viewer.rest()
            self.tell("end", dataclasses.asdict(viewer.count) | {
                "viewer": viewer.name, "stream": viewer.stream, "node": viewer.node,
                "age": time.monotonic() - viewer.news_at, "newest": list(viewer.newest)})
        self._flush()

    def tell(self, kind: str, *values: object) -> None:
        self.told.append([kind, *values])

    def problem(self, viewer: Viewer, what: str, detail: str) -> None:
        viewer.count.problems += 1
        if viewer.count.problems <= 20:
            self.tell("problem", time.monotonic(), what, f"{viewer.stream} at {viewer.node} for {viewer.name}: {detail}")

    def saw(self, viewer: Viewer, listing: Listing) -> None:
        """Numbers that somebody was shown, for the question whether one was skipped."""
        shown = self.shown[viewer.node, viewer.stream]
        if not any(listing is each for _, each in shown):
            shown.append((time.monotonic(), listing))
        for number, name in listing.segments:
            if (viewer.stream, number, name) not in self.listed:
                self.listed.add((viewer.stream, number, name))
                self.tell("listed", viewer.stream, number, name, time.monotonic())

    def has_shown_more(self, viewer: Viewer, before: Listing, since: float) -> bool:
        """Whether the viewer's node told somebody else, a while ago but after `since`, of what comes next to `before`."""
        until = time.monotonic() - IN_FLIGHT
        return any(since < at < until and listing.first <= before.open and listing.newest > before.newest
                   for at, listing in self.shown[viewer.node, viewer.stream])

    def took(self, viewer: Viewer, name: str, body: bytes) -> None:
        digest = digest_of(body)
        known, nodes = self.contents.setdefault(name, (digest, set()))
        if known != digest:
            self.problem(viewer, "one name, two contents", f"{name} is {digest} and was {known} at {sorted(nodes)}")
        if viewer.node not in nodes:
            nodes.add(viewer.node)
            self.tell("name", name, digest, viewer.node)

    async def _ask_again(self) -> None:
        """Names of the last minutes, by chance, from any edge, whether it was asked for them before or not: who still has
        one gives the same bytes."""
        chance = random.Random(self.place)
        asks = Viewer(self, f"{self.place}-again", "", chance)
        edges: set[str] = set()
        while True:
            await asyncio.sleep(0.2)
            edges |= {viewer.address for viewer in self.viewers if viewer.address}
            if not self.contents:
                continue
            name = chance.choice(list(itertools.islice(reversed(self.contents), 2000)))
            address = chance.choice(sorted(edges))
            asks.node, asks.stream = self.nodes.get(address, address), name.split("/")[2]
            with contextlib.suppress(Lost):
                async with Connection(address, self.port) as connection:
                    status, body = await connection.get(name, 3)
                if status == 200:
                    self.took(asks, name, body)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            now = time.monotonic()
            self.tell("playing", sum(viewer.count.news > 1 and now - viewer.news_at < 3 for viewer in self.viewers))
            self._flush()

    def _flush(self) -> None:
        told, self.told = self.told, []
        sys.stdout.write("".join(json.dumps(line) + "\n" for line in told))
        sys.stdout.flush()

    async def _obey(self) -> None:
        """Until the input ends."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            word, node = json.loads(line)
            if word == "begins":
                # Whoever comes under this name has another memory than who had it before.
                for viewer in self.viewers:
                    viewer.seen.pop(node, None)


@dataclasses.dataclass
class Count:
    answers: int = 0
    bytes: int = 0
    news: int = 0
    lost: int = 0
    # Playlists of another node that were behind what this viewer had.
    behind: int = 0
    # Requests for what was listed that were not answered with it; asked again, it was given or is a problem.
    refused: int = 0
    discontinuities: int = 0
    # To a playlist that begins behind the end of what the viewer had: he, or the node, was away for longer than it lasts.
    leaps: int = 0
    problems: int = 0


class Viewer:
    def __init__(self, swarm: Swarm, name: str, stream: str, chance: random.Random) -> None:
        self.swarm, self.name, self.stream, self.chance = swarm, name, stream, chance
        self.node = self.address = ""
        self.count = Count()
        self.newest, self.news_at, self.news_from = (0, 0), time.monotonic(), ""
        # Of each node the last listing, and when it was given; and the node that gave the last of all.
        self.seen: dict[str, tuple[Listing, float]] = {}
        self.looked_at = ""

    async def run(self) -> None:
        await asyncio.sleep(2 * self.chance.random())
        self.news_at = time.monotonic()
        while True:
            for router in self.swarm.routers:
                with contextlib.suppress(Lost):
                    for url in await self._ask(router):
                        try:
                            await self._play(url)
                        except Lost:
                            self.count.lost += 1
            await asyncio.sleep(0.2 + 0.3 * self.chance.random())

    def look(self, listing: Listing) -> bool:
        """Holds a playlist against the node's last one; whether it is news for this viewer."""
        self.count.answers += 1
        now = time.monotonic()
        before, at = self.seen.get(self.node, (None, 0.0))
        stayed, self.looked_at = self.looked_at == self.node, self.node
        self.seen[self.node] = listing, now
        if before is listing:
            return False
        if before:
            if listing.newest < before.newest or listing.first < before.first:
                self._problem("a playlist that goes back", before, listing)
            if listing.discontinuity < before.discontinuity:
                self._problem("a discontinuity sequence that goes back", before, listing)
            # Whoever was away for longer than a playlist lasts has missed nothing that was kept for him; and a node that
            # was itself without the stream for so long, and then has all of it at once, can tell nobody of each number.
            if before.open < listing.first and now - at < PATIENCE and self.swarm.has_shown_more(self, before, at):
                self._problem("numbers that are skipped", before, listing)
        # Who comes back to a node and was well at another one meanwhile has missed nothing.
        if before and stayed and before.open < listing.first or self.count.news and self.newest[0] < listing.first:
            self.count.leaps += 1
            self.swarm.tell("leap", now, self.name, self.stream, self.node, self.news_from, self.news_at,
                            before.open if before and stayed else self.newest[0], listing.first)
        if listing.ended:
            self._problem("a stream that ended", before or listing, listing)
        self.swarm.saw(self, listing)
        self.count.discontinuities = max(self.count.discontinuities, listing.discontinuity + listing.discontinuities)
        if listing.newest <= self.newest:
            self.count.behind += listing.newest < self.newest
            return False
        self.rest()
        self.newest, self.news_at, self.news_from = listing.newest, time.monotonic(), self.node
        self.count.news += 1
        return True

    def rest(self) -> None:
        """Tells of the time since something new came, where it was long."""
        now = time.monotonic()
        if self.count.news and now - self.news_at > self.swarm.stand:
            self.swarm.tell("stand", self.name, self.stream, self.news_at, now - self.news_at, self.news_from, self.node)

    async def _ask(self, router: str) -> list[str]:
        """The URLs of the two edges that the router names."""
        host, _, port = router.rpartition(":")
        async with Connection(host, int(port)) as connection:
            status, body = await connection.get(f"/live/{self.stream}/index.m3u8", 3)
        urls = re.findall(r"^http://\S+$", body.decode(), re.MULTILINE)
        if status != 200 or not urls:
            raise Lost
        return urls

    async def _play(self, url: str) -> None:
        """Until the edge fails."""
        host, port, path = re.match(r"http://([^:/]+):(\d+)(/.*)$", url).groups()
        self.node, self.address = self.swarm.nodes.get(host, host), host
        taken: set[str] = set()
        refused: dict[str, tuple[float, int]] = {}
        async with Connection(host, int(port)) as connection:
            question, busy = "", 0
            while True:
                status, body = await connection.get(path + question, PATIENCE)
                if status == 503 and busy < 3:
                    busy += 1
                    await asyncio.sleep(0.5)
                    continue
                if status != 200:
                    raise Lost
                busy = 0
                try:
                    listing = understood(body)
                except (Unreadable, ValueError, TypeError) as failure:
                    self.swarm.problem(self, "a playlist that breaks its rules", str(failure))
                    raise Lost from failure
                moved = self.look(listing)
                await self._take(connection, path.rpartition("/")[0], listing, taken, refused)
                question = listing.next
                if not moved or refused:
                    await asyncio.sleep(0.25)

    def _problem(self, what: str, before: Listing, now: Listing) -> None:
        self.swarm.problem(self, what, f"{before.first}…{before.newest} and then {now.first}…{now.newest}")

    async def _take(self, connection: Connection, folder: str, listing: Listing, taken: set[str],
                    refused: dict[str, tuple[float, int]]) -> None:
        """Everything listed that this node did not give yet; what it refused is asked for again while it is listed."""
        for name in refused.keys() - set(listing.names):
            del refused[name]
        for name in listing.names:
            if name in taken:
                continue
            status, body = await connection.get(f"{folder}/{name}", 5)
            if status == 200:
                taken.add(name)
                refused.pop(name, None)
                self.count.bytes += len(body)
                self.swarm.took(self, re.sub(r"^/~[^/]+", "", f"{folder}/{name}"), body)
                continue
            self.count.refused += 1
            since, times = refused.get(name, (time.monotonic(), 0))
            refused[name] = since, times + 1
            if times + 1 >= MISSING_TIMES and time.monotonic() - since > MISSING_AFTER:
                self.swarm.problem(self, "listed and not given", f"{name}: {status}")
                taken.add(name)
                del refused[name]


def digest_of(body: bytes) -> str:
    """By which contents are told apart."""
    return hashlib.sha256(body).hexdigest()[:24]


class Connection:
    """HTTP/1.1 with bodies of known length over one connection."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    async def __aenter__(self) -> Connection:
        try:
            async with asyncio.timeout(2):
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        except OSError as failure:
            raise Lost from failure
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def get(self, path: str, seconds: float) -> tuple[int, bytes]:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode())
        try:
            async with asyncio.timeout(seconds):
                return await self._answer()
        except (OSError, EOFError, ValueError, TypeError, asyncio.LimitOverrunError) as failure:
            raise Lost from failure

    async def _answer(self) -> tuple[int, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        return int(head[9:12]), await self.reader.readexactly(int(length[1]))


if __name__ == "__main__":
    asyncio.run(Swarm(json.loads(sys.stdin.readline())).run())
