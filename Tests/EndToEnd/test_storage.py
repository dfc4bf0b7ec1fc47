# SPDX-License-Identifier: Apache-2.0
"""Streams in an object store: they outlive their nodes, a bad store is nobody's trouble but its operator's."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from browser import Browser
from clusters import Publishing, topology, wait_members
from conftest import seconds
from lab import Lab
from lab.keeper import obstacle
from lint.findings import Report
from lint.playlist import parse
from process import Process, listens, wait_until
from publishers import Publisher
from server import BINARY, Server
from stores import (
    STUB, Listing, Reader, Seaweed, SmallDisk, StoreCache, bad_line, fetch, low_port, newest, quantile, refusing)


@pytest.fixture(scope="module")
def seaweed(binary):
    with Seaweed() as store:
        yield store


def listed(store: Seaweed, name: str) -> int:
    found = newest(store.base, name)
    return len(found[1].segments) if found else 0


def wait_listed(store: Seaweed, name: str, count: int, limit: float = 60) -> None:
    wait_until(lambda: listed(store, name) >= count, limit, f"{count} segments of {name} in the store")


def assert_whole(store: Seaweed, name: str) -> None:
    """All that is listed is there, without a gap and without a hole in the numbers."""
    url, listing = newest(store.base, name)
    assert not listing.gaps, listing.text
    assert listing.numbers == list(range(listing.numbers[0], listing.numbers[-1] + 1)), listing.numbers
    for uri in [*listing.maps, *listing.segments]:
        assert fetch(f"{url.rpartition('/')[0]}/{uri}"), uri


def test_a_recording_outlives_its_nodes(seaweed: Seaweed, figures) -> None:
    """Killed with its publisher, a node leaves all that it had acknowledged; nginx, ffprobe and Chromium play it."""
    name = "outlives"
    with Server(**seaweed.settings()) as server, Publisher("default", server.publish_url(name)) as publisher:
        wait_listed(seaweed, name, 6)
        before = listed(seaweed, name)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        publisher.kill()
    _, listing = newest(seaweed.base, name)
    stored = [key for key in seaweed.keys(f"live/{name}/main/") if key.endswith(".m4s")]
    figures(kind="outlives", listed=len(listing.segments), stored=len(stored), before=before)
    assert len(listing.segments) >= before
    assert len(stored) - len(listing.segments) <= 2, "more is stored than is listed"
    assert_whole(seaweed, name)
    with StoreCache(seaweed.base) as cdn:
        url = f"{cdn.url}/live/{name}/index.m3u8"
        assert {"video", "audio"} <= {stream["codec_type"] for stream in probe(url)["streams"]}
        begun = time.monotonic()
        with Browser() as browser:
            browser.open(f"{cdn.url}/page.html#/live/{name}/index.m3u8")
            wait_until(lambda: browser.evaluate("return v.currentTime") > 3, 40, "Chromium to play three seconds")
            played = browser.evaluate("return v.currentTime")
        figures(kind="plays", seconds=played, took=time.monotonic() - begun)


def test_a_publisher_that_comes_back_goes_on_with_its_recording(seaweed: Seaweed) -> None:
    """After a loss of all nodes the same recording goes on, on a new timeline, under numbers above; then it is exported,
    listed and deleted."""
    name = "returns"
    with Server(**seaweed.settings()) as server, Publisher("default", server.publish_url(name)):
        wait_listed(seaweed, name, 4)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
    first, before = newest(seaweed.base, name)
    with Server(PUBLISHER_GRACE="1s", **seaweed.settings()) as server:
        with Publisher("default", server.publish_url(name)):
            wait_listed(seaweed, name, len(before.segments) + 3)
        second, after = newest(seaweed.base, name)
        assert second == first and after.segments[:len(before.segments)] == before.segments
        assert after.text.count("#EXT-X-DISCONTINUITY\n") == 1 and not after.gaps
        assert after.numbers == sorted(set(after.numbers))
        wait_until(lambda: newest(seaweed.base, name)[1].ended, 30, "the recording to end")
        identity = f"live/{name}/{before.numbers[0]}"
        assert tool(server, "list", f"live/{name}").stdout.startswith(identity)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "out.mp4"
            done = export(seaweed, str(file), identity)
            assert done.returncode == 0, done.stderr
            spans = [float(probe(str(path))["format"]["duration"]) for path in (file, file.with_name("out-2.mp4"))]
            assert abs(sum(spans) - sum(newest(seaweed.base, name)[1].durations)) < 1, spans
        assert tool(server, "delete", identity).returncode == 0
        assert tool(server, "list", f"live/{name}").stdout == "no recordings\n"
    assert not seaweed.keys(f"live/{name}/") and not seaweed.keys(f"recordings/live/{name}/")


def test_a_faulty_store_never_shows_disorder(seaweed: Seaweed, figures) -> None:
    """A fifth of all requests fails; whoever polls the store sees every segment that is listed, and no playlist go back."""
    name = "faulty"
    with bad_line(seaweed.port, 20) as line, Server(PUBLISHER_GRACE="1s", **seaweed.settings(line.port)) as server:
        reader = Reader(seaweed.base, name)
        with Publisher("default", server.publish_url(name)):
            server.wait_live(name)
            reader.start()
            time.sleep(seconds(30, 1800))
        wait_until(lambda: newest(seaweed.base, name)[1].ended, 90, "the recording to end")
        reader.stop()
        samples = server.metrics()
        failed = sum(value for key, value in samples.items()
                     if key.startswith("millrace_store_attempts_total") and "succeeded" not in key)
        figures(kind="faulty", polls=reader.polls, segments=reader.seen, violations=len(reader.violations),
                failed=failed, gaps=len(newest(seaweed.base, name)[1].gaps))
    assert not reader.violations, reader.violations[:5]
    assert reader.seen > 5 and failed > 5, (reader.seen, failed)


def test_viewers_feel_nothing_of_a_store_that_hangs(seaweed: Seaweed, figures) -> None:
    """The store accepts and says nothing: playlists come as ever, the operator is told once, and what waited is stored
    when the store is back."""
    name, port = "hangs", low_port()
    with Process([sys.executable, STUB, "silent", port], lambda: listens(port)) as silent, \
            Server(STORAGE_TIMEOUT="1s", **seaweed.settings(port)) as server:
        with Publisher("default", server.publish_url(name)):
            server.wait_live(name)
            waits = [reload_time(server, name) for _ in range(24)]
            wait_until(lambda: server.log().count("does not take uploads") == 1, 20, "the operator to be told")
            silent.kill()
            with bad_line(seaweed.port, 0, at=port):
                wait_listed(seaweed, name, 10)
                wait_until(lambda: "takes uploads again" in server.log(), 20, "the operator to be told again")
                assert_whole(seaweed, name)
                lost = server.metric("millrace_upload_lost_total") + server.metric("millrace_upload_gaps_total")
                server.terminate()
        assert server.log().count("does not take uploads") == 1
    figures(kind="hangs", worst=max(waits), lost=lost)
    assert max(waits) < 1.5, waits
    assert lost == 0


def test_wrong_credentials_are_told_and_nothing_else(seaweed: Seaweed) -> None:
    name = "stranger"
    with Server(**seaweed.settings() | {"STORAGE_SECRET": "another-secret"}) as server:
        with Publisher("default", server.publish_url(name)):
            server.wait_live(name)
            wait_until(lambda: "wrongCredentials" in server.log(), 30, "the operator to be told")
            assert server.json("/health")["checks"]["storage"].startswith("wrongCredentials")
            assert server.get("/ready")[0] == 200 and server.get(f"/live/{name}/main/media.m3u8")[0] == 200
        assert "another-secret" not in server.log()


# What a store answers that does not get better by itself, and the word of it that the operator is told.
REFUSALS = {
    "full": (507, "InsufficientStorage", "full"), "quota": (403, "QuotaExceeded", "full"),
    "deleted": (404, "NoSuchBucket", "noBucket"), "skewed": (403, "RequestTimeTooSkewed", "clockSkew"),
}


def test_a_store_that_refuses_is_one_clear_alert(seaweed: Seaweed, figures) -> None:
    """Full, over its quota, its bucket deleted, its clock another: each node says once which, serves as ever, and stores
    all that waited when the store takes it again."""
    with contextlib.ExitStack() as stack:
        nodes, stores = {}, {}
        for name, (status, code, _) in REFUSALS.items():
            port = low_port()
            stores[name] = stack.enter_context(refusing(port, status, code))
            nodes[name] = stack.enter_context(Server(**seaweed.settings(port)))
            stack.enter_context(Publisher("default", nodes[name].publish_url(name)))
        for name, (_, _, word) in REFUSALS.items():
            wait_alert(nodes[name], word)
            assert nodes[name].get("/ready")[0] == 200
            assert nodes[name].get(f"/live/{name}/main/media.m3u8")[0] == 200
            stores[name].kill()
            stack.enter_context(bad_line(seaweed.port, 0, at=stores[name].port))
        lost = 0
        for name, node in nodes.items():
            wait_until(lambda: "takes uploads again" in node.log(), 30, f"{name}: the operator to be told again")
            wait_listed(seaweed, name, 8)
            assert_whole(seaweed, name)
            assert node.log().count("does not take uploads") == 1, node.log()[-2000:]
            lost += node.metric("millrace_upload_lost_total") + node.metric("millrace_upload_gaps_total")
        figures(kind="refused", stores=len(nodes), lost=lost)
    assert lost == 0


@pytest.mark.skipif(obstacle() is not None, reason=f"a small disk {obstacle()}")
def test_full_disks_are_one_clear_alert(binary, figures) -> None:
    """The disk of the store is full, and that of what waits for another store: viewers feel nothing, the operator is told
    once, what there was no room for is a gap, and the rest is stored in its order when there is room."""
    with (SmallDisk(600_000) as disk, SmallDisk(300_000) as spill, refusing(low_port(), 507, "Full") as away,
          Server(STORAGE_KIND="file", STORAGE_PATH=disk.path) as filled,
          Server(**Seaweed.account(away.port), STORAGE_MEMORY="256KiB", STORAGE_SPILL=spill.path) as spilling,
          Publisher("default", filled.publish_url("filled")), Publisher("default", spilling.publish_url("spilling"))):
        wait_alert(filled, "full")
        wait_alert(spilling, "full")
        wait_until(lambda: spilling.metric("millrace_upload_lost_total") > 0, 60, "the spill to be full")
        for node, name in ((filled, "filled"), (spilling, "spilling")):
            assert node.get("/ready")[0] == 200 and node.get(f"/live/{name}/main/media.m3u8")[0] == 200
        disk.grow(200_000_000)
        wait_until(lambda: "takes uploads again" in filled.log(), 30, "the operator to be told again")
        wait_until(lambda: Folder(disk.path).count("filled") >= 8, 30, "what waited to be stored")
        listing = Folder(disk.path).newest("filled")
        assert not listing.gaps and listing.numbers == list(range(listing.numbers[0], listing.numbers[-1] + 1))
        assert [node.log().count("does not take uploads") for node in (filled, spilling)] == [1, 1]
        figures(kind="full", lost=spilling.metric("millrace_upload_lost_total"))


def wait_alert(node: Server, word: str) -> None:
    """The operator is told once, with the store's reason, in the log and by /health."""
    wait_until(lambda: "does not take uploads" in node.log(), 40, "the operator to be told")
    line = next(line for line in node.log().splitlines() if "does not take uploads" in line)
    assert word in line, line
    assert node.json("/health")["checks"]["storage"].startswith(word)


