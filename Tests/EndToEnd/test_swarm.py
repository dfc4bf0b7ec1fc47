# SPDX-License-Identifier: Apache-2.0
"""WebRTC viewers by the hundred, each a whole one (`millrace-load watch whep`): how soon they see something, how long
pictures are on their way, and what is left of them when they are gone."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

import clips
import pytest
from conftest import FULL, seconds
from server import BINARY, Server, wait_until

LOAD = pathlib.Path(BINARY).with_name("millrace-load")
SERVER_CORE, LOAD_CORE = {0}, {1}


@contextlib.contextmanager
def pinned(core: set[int]):
    """What is started meanwhile runs on this core only, so that server and load do not take each other's time."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core if core <= before else before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def server(binary: str):
    """One node on one core, with one UDP thread and a stream of RTMP with 2 s from one random access point to the next."""
    with contextlib.ExitStack() as stack:
        with pinned(SERVER_CORE):
            node = stack.enter_context(Server(WEBRTC_THREADS=1, RTP_ENABLED="false", RTMP_HOST="127.0.0.1"))
        length = seconds(300, 3600)
        publisher = start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", "swarm", "--stamp",
                          "--file", clips.path("real-time", "flv"), "--seconds", length)
        stack.callback(end, publisher)
        node.wait_live("swarm")
        yield node


def start(*words: object) -> subprocess.Popen:
    with pinned(LOAD_CORE):
        return subprocess.Popen([LOAD, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(20)


def watch(server: Server, tmp_path: pathlib.Path, *words: object) -> subprocess.Popen:
    """Viewers; what they saw stands in `seen` once they are gone."""
    return start("watch", "whep", "--url", server.url("/live/swarm/whep"), "--result", tmp_path / "seen.json", *words)


def seen(process: subprocess.Popen, tmp_path: pathlib.Path, length: float) -> dict:
    process.wait(length + 60)
    return json.loads((tmp_path / "seen.json").read_text())


def sound(result: dict) -> None:
    """Nobody failed, and whatever never came was dropped by the viewers' own sockets."""
    assert result["faults"] == {}, result
    assert result["started"] > 0, result
    assert result["lostPackets"] + result["repairedPackets"] <= result["overrunPackets"], result
    assert result["badPackets"] == 0, result


def test_viewers_join_at_once(server: Server, tmp_path: pathlib.Path, figures) -> None:
    """80 joins a second with 250 present: the places of those who leave are taken by others."""
    present, joins, length = (250, 80, 60) if FULL else (50, 20, 8)
    stay = f"{1000 * present // joins}ms"
    load = watch(server, tmp_path, "--viewers", present, "--joins", joins, "--stay", stay, "--seconds", length)
    result = seen(load, tmp_path, length)
    sound(result)
    figures(kind="joins", present=present, rate=result["joins"] / length, joins=result["joins"],
            **{name: result[f"{name}Milliseconds"] for name in ("answer", "connect", "start")})
    if FULL:
        assert result["connectMilliseconds"]["p95"] <= 100, result
        assert result["startMilliseconds"]["p95"] <= 300, result
    else:
        assert result["startMilliseconds"]["p50"] <= 5000, result


def test_pictures_go_on_at_once(server: Server, tmp_path: pathlib.Path, figures) -> None:
    """From the publisher's write to the viewer's last packet of a picture, at half of what a core can do."""
    viewers, length = (500, 60) if FULL else (40, 8)
    load = watch(server, tmp_path, "--viewers", viewers, "--joins", viewers // 5 if FULL else viewers, "--seconds", length)
    time.sleep(length * 0.5)
    before, begun = server.processor_seconds(), time.monotonic()
    time.sleep(length * 0.3)
    busy = (server.processor_seconds() - before) / (time.monotonic() - begun)
    result = seen(load, tmp_path, length)
    sound(result)
    figures(kind="delay", viewers=viewers, busy=busy, pictures=result["pictures"], freezes=result["freezes"],
            delay=result["delayMilliseconds"])
    assert result["delayMilliseconds"]["count"] > 0, result
    if FULL:
        assert result["delayMilliseconds"]["p99"] <= 5, result
        assert result["freezes"] == 0, result


def test_leaving_viewers_leave_nothing(server: Server, tmp_path: pathlib.Path, figures) -> None:
    """500 viewers come and go for ten minutes: memory, descriptors and threads stay what they are."""
    places, length, stay = (500, 600, 10) if FULL else (40, 12, 2)
    idle = holds(server)
    load = watch(server, tmp_path, "--viewers", places, "--joins", places // stay, "--stay", f"{stay}s", "--seconds", length)
    samples, begun = [], time.monotonic()
    while time.monotonic() - begun < length - 1:
        time.sleep(max(0.5, length / 200))
        samples.append(holds(server))
    result = seen(load, tmp_path, length)
    sound(result)
    quarter = len(samples) // 4
    first, last = ({key: statistics.median(sample[key] for sample in part) for key in idle}
                   for part in (samples[quarter:2 * quarter], samples[-quarter:]))
    figures(kind="churn", places=places, joins=result["joins"], seconds=length, idle=idle, first=first, last=last)
    assert result["left"] >= result["joins"] - places, result
    assert last["threads"] == first["threads"], (first, last)
    # Of the connections that ask and leave, some are always there.
    assert last["descriptors"] <= first["descriptors"] + places / 2, (first, last)
    if FULL:
        assert last["memory"] <= first["memory"] * 1.03, (first, last)
    wait_until(lambda: server.metric("millrace_webrtc_sessions") == 0, 40, "all sessions to be over")
    wait_until(lambda: holds(server)["descriptors"] <= idle["descriptors"] + 5, 40, "descriptors to be given back")


def test_a_run_says_how_it_goes(server: Server, tmp_path: pathlib.Path) -> None:
    """A line a second while viewers come and watch, whose sums are those of the result."""
    said = tmp_path / "said"
    with pinned(LOAD_CORE), open(said, "wb") as file:
        load = subprocess.Popen(
            [LOAD, "watch", "whep", "--url", server.url("/live/swarm/whep"), "--viewers", "10", "--joins", "5",
             "--seconds", "6", "--progress", "--result", tmp_path / "seen.json"],
            stdout=subprocess.DEVNULL, stderr=file)
    wait_until(lambda: re.search(r"^\d+ s: \d+ present", said.read_text(), re.M), 20, "the first line", every=0.05)
    assert load.poll() is None, "it said nothing before its end"
    result = seen(load, tmp_path, 6)
    lines = re.findall(r"^(\d+) s: (\d+) present, (\d+) joins/s, .* (\d+) packets/s", said.read_text(), re.M)
    assert len(lines) >= 4 and max(int(present) for _, present, _, _ in lines) == 10, said.read_text()
    assert sum(int(joins) for _, _, joins, _ in lines) >= 8 and int(lines[-1][3]) > 100, said.read_text()
    assert result["joins"] == 10, result


def holds(server: Server) -> dict[str, float]:
    """What the node holds."""
    process = pathlib.Path(f"/proc/{server.pid}")
    return {"memory": server.memory() / 2**20, "descriptors": len(list((process / "fd").iterdir())),
            "threads": len(list((process / "task").iterdir()))}
