# SPDX-License-Identifier: Apache-2.0
"""Clusters of real nodes: equal bytes everywhere, one copy an edge, viewers spread and carried over deaths."""

from __future__ import annotations

import collections
import http.client
import json
import random
import subprocess
import time

import pytest

from browser import Browser, Watching, latencies, moved, percentile
from clusters import (Publishing, Reader, address, base, get, load, metric, pathways, publishing_many, topology,
                      wait_live, wait_members)
from conftest import ARTEFACTS, FULL, seconds
from lab import Lab
from lab.keeper import obstacle
from players import ffprobe, playbin
from server import wait_until

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")

# Six nodes that serve viewers, and where their readers stand.
EDGES = {"east-s": "east-v", "east-e1": "east-v", "east-e2": "east-v", "west-s": "west-v", "west-e1": "west-v",
         "west-e2": "west-v"}
LATE, RESTARTED = "west-e2", "east-e1"
# From one region to the other, in seconds.
PATH_DELAY = 0.075


@pytest.fixture(scope="module")
def two(binary, request):
    """Two regions but for one edge that comes later, and a stream from the first region: (lab, the far router's URL)."""
    failed = request.session.testsfailed
    with Lab.up(topology("two-regions"), start=False) as lab:
        try:
            lab.start([name for name, node in lab.topology.nodes.items() if node.command and name != LATE])
            lab.wait_ready([name for name, node in lab.topology.nodes.items() if node.command and name != LATE])
            with Publishing(lab, "east-p", "east-o1", "show", "low-latency"):
                yield lab, wait_live(lab, "west-v", "west-r", "show")
        finally:
            if request.session.testsfailed > failed:
                lab.save_logs(ARTEFACTS / "cluster")


def test_every_node_serves_the_same_bytes(two, figures) -> None:
    """Of six nodes one is started late and one killed and started again."""
    lab, _ = two
    wanted = int(seconds(12, 200))
    path = "/live/show/main/media.m3u8"
    begun = time.monotonic()
    readers = {node: Reader(lab, place, node, path) for node, place in EDGES.items()}
    try:
        for node, reader in readers.items():
            if node != LATE:
                reader.start()
        time.sleep(seconds(3, 60))
        lab.start(LATE)
        readers[LATE].start()
        time.sleep(seconds(3, 60))
        lab.kill(RESTARTED)
        time.sleep(1)
        lab.start(RESTARTED)
        wait_until(lambda: len(common(readers)) >= wanted, 2 * wanted + 40, f"{wanted} segments on all nodes", every=0.5)
    finally:
        for reader in readers.values():
            reader.__exit__()
        counts = {node: f"{len(reader.reading.segments)} segments, refused {reader.reading.refused}"
                  for node, reader in readers.items()}
    contents = collections.defaultdict(dict)
    for node, reader in readers.items():
        for name, digest in reader.reading.hashes.items():
            contents[name][node] = digest
    different = {name: by for name, by in contents.items() if len(set(by.values())) > 1}
    parts = set.intersection(*(reader.reading.parts for reader in readers.values()))
    figures(kind="bytes", nodes=len(readers), segments=len(common(readers)), parts=len(parts), names=len(contents),
            different=len(different), refused=sum(len(reader.reading.refused) for reader in readers.values()),
            seconds=time.monotonic() - begun)
    assert not different, different
    assert parts, counts
    assert not any(reader.reading.refused for reader in readers.values()), counts


def common(readers: dict[str, Reader]) -> set[str]:
    return set.intersection(*(reader.reading.segments for reader in list(readers.values())))


def test_players_in_the_far_region(two, figures) -> None:
    lab, url = two
    with lab.inside("west-v"):
        probe = ffprobe(url)
        positions, words = playbin(url, seconds(4, 20))
    figures(kind="players", video=probe.video["codec_name"], audio=probe.audio["codec_name"], rate=probe.rate,
            played=max(positions, default=0) - min(positions, default=0))
    assert (probe.video["codec_name"], probe.audio["codec_name"]) == ("h264", "aac")
    assert len(positions) >= 4 and positions[-1] > positions[0], words[-2000:]


