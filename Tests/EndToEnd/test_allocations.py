# SPDX-License-Identifier: Apache-2.0
"""What a node takes from its allocator for each thing that it does, counted by a library preloaded into the real program
(`Benchmarks/c/allocations.c`). Counts are the same on a busy machine and on a slow one, so a number that grows is the
program's own doing: `Benchmarks/thresholds/allocations.json` says how large each may be, and moves only in the commit
that says why."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator

import clips
import pytest
from lab.settings import program
from server import ROOT, Server, bound, wait_until
from test_rtp import plain

LIBRARY = ROOT / "Benchmarks/c/allocations.c"
LIMITS = json.loads((ROOT / "Benchmarks/thresholds/allocations.json").read_text())
# Units a second of the clip that is published: pictures, and AAC of 1024 samples.
UNITS = 30 + 48_000 / 1024
SENT = "millrace_rtp_packets_sent_total"


@dataclasses.dataclass
class Counts:
    at: float
    allocations: int
    # Taken and not given back.
    bytes: int


class Counted:
    """A node whose allocations are counted."""

    def __init__(self, folder: pathlib.Path, **settings: object) -> None:
        compiler = shutil.which("clang") or shutil.which("cc")
        assert compiler, "no C compiler"
        self.library, file = folder / "allocations.so", folder / "counts"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self.library, LIBRARY, "-ldl"], check=True)
        file.write_bytes(bytes(24))
        self._file = file
        with open(file, "r+b") as opened:
            self._counts = mmap.mmap(opened.fileno(), 24)
        usual = {"RTP_ENABLED": "false", "RTMP_HOST": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "WEBRTC_HOST": "127.0.0.1",
                 "WEBRTC_THREADS": 1}
        self.node = Server(**(usual | settings))

    def __enter__(self) -> Counted:
        preloaded = {"LD_PRELOAD": str(self.library), "ALLOCATION_COUNTS": str(self._file)}
        os.environ.update(preloaded)
        try:
            self.node.__enter__()
        finally:
            for name in preloaded:
                del os.environ[name]
        assert self.now().allocations > 1000, "nothing is counted"
        return self

    def __exit__(self, *failure: object) -> None:
        self.node.__exit__(*failure)

    def now(self) -> Counts:
        allocations, taken, given = struct.unpack("<3Q", self._counts[:])
        return Counts(time.monotonic(), allocations, taken - given)

    @contextlib.contextmanager
    def publishing(self, clip: str, streams: int) -> Iterator[None]:
        process = start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{self.node.rtmp}/live", "--name", "count-{n}", "--file",
                        clips.path(clip, "flv"), "--streams", streams, "--seconds", 600)
        try:
            self.node.wait_live(f"count-{streams}")
            yield
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def counted(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    with Counted(tmp_path_factory.mktemp("counted")) as node:
        yield node


@pytest.fixture(scope="module")
def live(counted: Counted) -> Iterator[tuple[Counted, float]]:
    """With one stream; and how many allocations a second it is by itself."""
    with counted.publishing("load-300k", 1):
        time.sleep(6)
        before = counted.now()
        time.sleep(8)
        after = counted.now()
        yield counted, (after.allocations - before.allocations) / (after.at - before.at)


def test_frames(live, figures) -> None:
    """With all that comes of them: parts, segments and their hashes."""
    hold(figures, "allocations", "a frame published", live[1] / UNITS)


@pytest.mark.parametrize("what", ["playlist", "part"])
def test_answers(live, figures, what: str) -> None:
    counted, background = live
    playlist = "/live/count-1/main/media.m3u8"
    status, body = counted.node.get(playlist)
    assert status == 200
    parts = re.findall(r'#EXT-X-PART:[^\n]*URI="([^"]+)"', body.decode())
    path = playlist if what == "playlist" else f"/live/count-1/main/{parts[-1]}"
    before = counted.now()
    words = ["wrk", "-t1", "-c8", "-d4s", counted.node.url(path)]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    after = counted.now()
    answers = int(re.search(r"(\d+) requests in", text)[1])
    assert "Non-2xx" not in text, text
    hold(figures, "allocations", f"a {what} answered", per(before, after, background, answers))


def test_parts(live, figures, tmp_path: pathlib.Path) -> None:
    """Each is made for the only viewer, with the playlist that lists it; its coming and going included."""
    counted, background = live
    before = counted.now()
    watch = start("watch", "hls", "--url", counted.node.url("/live/count-1/index.m3u8"), "--connections", 1, "--seconds", 16,
                  "--result", tmp_path / "seen.json")
    watch.wait(60)
    after = counted.now()
    seen = json.loads((tmp_path / "seen.json").read_text())
    # Two a second: with fewer the viewer's coming would be what is counted.
    assert seen["started"] == 1 and not seen["faults"] and seen["parts"] >= 20, seen
    hold(figures, "allocations", "a part made", per(before, after, background, seen["parts"]))


def test_viewers(live, figures, tmp_path: pathlib.Path) -> None:
    """Viewers that wait for each playlist and fetch each part, their coming and going included."""
    counted, background = live
    before = counted.now()
    watch = start("watch", "hls", "--url", counted.node.url("/live/count-1/index.m3u8"), "--viewers", 200, "--connections", 1,
                  "--ramp", "2s", "--seconds", 12, "--result", tmp_path / "seen.json")
    watch.wait(60)
    after = counted.now()
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["started"] == 200 and not seen["faults"], seen["faults"]
    answers = seen["playlists"] + seen["parts"] + seen["initSections"]
    hold(figures, "allocations", "an answer to a viewer", per(before, after, background, answers))


def test_connections(live, figures) -> None:
    """Each asks for one playlist and stays."""
    counted, background = live
    count = 400
    before = counted.now()
    connections = [http.client.HTTPConnection("127.0.0.1", counted.node.http, timeout=20) for _ in range(count)]
    try:
        for connection in connections:
            connection.request("GET", "/live/count-1/main/media.m3u8")
            assert connection.getresponse().read()
        after = counted.now()
        hold(figures, "allocations", "a connection", per(before, after, background, count))
        hold(figures, "bytes", "a connection", (after.bytes - before.bytes) / count)
    finally:
        for connection in connections:
            connection.close()


def test_packets(live, figures, tmp_path: pathlib.Path) -> None:
    """From three seconds after the first viewer on, so that no handshake is among them."""
    counted, background = live
    watch = start("watch", "whep", "--url", counted.node.url("/live/count-1/whep"), "--viewers", 20, "--settle", "5s",
                  "--seconds", 11, "--result", tmp_path / "seen.json")
    time.sleep(5)
    before = counted.now()
    time.sleep(5)
    after = counted.now()
    watch.wait(60)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["started"] == 20, seen["faults"]
    packets = seen["steadyPackets"] / seen["steadySeconds"] * (after.at - before.at)
    hold(figures, "allocations", "a packet of WebRTC", per(before, after, background, packets))


def test_viewers_of_webrtc(live, figures, tmp_path: pathlib.Path) -> None:
    """What each holds when all have come and their handshakes are forgotten, which takes ten seconds."""
    counted, count = live[0], 200
    before = counted.now()
    watch = start("watch", "whep", "--url", counted.node.url("/live/count-1/whep"), "--viewers", count, "--whole", 1,
                  "--ramp", "3s", "--seconds", 120, "--result", tmp_path / "seen.json")
    wait_until(lambda: counted.node.metric("millrace_webrtc_sessions") == count, 60, "all viewers to be there")
    time.sleep(12)
    after = counted.now()
    watch.terminate()
    watch.wait(20)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["started"] == count and seen["left"] == count and not seen["faults"], seen
    hold(figures, "bytes", "a viewer of WebRTC", (after.bytes - before.bytes) / count)


def test_packets_of_plain_rtp(binary: str, tmp_path: pathlib.Path, figures) -> None:
    """From one source to fifty subscribers, from when all are there."""
    count, first = 50, 22_000
    with contextlib.ExitStack() as stack:
        counted = stack.enter_context(Counted(tmp_path, RTP_ENABLED="true", RTP_THREADS=1, WEBRTC_ENABLED="false"))
        time.sleep(3)
        begun = counted.now()
        time.sleep(5)
        idle = counted.now()
        background = (idle.allocations - begun.allocations) / (idle.at - begun.at)
        for words in (["publish", "rtp", "--url", f"rtp://127.0.0.1:{counted.node.rtp}", "--source", 7000, "--file",
                       clips.path("load-300k", "flv")], ["watch", "rtp", "--port", first, "--viewers", count]):
            process = start(*words, "--seconds", 120)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
        wait_until(lambda: bound(first + count - 1), 20, "the viewers' ports")
        with plain(counted.node) as call:
            session = call("CreateSession", source_address="127.0.0.1:0", ssrc=7000, media_type="video")["session_id"]
            for number in range(count):
                call("AddSubscriber", session_id=session, subscriber_address=f"127.0.0.1:{first + number}")
        time.sleep(2)
        # What it takes to tell this is not counted.
        earlier = counted.node.metric(SENT)
        before = counted.now()
        time.sleep(6)
        after = counted.now()
        packets = counted.node.metric(SENT) - earlier
        assert packets > count * 30 * 5, packets
        hold(figures, "allocations", "a packet of plain RTP", per(before, after, background, packets))


def test_streams(binary: str, tmp_path: pathlib.Path, figures) -> None:
    """Ten seconds old, with 125 KB of media each."""
    with Counted(tmp_path) as counted:
        before = counted.now()
        with counted.publishing("load-100k", 20):
            time.sleep(max(0.0, 10 - (counted.now().at - before.at)))
            hold(figures, "bytes", "a stream", (counted.now().bytes - before.bytes) / 20)


def per(before: Counts, after: Counts, background: float, count: float) -> float:
    """Allocations for each of so many, without those that the stream makes by itself."""
    return (after.allocations - before.allocations - background * (after.at - before.at)) / count


def hold(figures, kind: str, name: str, value: float) -> None:
    limit = LIMITS[kind][name]
    figures(kind=kind, name=name, value=value, limit=limit)
    assert value <= limit, f"{kind} of {name}: {value:.2f}, at most {limit}"


def start(*words: object) -> subprocess.Popen:
    return subprocess.Popen([program("millrace-load"), *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