def test_segments_are_stored_as_they_end(seaweed: Seaweed, figures) -> None:
    """From the end of a segment until the store has it, of twenty streams."""
    count = int(seconds(6, 20))
    with Server(**seaweed.settings()) as server, contextlib.ExitStack() as stack:
        for number in range(count):
            stack.enter_context(Publisher("low-latency", server.publish_url(f"lag-{number}")))
        for number in range(count):
            server.wait_live(f"lag-{number}")
        time.sleep(seconds(12, 300))
        samples = server.metrics()
        uploads = server.metric("millrace_upload_lag_seconds_count")
        lag = quantile(samples, "millrace_upload_lag_seconds", 0.95)
        mean = server.metric("millrace_upload_lag_seconds_sum") / uploads
        figures(kind="lag", streams=count, uploads=uploads, mean=mean, p95=lag)
    assert lag <= 0.5, (lag, mean)


def test_parts_are_in_the_store_while_the_stream_lives(seaweed: Seaweed) -> None:
    """With storage.parts a CDN finds parts there under the names that edges list, the same bytes; none is listed there, and
    none is left when a live window and half a minute have passed."""
    name = "parts"

    def stored() -> set[str]:
        folder = f"live/{name}/main/"
        keys = {key.removeprefix(folder) for key in seaweed.keys(folder)}
        return {key for key in keys if re.fullmatch(r"[0-9a-f-]+/\d+\.\d+\.m4s", key)}

    def on_both() -> set[str]:
        playlist = server.get(f"/live/{name}/main/media.m3u8")[1].decode()
        return set(re.findall(r'#EXT-X-PART:.*URI="([^"]+)"', playlist)) & stored()

    with Server(STORAGE_PARTS="true", HLS_WINDOW="3", PUBLISHER_GRACE="1s", **seaweed.settings()) as server:
        with Publisher("default", server.publish_url(name)):
            server.wait_live(name)
            found: set[str] = set()
            wait_until(lambda: bool(found.update(on_both()) or found), 30, "parts that the edge lists to be in the store")
            for uri in sorted(found)[-2:]:
                assert fetch(f"{seaweed.base}/live/{name}/main/{uri}") == server.get(f"/live/{name}/main/{uri}")[1], uri
            wait_listed(seaweed, name, 4)
            assert "#EXT-X-PART" not in newest(seaweed.base, name)[1].text
        wait_until(lambda: newest(seaweed.base, name)[1].ended, 30, "the recording to end")
        wait_until(lambda: not stored(), 90, "its parts to be removed")
        wait_until(lambda: outcome(server, "removed") >= outcome(server, "stored") > 0, 10, "their removal to be counted")
    assert_whole(seaweed, name)


@pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")
def test_a_successor_records_without_a_hole(binary, figures) -> None:
    """The gateway is killed; the origin at which its publisher arrives goes on with the recording where it stood."""
    with tempfile.TemporaryDirectory(prefix="millrace-store-") as folder:
        text = topology("one-region", storage__kind="file", storage__path=folder, publisher__grace="40s")
        with Lab.up(text) as lab:
            wait_members(lab, "n1", {"n1", "n2", "n3"})
            store = Folder(folder)
            with Publishing(lab, "person", "n1", "show"):
                wait_until(lambda: store.count("show") >= 5, 60, "five segments in the store")
                lab.kill("n1")
            before = store.newest("show")
            with Publishing(lab, "person", "n2", "show"):
                wait_until(lambda: store.count("show") >= len(before.segments) + 5, 60, "the successor to record")
            after = store.newest("show")
    figures(kind="successor", before=len(before.segments), after=len(after.segments), gaps=len(after.gaps))
    assert after.segments[:len(before.segments)] == before.segments
    assert not after.gaps and "DISCONTINUITY" not in after.text
    assert after.numbers == list(range(after.numbers[0], after.numbers[-1] + 1))
    assert len({uri.partition("/")[0] for uri in after.segments}) >= 2, "one term wrote it all"


def outcome(server: Server, of: str) -> float:
    """How many parts were stored, dropped or removed."""
    return server.metrics().get(f'millrace_upload_parts_total{{outcome="{of}"}}', 0)


