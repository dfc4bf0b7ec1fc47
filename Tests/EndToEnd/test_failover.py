# SPDX-License-Identifier: Apache-2.0
"""Gateways of real nodes die and stand still under ffmpeg, which connects anew elsewhere; every viewer goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import random
import re
import threading
import time

import pytest

from clusters import HTTP_PORT, Publishing, Reader, address, ask, get, metric, topology, wait_members
from conftest import ARTEFACTS, seconds
from lab import Lab
from lab.keeper import obstacle
from server import wait_until
from shown import Asking, Shown, ask_again

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")

NODES = ("n1", "n2", "n3")
PATH = "/live/show/main/media.m3u8"


@pytest.fixture
def three(binary, request):
    """Three nodes of all roles, every segment compared with its hash."""
    failed = request.session.testsfailed
    settings = {"cluster__checked_one_in": 1, "publisher__grace": "20s"}
    with Lab.up(topology("one-region", **settings)) as lab:
        try:
            lab.wait_ready(list(NODES))
            wait_members(lab, "n1", set(NODES))
            yield lab
        finally:
            if request.session.testsfailed > failed:
                lab.save_logs(ARTEFACTS / "failover")


class Returning(threading.Thread):
    """ffmpeg in a loop: one second after its connection ends it publishes to the next origin."""

    def __init__(self, lab: Lab, origins: list[str]) -> None:
        super().__init__(daemon=True)
        self.lab, self.origins = lab, origins
        self.began: list[tuple[str, float]] = []
        self._ended = threading.Event()

    def __enter__(self) -> Returning:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(20)

    def run(self) -> None:
        turn = 0
        while not self._ended.is_set():
            origin = self.origins[turn % len(self.origins)]
            turn += 1
            with Publishing(self.lab, "person", origin, "show", "gop-1") as publisher:
                self.began.append((origin, time.monotonic()))
                while publisher.alive and not self._ended.is_set() and origin not in self.gone:
                    self._ended.wait(0.05)
                if publisher.alive:
                    publisher.kill()
            self._ended.wait(1)

    # Origins that a publisher would notice to be gone by itself, were it not for the buffers of its machine.
    gone: frozenset = frozenset()


@dataclasses.dataclass
class Numbers:
    """What a viewer of one node saw of the playlist."""

    newest: list[tuple[float, int, int]] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)


class Viewer(threading.Thread):
    """Reloads one node's playlist and looks at its numbers."""

    def __init__(self, lab: Lab, node: str) -> None:
        super().__init__(daemon=True)
        self.lab, self.node, self.seen = lab, node, Numbers()
        self._ended = threading.Event()

    def __enter__(self) -> Viewer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(15)

    def run(self) -> None:
        with self.lab.inside("person"):
            while not self._ended.is_set():
                connection = http.client.HTTPConnection(address(self.lab, self.node), HTTP_PORT, timeout=12)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    while not self._ended.is_set():
                        self._look(*get(connection, PATH))
                        self._ended.wait(0.1)
                connection.close()
                self._ended.wait(0.2)

    def _look(self, status: int, body: bytes) -> None:
        if status != 200:
            return
        text = body.decode()
        first = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])
        whole = first + len(re.findall(r"^[^#\s]\S*m4s$", text, re.MULTILINE)) - 1
        parts = len(re.findall(r"#EXT-X-PART:", text[text.rfind("#EXTINF"):]))
        now = (time.monotonic(), whole, parts)
        if self.seen.newest:
            before = self.seen.newest[-1]
            if now[1:] < before[1:]:
                self.seen.problems.append(f"{self.node} goes back: {now[1:]} after {before[1:]}")
            if first > before[1] + 1:
                self.seen.problems.append(f"{self.node} skips from {before[1]} to {first}")
        if "#EXT-X-DISCONTINUITY\n" in text or "#EXT-X-ENDLIST" in text:
            self.seen.problems.append(f"{self.node} has a discontinuity or an end")
        if not self.seen.newest or self.seen.newest[-1][1:] != now[1:]:
            self.seen.newest.append(now)


def gateway(lab: Lab, node: str) -> str:
    """Who has the stream, as a node believes."""
    for stream in ask(lab, node, "/cluster/streams")["streams"]:
        if stream["id"] == "live/show":
            return stream["gateway"]
    return ""


def plays(lab: Lab, node: str, more: int = 0) -> bool:
    with lab.inside("person"), contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(address(lab, node), HTTP_PORT, timeout=8)
        status, body = get(connection, PATH)
        return status == 200 and body.count(b".m4s\n") > more
    return False


def contents(readers: list[Reader], shown: Shown | None = None) -> Shown:
    """What the readers of all nodes were given by now, with what else is known."""
    shown = shown or Shown()
    for reader in readers:
        hashes = dict(reader.reading.hashes)
        shown.told(reader.node, list(hashes))
        for name, digest in hashes.items():
            shown.gave(reader.node, name, digest)
    return shown


def asked_of_all(lab: Lab, shown: Shown) -> None:
    """All names that anybody gave, of every node. Each of them still has the newest."""
    given = ask_again(lab, "person", list(NODES), list(shown.contents), shown)
    assert all(count > 5 for count in given.values()), given


