# SPDX-License-Identifier: Apache-2.0
"""Publishers that come back: each sends one clip for ever, and a second after it is cut off it goes to the next
origin of its region."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import clips
import rtmp_client
from clusters import Publishing
from lab import Lab

# A second, as ffmpeg in a loop.
RETURN = 1.0
PATIENCE = 3.0


class Encoder(threading.Thread):
    def __init__(self, lab: Lab, place: str, origins: list[str], stream: str, tags: list[rtmp_client.Tag],
                 delay: float) -> None:
        super().__init__(daemon=True, name=stream)
        self.lab, self.place, self.origins, self.stream, self.tags, self.delay = lab, place, origins, stream, tags, delay
        self.origin = ""
        # (when, origin) of every time it was accepted.
        self.began: list[tuple[float, str]] = []
        self.refusals = 0
        self.can_move = False
        self._leaves, self._ended = threading.Event(), threading.Event()

    def run(self) -> None:
        self._ended.wait(self.delay)
        turn = 0
        with self.lab.inside(self.place):
            while not self._ended.is_set():
                self._leaves.clear()
                with contextlib.suppress(OSError, EOFError, ValueError):
                    self._publish(self.origins[turn % len(self.origins)])
                self.origin = ""
                turn += 1
                self._ended.wait(RETURN)

    def leave(self) -> None:
        """Goes to the next origin, as somebody who sees his picture stand."""
        self._leaves.set()

    def end(self) -> None:
        self._ended.set()
        self._leaves.set()

    def _publish(self, origin: str) -> None:
        """Until it is cut off, or leaves."""
        with self._accepted(origin) as publisher:
            publisher.play(rtmp_client.loop(self.tags), float("inf"), lambda tag, _: self._sent(publisher, tag))

    def _sent(self, publisher: rtmp_client.Publisher, tag: rtmp_client.Tag) -> list[rtmp_client.Tag]:
        if self._leaves.is_set() or publisher.closed_by_server.is_set():
            raise EOFError("it goes elsewhere")
        return [tag]

    @contextlib.contextmanager
    def _accepted(self, origin: str) -> Iterator[rtmp_client.Publisher]:
        """A connection that may send; without one EOFError."""
        self.origin = origin
        try:
            with rtmp_client.Publisher(1935, "live", self.stream, self.lab.topology.nodes[origin].address,
                                       patience=PATIENCE, can_move=self.can_move) as publisher:
                # A machine that takes nothing any more is given up.
                publisher.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(PATIENCE), 0))
                publisher.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 15)
                self.began.append((time.monotonic(), origin))
                yield publisher
        except rtmp_client.RTMPRefusal as refusal:
            self.refusals += 1
            raise EOFError from refusal


class FFmpeg(Encoder):
    """ffmpeg in a loop of the shell's; `began` is when it was started."""

    def _publish(self, origin: str) -> None:
        self.origin = origin
        with Publishing(self.lab, self.place, origin, self.stream, "low-latency") as publisher:
            self.began.append((time.monotonic(), origin))
            while publisher.alive and not self._leaves.is_set():
                self._leaves.wait(0.02)
            if publisher.alive:
                publisher.kill()


class Moving(Encoder):
    """Does what ReconnectRequest asks (Enhanced RTMP v2): at the next random access point it goes on at another origin,
    with the same clock, and sends first what it kept meanwhile."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.source = rtmp_client.loop(self.tags)
        self.headers = [tag for tag in self.tags if tag.is_header]
        # The next one to be sent, and when the clock was 0.
        self.kept = next(self.source)
        self.zero = 0.0
        self.moves = 0
        self.can_move = True

    def _publish(self, origin: str) -> None:
        while True:
            with self._accepted(origin) as publisher:
                asked = self._send(publisher)
                publisher.finish()
            self.moves += 1
            address = asked.removeprefix("rtmp://").partition("/")[0].partition(":")[0]
            # Where all of them are behind one balancer, it goes there again.
            others = [name for name in self.origins if name != origin] or [origin]
            origin = next((name for name in others if self.lab.topology.nodes[name].address == address), others[0])

    def _send(self, publisher: rtmp_client.Publisher) -> str:
        """Until it is asked to go elsewhere and a random access point comes, which it keeps; where it shall go."""
        self.zero = self.zero or time.monotonic()
        for header in self.headers:
            publisher.send(replace(header, timestamp=self.kept.timestamp))
        begun = self.kept
        while publisher.reconnect is None or not self.kept.is_keyframe or self.kept is begun:
            ahead = self.zero + self.kept.timestamp / 1000 - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            for tag in self._sent(publisher, self.kept):
                if not tag.is_header:
                    publisher.send(tag)
            self.kept = next(self.source)
        return publisher.reconnect


def encoders(lab: Lab, places: dict[str, tuple[str, list[str]]], count: int,
             kinds: type[Encoder] | Sequence[type[Encoder]] = Encoder, clip: str = "small") -> list[Encoder]:
    """`count` encoders, by turns from each region: its place, and its origins; and by turns of each kind."""
    kinds = [kinds] if isinstance(kinds, type) else kinds
    tags = rtmp_client.read_flv(clips.path(clip, "flv"))
    regions = list(places)
    made = []
    for number in range(count):
        place, origins = places[regions[number % len(regions)]]
        turn = number // len(regions) % len(origins)
        made.append(kinds[number % len(kinds)](lab, place, origins[turn:] + origins[:turn], f"chaos-{number + 1}", tags,
                                               number * 0.1))
    return made
