# SPDX-License-Identifier: Apache-2.0
"""Redis as the arbiter of terms: it dies under live streams, comes back empty, and nobody notices."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import secrets
import subprocess
import threading
import time
import urllib.request

import pytest

import clips
from conftest import seconds
from publishers import Publisher
from redis_server import Redis
from server import BINARY, Server, free_port, wait_until

LOAD = BINARY.replace("/millrace", "/millrace-load")
# No playlist may stand still for longer than this: three segments.
LONGEST_PAUSE = 6.0


@pytest.fixture
def redis():
    with Redis() as redis:
        yield redis


@pytest.fixture
def origins(binary, redis):
    """Two nodes that have nothing but Redis to find each other by."""
    key = secrets.token_hex(32)
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(Server(
            NODE_NAME=name, NODE_ADVERTISE="127.0.0.1", CLUSTER_KEY=key, REDIS_URL=redis.url, GOSSIP_HOST="127.0.0.1",
            GOSSIP_PORT=free_port(), RELAY_HOST="127.0.0.1", RELAY_PORT=free_port(), ACCESS_PUBLISH="open",
            LIMITS_CONNECTIONS_PER_ADDRESS=10000)) for name in ("one", "two")]
        for node in nodes:
            wait_until(lambda: node.metrics().get('millrace_cluster_members{health="alive"}') == 2, 30,
                       "the nodes to find each other by Redis")
        yield nodes


def test_redis_dies_and_comes_back_empty(origins, redis, figures) -> None:
    count, outage = int(seconds(10, 50)), seconds(8, 420)
    names = [f"many-{number}" for number in range(1, count // 2 + 1)]
    with contextlib.ExitStack() as stack:
        for number, node in enumerate(origins):
            stack.enter_context(publishing(node, f"o{number}", count // 2))
        streams = [(node, f"o{number}-{name}") for number, node in enumerate(origins) for name in names]
        for node, name in streams:
            node.wait_live(name)
        wait_until(lambda: len(redis.leases()) == count, 20, f"{count} leases")
        watch = stack.enter_context(Watch(streams))
        before = {name: term(node, name) for node, name in streams}
        time.sleep(2)

        redis.kill()
        begun = time.monotonic()
        wait_until(lambda: all(node.metric("millrace_redis_up") == 0 for node in origins), 10, "both to notice")
        assert origins[0].get("/ready")[0] == 200
        assert origins[0].json("/health")["status"] == "degraded"
        for number, node in enumerate(origins):
            stack.enter_context(Publisher("audio-only", node.publish_url(f"fresh-{number}")))
        for number, node in enumerate(origins):
            node.wait_live(f"fresh-{number}")
        time.sleep(max(0, outage - (time.monotonic() - begun)))
        assert all(node.metric("millrace_redis_fences_total") == 0 for node in origins)

        redis.start()
        wait_until(lambda: len(redis.leases()) == count + 2, 15, "all leases in the empty Redis")
        assert redis.leases()["live/fresh-0"] == "one" and redis.leases()["live/fresh-1"] == "two"
        assert {name: term(node, name) for node, name in streams} == before, "a term changed for nothing"
        time.sleep(3)
        watch.stop()

    left = sum(node.metric("millrace_publishers_came_total") for node in origins)
    figures(kind="redis outage", streams=count, seconds=outage, longest_pause=round(watch.longest_pause, 2),
            failures=len(watch.failures), publishers=left)
    assert not watch.failures, watch.failures[:10]
    assert watch.longest_pause < LONGEST_PAUSE
    assert left == count + 2, "a publisher had to come again"


def test_terms_never_fall(origins, redis) -> None:
    """A publisher comes again and again, at one origin and at the other; Redis forgets all between."""
    terms = []
    for turn in range(4):
        node = origins[turn % 2]
        with Publisher("audio-only", node.publish_url("again")):
            wait_until(lambda: redis.leases().get("live/again") == ("one", "two")[turn % 2], 30, "the lease")
            node.wait_live("again")
            wait_until(lambda: term(node, "again") not in terms, 20, "a new term")
            terms.append(term(node, "again"))
            redis.run("FLUSHALL")
        stop = urllib.request.Request(node.url("/api/v1/streams/again/stop"), method="POST")
        urllib.request.urlopen(stop, timeout=10).close()
    assert terms == sorted(terms) and len(set(terms)) == len(terms), terms


@contextlib.contextmanager
def publishing(node: Server, prefix: str, count: int):
    """Streams PREFIX-many-1 … of one small clip."""
    process = subprocess.Popen(
        [LOAD, "publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", prefix + "-many-{n}",
         "--file", clips.path("audio-only", "flv"), "--streams", str(count), "--ramp", "2s", "--seconds", "900"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def term(node: Server, name: str) -> tuple[int, int]:
    """The term in the name of the newest segment."""
    playlist = node.get(f"/live/{name}/main/media.m3u8")[1].decode()
    found = re.findall(r"^([0-9a-f]+)-([0-9a-f]+)/\d+\.m4s$", playlist, re.MULTILINE)
    return (int(found[-1][0], 16), int(found[-1][1], 16)) if found else (0, 0)


@dataclasses.dataclass
class Seen:
    """The newest segment of one stream, and since when."""

    number: int = -1
    since: float = 0.0


class Watch(threading.Thread):
    """Reads the playlist of every stream about once a second, and notes what a viewer would notice."""

    def __init__(self, streams: list[tuple[Server, str]]) -> None:
        super().__init__(daemon=True)
        self.streams = streams
        self.failures: list[str] = []
        self.longest_pause = 0.0
        self._seen = {name: Seen() for _, name in streams}
        self._ended = threading.Event()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._ended.set()
        self.join(30)

    def run(self) -> None:
        while not self._ended.is_set():
            for node, name in self.streams:
                if self._ended.is_set():
                    return
                try:
                    self._look(node, name)
                except OSError as failure:
                    self.failures.append(f"{name}: {failure}")
            self._ended.wait(1)

    def _look(self, node: Server, name: str) -> None:
        status, body = node.get(f"/live/{name}/main/media.m3u8", timeout=5)
        text = body.decode()
        if status != 200 or "DISCONTINUITY\n" in text or "ENDLIST" in text or "EXT-X-GAP" in text:
            self.failures.append(f"{name}: {status} {text[-200:]}")
            return
        newest = max(map(int, re.findall(r"/(\d+)\.m4s$", text, re.MULTILINE)))
        seen, now = self._seen[name], time.monotonic()
        if newest < seen.number:
            self.failures.append(f"{name}: {seen.number}, then {newest}")
        if seen.number >= 0:
            self.longest_pause = max(self.longest_pause, now - seen.since)
        if newest != seen.number:
            self._seen[name] = Seen(newest, now)
