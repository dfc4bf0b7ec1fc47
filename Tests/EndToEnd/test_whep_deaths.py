# SPDX-License-Identifier: Apache-2.0
"""Nodes die while WHEP viewers look on: the standby of a stream, and the edge that they have."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from browser import percentile
from clusters import address, ask, base, topology, wait_members
from conftest import FULL, seconds
from lab import Lab
from lab.keeper import obstacle
from server import wait_until
from test_deaths import ONE_REGION, SETTINGS, STREAM, deaths, exercise, nothing_is_wrong, of_each, settled

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")
HERE = pathlib.Path(__file__).parent


class Viewers:
    """`with Viewers(lab, 6) as viewers:` begins with all of them playing."""

    def __init__(self, lab: Lab, count: int, patience: float = 1) -> None:
        self.lab, self.count, self.patience = lab, count, patience
        self.sessions = 0
        # Of all packets: how many, with a number borne before, with a time before an earlier one's.
        self.packets: tuple[int, int, int] | None = None
        self.hosts: dict[int, str] = {}
        self.pictures: list[tuple[int, float]] = []
        self.gaps: list[tuple[int, float, float]] = []
        # When each saw its newest picture.
        self.last: dict[int, float] = {}

    def __enter__(self) -> Viewers:
        command = [sys.executable, str(HERE / "whep_viewers.py"), f"{base(self.lab, 'r')}/live/{STREAM}/whep",
                   str(self.count), str(self.patience)]
        self.process = self.lab.popen("v", command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self.wait_seen(0)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()
        self.reader.join(5)

    def wait_seen(self, since: float) -> None:
        """Until all of them began a session and saw something after a moment."""
        wait_until(lambda: {viewer for viewer, at in self.pictures if at > since} >= set(range(self.count)), 30,
                   f"{self.count} viewers to see something")

    def wait_shown(self) -> None:
        """Until each has seen a picture that came after now."""
        now = time.monotonic()
        wait_until(lambda: all(self.last.get(viewer, 0) > now for viewer in range(self.count)), 20,
                   f"each of {self.count} viewers to see a new picture")

    def at(self, node: str) -> list[int]:
        """Who has a session of a node."""
        host = address(self.lab, node)
        return [viewer for viewer, theirs in self.hosts.items() if theirs.partition(":")[0] == host]

    @property
    def is_forward(self) -> bool:
        """Whether packets came, and their numbers and times only went forward."""
        count, repeated, backwards = self.packets or (0, 0, 0)
        return count > 300 and repeated == 0 and backwards == 0

    def freeze(self, viewer: int, begun: float, ended: float) -> float:
        """The longest time without a picture that reaches into a span; 0 where none was worth a word."""
        return max((length for one, start, length in self.gaps
                    if one == viewer and start < ended and start + length > begun), default=0.0)

    def _read(self) -> None:
        for line in self.process.stdout:
            kind, viewer, at, *rest = json.loads(line)
            match kind:
                case "packets": self.packets = viewer, at, rest[0]
                case "session":
                    self.hosts[viewer] = rest[0]
                    self.sessions += 1
                case "picture": self.pictures.append((viewer, at))
                case "gap": self.gaps.append((viewer, at, rest[0]))
                case "last": self.last[viewer] = at


def test_the_standby_is_killed_under_whep_viewers(binary, request, figures) -> None:
    """The edges go on from the other holder, where they stopped; pictures stand for a second at most."""
    ways, freezes, hanging, concerned = deaths(int(seconds(1, 30))), [], [], 0
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=4) as made:
        with Viewers(made.lab, 6) as viewers:
            for way in ways:
                settled(made)
                standby = made.overseer.believed(STREAM)[1]
                hanging.append(edges_below(made.lab, standby))
                concerned += sum(len(viewers.at(edge)) for edge in hanging[-1])
                at = made.kill(standby, silently=way == "machine")
                time.sleep(5)
                viewers.wait_shown()
                freezes.append([viewers.freeze(viewer, at, time.monotonic()) for viewer in range(viewers.count)])
                made.start(standby)
                wait_members(made.lab, "r", set(made.nodes))
        outcome = made.end()
    told(figures, "WHEP standby deaths", ways, freezes, viewers, hanging=sum(map(len, hanging)) / len(ways), edges=4,
         concerned=concerned)
    nothing_is_wrong(outcome)
    assert any(hanging), "no edge ever took the stream from the standby"
    assert viewers.is_forward, viewers.packets
    for way, values in of_each(ways, freezes):
        assert percentile(values, 0.95) <= (1 if FULL else 2.5), (way, values)


def told(figures, kind: str, ways: list[str], values: list[list[float]], viewers: Viewers, **more: object) -> None:
    """A row of the page for each way to die."""
    count, repeated, backwards = viewers.packets or (0, 0, 0)
    for way, times in of_each(ways, values):
        figures(kind=kind, way=way, kills=ways.count(way), viewers=viewers.count, felt=len(times), packets=count,
                repeated=repeated, backwards=backwards, p50=percentile(times, 0.5), p95=percentile(times, 0.95),
                worst=max(times), **more)


def edges_below(lab: Lab, node: str) -> list[str]:
    """Edges that take the stream from a node."""
    tree = ask(lab, "r", f"/cluster/streams/live%2F{STREAM}")["tree"]
    return [branch["node"] for branch in tree if branch["parent"] == node and branch["node"].startswith("e")]


def test_the_gateway_is_killed_under_whep_viewers(binary, request, figures) -> None:
    """Its publisher goes on elsewhere, in another term. Sessions stay, and no source ever goes back or uses a number twice."""
    ways, pauses = deaths(int(seconds(1, 10))), []
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=4) as made:
        with Viewers(made.lab, 6, patience=60) as viewers:
            for way in ways:
                settled(made)
                gateway, before = made.overseer.believed(STREAM)[0], len(made.encoders[0].began)
                at = made.kill(gateway, silently=way == "machine")
                wait_until(lambda: len(made.encoders[0].began) > before, 20, "the publisher to be back")
                back = made.encoders[0].began[before][0]
                wait_until(lambda: {viewer for viewer, start, length in viewers.gaps if start + length > back - 0.2}
                           >= set(range(viewers.count)), 20, "all to see something new")
                pauses.append([viewers.freeze(viewer, at, back + 20) - (back - at) for viewer in range(viewers.count)])
                made.start(gateway)
                wait_members(made.lab, "r", set(made.nodes))
        outcome = made.end()
    told(figures, "WHEP gateway deaths", ways, pauses, viewers, sessions=viewers.sessions)
    nothing_is_wrong(outcome)
    assert viewers.sessions == viewers.count, "somebody had to ask again"
    assert viewers.is_forward, viewers.packets


def test_the_edge_of_whep_viewers_is_killed(binary, request, figures) -> None:
    """Who hears nothing for a second asks the router again, which knows from him whom to leave out."""
    ways, pauses = deaths(int(seconds(1, 30))), []
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=4) as made:
        with Viewers(made.lab, 6) as viewers:
            for way in ways:
                settled(made)
                edge = max((name for name in made.nodes if name.startswith("e")), key=lambda name: len(viewers.at(name)))
                left = viewers.at(edge)
                assert left, viewers.hosts
                at = made.kill(edge, silently=way == "machine")
                wait_until(lambda: all(any(one == viewer and seen > at for one, seen in viewers.pictures)
                                       for viewer in left), 20, f"{left} to play again")
                pauses.append([viewers.freeze(viewer, at, at + 20) for viewer in left])
                made.start(edge)
                wait_members(made.lab, "r", set(made.nodes))
        outcome = made.end()
    told(figures, "WHEP edge deaths", ways, pauses, viewers)
    nothing_is_wrong(outcome)
    for way, times in of_each(ways, pauses):
        assert percentile(times, 0.95) <= (2.5 if FULL else 4), (way, times)