def reload_time(server: Server, name: str) -> float:
    """How long a blocking request for the next part takes."""
    path = f"/live/{name}/main/media.m3u8"
    msn, part = parse(server.get(path)[1], Report()).next_part()
    begun = time.monotonic()
    assert server.get(f"{path}?_HLS_msn={msn}&_HLS_part={part}")[0] == 200
    return time.monotonic() - begun


class Folder:
    """A store in a folder."""

    def __init__(self, path: str) -> None:
        self.path = pathlib.Path(path)

    def newest(self, name: str):
        index = self.path / "live" / name / "index.m3u8"
        if not index.exists():
            return None
        uri = next(line for line in index.read_text().splitlines() if line and not line.startswith("#"))
        return Listing((index.parent / uri).read_text())

    def count(self, name: str) -> int:
        found = self.newest(name)
        return len(found.segments) if found else 0


def probe(what: str) -> dict:
    done = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", what],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tool(server: Server, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([BINARY, "recordings", *words, "--node", server.url("")], capture_output=True, text=True,
                          timeout=60)


def export(store: Seaweed, *words: str) -> subprocess.CompletedProcess:
    others = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    settings = {f"MILLRACE_{name}": str(value) for name, value in store.settings().items()}
    return subprocess.run([BINARY, "recordings", "export", *words], capture_output=True, text=True, timeout=60,
                          env=others | settings)