def test_the_latency_in_the_far_region(two, figures) -> None:
    """hls.js through the far router's page; p95 by program date time."""
    lab, _ = two
    limit = 1.7 + PATH_DELAY
    with lab.inside("west-v"), Browser() as browser:
        watching = Watching(browser, f"{base(lab, 'west-r')}/watch/live/show").start()
        samples = watching.sample(seconds(6, 600), settle=seconds(4, 10))
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        browser.screenshot(ARTEFACTS / "watch-far.png")
    measured = latencies(samples)
    p95 = percentile(measured, 0.95)
    figures(kind="far latency", samples=len(measured), p50=percentile(measured, 0.5), p95=p95, worst=max(measured),
            limit=limit, stalls=samples[-1]["stalls"] - samples[0]["stalls"], startup=watching.startup,
            rate=moved(samples))
    assert "hls" in samples[-1]["engine"], samples[-1]
    # A short run has too few samples for a p95 while other tests still warm the machine.
    assert p95 <= (limit if FULL else limit + 1), samples[-1]
    assert samples[-1]["stalls"] == samples[0]["stalls"], samples[-1]


def test_one_upstream_copy_for_500_viewers(two, figures) -> None:
    lab, _ = two
    edge, viewers = "west-e1", 500
    url = f"{base(lab, edge)}/live/show/main/media.m3u8"
    with subprocess_of(load(lab, "west-v", url, viewers, seconds(11, 60))) as process:
        time.sleep(4)
        before = taken(lab, edge)
        time.sleep(seconds(4, 40))
        after = taken(lab, edge)
        copies = metric(lab, edge, "millrace_relay_upstreams")
        output, complaints = process.communicate(timeout=60)
    arrived, published, sent = (b - a for a, b in zip(before, after))
    result = json.loads(output) if output.strip() else {}
    figures(kind="one copy", viewers=viewers, upstreams=copies, relay_bytes=arrived, published_bytes=published,
            sent_bytes=sent, share=arrived / published, result=result)
    assert copies == 1, complaints
    # The records' own heads and the acknowledgements' rhythm are within a tenth.
    assert 0.7 * published < arrived < 1.15 * published, (arrived, published)
    # Every viewer was really served, even by a machine that has other things to do.
    assert result["started"] == viewers and sent > 0.2 * viewers * published, (sent, published, complaints)


def taken(lab: Lab, edge: str) -> tuple[float, float, float]:
    """Bytes: over the relay to the edge, from the publisher to the gateway, from the edge to viewers."""
    return (metric(lab, edge, "millrace_relay_received_bytes_total"), lab.traffic()["east-p"]["sent_bytes"],
            lab.traffic()[edge]["sent_bytes"])