def test_the_gateway_is_killed(three, figures) -> None:
    """kill -9; ffmpeg is back after a second at another origin; the numbers go on, and no name has two contents."""
    lab = three
    with Returning(lab, ["n1", "n2", "n3"]) as publisher, contextlib.ExitStack() as stack:
        wait_until(lambda: all(plays(lab, node, 3) for node in NODES), 40, "all nodes to play")
        readers = [stack.enter_context(Reader(lab, "person", node, PATH)) for node in NODES]
        viewers = {node: stack.enter_context(Viewer(lab, node)) for node in NODES}
        time.sleep(seconds(3, 10))
        pauses = []
        for victim in ("n1", "n2")[:int(seconds(1, 2))]:
            assert gateway(lab, "n3") == victim
            connections = len(publisher.began)
            killed = time.monotonic()
            lab.kill(victim)
            wait_until(lambda: len(publisher.began) > connections, 10, "ffmpeg to be back")
            back = publisher.began[-1][1]
            others = [viewers[node] for node in NODES if node != victim]
            wait_until(lambda: all(any(at > back for at, *_ in one.seen.newest) for one in others), 15, "all to go on")
            pauses.append(max(min(at for at, *_ in one.seen.newest if at > back) - back for one in others))
            time.sleep(seconds(4, 10))
            lab.start(victim)
            lab.wait_ready([victim])
            wait_members(lab, "n3", set(NODES))
            # A node that comes back has none of it, and its viewers begin anew.
            viewers[victim].seen.newest.clear()
        time.sleep(seconds(3, 10))
        problems = [problem for viewer in viewers.values() for problem in viewer.seen.problems]
        mismatches = sum(metric(lab, node, "millrace_segment_mismatch_total") for node in NODES)
        checks = sum(metric(lab, node, "millrace_segment_checks_total") for node in NODES)
        shown = contents(readers)
        asked_of_all(lab, shown)
    names, different = contents(readers, shown).contents, shown.contradictions()
    refused = {name: status for reader in readers for name, status in reader.reading.refused.items()}
    figures(kind="gateway killed", kills=len(pauses), pause=max(pauses), names=len(names), different=len(different),
            refused=len(refused), checks=checks, seconds=time.monotonic() - killed)
    assert not problems, problems
    assert not different, different
    assert not refused, refused
    assert mismatches == 0 and checks > 0
    assert max(pauses) <= 1.5 + (0 if seconds(0, 1) else 1.5), pauses


@pytest.mark.parametrize(("stops", "seed"), [("once", 0), ("twice", 1), ("twice", 2), ("twice", 3)][:int(seconds(2, 4))])
def test_a_gateway_that_stood_still_is_refused(three, figures, stops: str, seed: int) -> None:
    """SIGSTOP for ten seconds, in which the publisher goes elsewhere; after SIGCONT nothing that it wrote is seen, neither
    by its viewers nor by whoever asks it without a pause. Twice: it is stopped once more a moment after it woke up."""
    lab, shown = three, Shown()
    awake = random.Random(seed).uniform(0.1, 0.3)
    publisher = Returning(lab, ["n1", "n2"])
    with publisher, contextlib.ExitStack() as stack:
        wait_until(lambda: all(plays(lab, node, 3) for node in NODES), 40, "all nodes to play")
        readers = [stack.enter_context(Reader(lab, "person", node, PATH)) for node in NODES]
        viewers = {node: stack.enter_context(Viewer(lab, node)) for node in NODES}
        others = [stack.enter_context(Asking(lab, "person", node, PATH, shown, every=0.2)) for node in ("n2", "n3")]
        time.sleep(2)
        lab.freeze("n1")
        time.sleep(1.5)
        publisher.gone = frozenset({"n1"})
        wait_until(lambda: gateway(lab, "n2") == "n2", 20, "n2 to take the stream")
        time.sleep(seconds(5, 8))
        # Whoever asks is answered with the first that it does when it is awake.
        old = stack.enter_context(Asking(lab, "person", "n1", PATH, shown))
        lab.thaw("n1")
        if stops == "twice":
            time.sleep(awake)
            lab.freeze("n1")
            time.sleep(2)
            lab.thaw("n1")
        wait_until(lambda: gateway(lab, "n1") == "n2", 15, "n1 to hear of it")
        reached = viewers["n2"].seen.newest[-1]
        wait_until(lambda: viewers["n1"].seen.newest[-1][1] > reached[1] + 1, 15, "n1 to go on")
        wait_until(lambda: old.answers > 20, 15, "n1 to answer")
        refusals = sum(metric(lab, node, "millrace_stale_terms_refused_total") for node in NODES)
        problems = [problem for viewer in viewers.values() for problem in viewer.seen.problems]
        read = contents(readers)
        asked_of_all(lab, read)
        terms = shown.terms
    different = [*shown.contradictions(), *contents(readers, read).contradictions()]
    figures(kind="gateway stopped", stops=stops, awake=awake if stops == "twice" else 0, refusals=refusals,
            answers=old.answers, terms=len(terms), names=len(read.contents), different=len(different))
    assert refusals > 0
    assert len(terms) > 1 and all(one.answers for one in others), "nobody saw both terms"
    assert not different, different
    assert not problems, problems
