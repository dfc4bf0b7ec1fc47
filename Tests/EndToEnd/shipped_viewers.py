# SPDX-License-Identifier: Apache-2.0
"""Who looks at the region behind what is shipped: a swarm, one viewer by HLS, one by WHEP."""

from __future__ import annotations

import functools
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

import whep_play
from clusters import address
from lab.settings import program
from process import Process, wait_until
from shipped_region import ShippedRegion
from test_turn import OFFER

HERE = pathlib.Path(__file__).parent


def watch(region: ShippedRegion, viewers: int) -> subprocess.Popen:
    """Viewers at HAProxy of a stream with pictures and of one without, by turns, who are all there."""
    urls = [word for name in ("room", "talk") for word in
            ("--url", f"http://{address(region.lab, 'haproxy')}/live/{name}/index.m3u8")]
    watching = region.lab.popen("person", [
        program("millrace-load"), "watch", "hls", *urls, "--viewers", str(viewers), "--connections", "1", "--ramp", "3s",
        "--seconds", "1800"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wait_until(lambda: region.connections() > viewers * 0.95, 20, "the viewers")
    return watching


def ended(watching: subprocess.Popen) -> dict:
    """What they have seen."""
    watching.send_signal(signal.SIGINT)
    return json.loads(watching.communicate(timeout=30)[0])


def offered(region: ShippedRegion, count: int) -> list[str]:
    """The URLs of so many sessions of WebRTC, which never connect and have a minute for it."""
    with region.lab.inside("person"):
        answers = [whep_play.call("POST", f"http://{address(region.lab, 'haproxy')}/live/room/whep", OFFER,
                                  Content_Type="application/sdp") for _ in range(count)]
    assert {status for status, _, _ in answers} == {201}, answers
    return [headers["location"] for _, headers, _ in answers]


def left(region: ShippedRegion, sessions: list[str]) -> list[int]:
    with region.lab.inside("person"):
        return [whep_play.call("DELETE", session)[0] for session in sessions]


class Follower(threading.Thread):
    """A viewer that follows redirects, as players do: it asks for the playlist and its newest part, four times a second."""

    def __init__(self, region: ShippedRegion, url: str) -> None:
        super().__init__(daemon=True)
        self.region, self.url = region, url
        self.requests, self.failures, self._ended = 0, [], threading.Event()

    def __enter__(self) -> Follower:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(20)

    def goes_on(self, rounds: int) -> None:
        """Waits until it has had so many more parts."""
        enough = self.requests + 2 * rounds
        wait_until(lambda: self.requests >= enough, 20 + rounds, f"{self.url} to go on: {self.failures[-1:]}")

    def run(self) -> None:
        while not self._ended.wait(0.25):
            try:
                listing = self.region.ask("person", self.url)
                part = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', listing)[-1]
                assert self.region.fetch("person", urllib.parse.urljoin(self.url, part))
                self.requests += 2
            except Exception as failure:
                self.failures.append(repr(failure))


class RealTime(Process):
    """A viewer by WHEP, who asks again when he has had no picture for a second, as our page does."""

    def __init__(self, region: ShippedRegion, url: str) -> None:
        # It ends with its input, and all that it says are the lines that are asked for here.
        super().__init__([sys.executable, HERE / "whep_viewers.py", url, 1], lambda: self.told("last") != [],
                         popen=functools.partial(region.lab.popen, "person"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def goes_on(self) -> None:
        """Waits until it has a picture of now."""
        begun = time.monotonic()
        wait_until(lambda: any(at > begun for _, _, at in self.told("last")), 20, "WHEP to go on")

    @property
    def longest(self) -> float:
        """The longest time without a picture, in seconds."""
        return max((length for _, _, _, length in self.told("gap")), default=0.0)

    def told(self, kind: str) -> list[list]:
        lines = self.log().split("\n")[:-1]
        return [line for line in map(json.loads, lines) if line[0] == kind]