class subprocess_of:
    """A process that is always ended."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process

    def __enter__(self) -> subprocess.Popen:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.mark.parametrize("how", ["killed", "cut"])
def test_an_edge_dies_under_a_viewer(two, how: str, figures) -> None:
    """hls.js goes on from the second URL: no stall over 2 s, no reload."""
    lab, _ = two
    lab.start("west")
    lab.wait_ready("west")
    with lab.inside("west-v"), Browser() as browser:
        watching = Watching(browser, f"{base(lab, 'west-r')}/watch/live/show").start()
        # A browser remembers 250 requests by itself.
        browser.evaluate("window.__same = true; performance.setResourceTimingBufferSize(100000)")
        before = watching.sample(seconds(2, 20), settle=3)
        edge = serving(browser)
        name = next(name for name, node in lab.topology.nodes.items() if node.address == edge)
        if how == "killed":
            lab.kill(name)
        else:
            lab.cut(name)
        after = watching.sample(seconds(9, 40))
        other = serving(browser)
        same = browser.evaluate("return window.__same === true")
    lab.heal()
    lab.start("west")
    stalled = (after[-1]["stalledMs"] - before[-1]["stalledMs"]) / 1000
    longest = longest_stand(before[-1:] + after)
    figures(kind="edge lost", how=how, stalls=after[-1]["stalls"] - before[-1]["stalls"], stalled=stalled,
            longest=longest, reloads=after[-1]["reloads"] - before[-1]["reloads"], rate=moved(after))
    assert other != edge, (edge, other, after[-1])
    assert same and after[-1]["reloads"] == before[-1]["reloads"], after[-1]
    limit = 2 if FULL else 4  # seconds; `make test` shares its machine
    assert stalled <= limit and longest <= limit + 0.6, (stalled, longest, after[-1])


def serving(browser: Browser) -> str:
    """The address from which the page took media last."""
    return browser.evaluate(
        "const all = performance.getEntriesByType('resource').filter(one => /m4s/.test(one.name) && one.responseEnd);"
        "return all.length ? new URL(all[all.length - 1].name).hostname : ''")


def longest_stand(samples: list[dict]) -> float:
    """The longest time in which the playhead did not move, to half a second."""
    longest, since = 0.0, samples[0]
    for sample in samples[1:]:
        if sample["currentTime"] > since["currentTime"] + 0.05:
            since = sample
        longest = max(longest, sample["at"] - since["at"])
    return longest


STREAMS, SESSIONS = 30, 5000
EDGES_OF_REGION = {
    "regions": ["east"],
    "seeds": ["o1"],
    "nodes": {"o": {"region": "east", "zones": ["a", "b"], "roles": ["origin"], "count": 2},
              "r": {"region": "east", "roles": ["router"]},
              "e": {"region": "east", "zones": ["a", "b", "c"], "roles": ["edge"], "count": 7},
              "v": {"region": "east", "command": []}},
}


def test_viewers_are_spread_and_few_keys_move(binary, figures) -> None:
    """5000 sessions over Zipf audiences on six edges, each counted where its first pathway leads; then a seventh."""
    with Lab.up(topology("one-region", roles="{roles}") | EDGES_OF_REGION, start=False) as lab:
        first = [name for name in lab.topology.nodes if name not in ("e7", "v")]
        lab.start(first)
        lab.wait_ready(first)
        wait_members(lab, "r", set(first))
        with publishing_many(lab, "v", "o1", STREAMS), lab.inside("v"):
            for number in (1, STREAMS):
                wait_live(lab, "v", "r", f"many-{number}")
            before = rankings(lab)
            counts, took = sessions(lab)
            lab.start("e7")
            lab.wait_ready("e7")
            wait_members(lab, "r", {*first, "e7"})
            after = rankings(lab)
    shares = [counts[f"e{number}"] for number in range(1, 7)]
    average = sum(shares) / len(shares)
    changed = sum(before[key] != after[key] for key in before) / len(before)
    figures(kind="balance", sessions=SESSIONS, streams=STREAMS, edges=len(shares), shares=shares,
            ratio=max(shares) / average, seconds=took, moved=changed, allowed=1 / 7 + 0.01, keys=len(before))
    assert sum(shares) == SESSIONS, counts
    assert max(shares) / average <= 1.25, shares
    assert changed <= 1 / 7 + 0.01, changed
    assert all(after[key] == "e7" for key in before if before[key] != after[key])


def sessions(lab: Lab) -> tuple[collections.Counter, float]:
    """Asks the router for one stream after the other, the popular ones more often."""
    chance = random.Random(1)
    wanted = chance.choices(range(1, STREAMS + 1), [1 / number for number in range(1, STREAMS + 1)], k=SESSIONS)
    counts: collections.Counter = collections.Counter()
    connection = http.client.HTTPConnection(address(lab, "r"), 8080, timeout=10)
    begun = time.monotonic()
    for number in wanted:
        status, body = get(connection, f"/live/many-{number}/index.m3u8")
        assert status == 200, (status, body)
        counts[pathways(body.decode())[0][0]] += 1
    return counts, time.monotonic() - begun


def rankings(lab: Lab, keys: int = 3000) -> dict[int, str]:
    """The first edge of each of some streams, which need not live."""
    with lab.inside("r"):
        connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
        found = {}
        for number in range(keys):
            status, body = get(connection, f"/api/v1/cluster/ranking/live%2Fkey-{number}")
            assert status == 200, (status, body)
            found[number] = json.loads(body)["ranking"][0]["node"]
        return found
