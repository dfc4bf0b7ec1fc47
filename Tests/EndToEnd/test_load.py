# SPDX-License-Identifier: Apache-2.0
"""Scenarios of `loadtests/scenarios`: thousands of viewers that behave as players do, beside a whole cluster; and what one
node costs as it has more to do. `make test` runs the smallest of both, `make prove load` all others but `soak`, which takes
six hours."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import time

import clips
import pytest
import scenarios
from conftest import ARTEFACTS, FULL, seconds
from lab.settings import program
from loopback import usage
from server import Server

CHOSEN = [name for name in scenarios.names() if name != "soak"] if FULL else ["smoke"]
# Streams and viewers.
GROWTH = [(1, 1), (1, 10), (1, 100), (1, 1000), (1, 10_000), (10, 10), (100, 100), (500, 500)] if FULL else [(1, 10)]


@pytest.mark.parametrize("name", CHOSEN)
def test_scenario(binary: str, name: str, figures) -> None:
    result = scenarios.run(name, ARTEFACTS / "load")
    for player, seen in result["watch"].items():
        if seen is not None:
            figures(kind="viewers", scenario=name, player=player, killed=result["killed"], broken=result["broken"],
                    seen={key: value for key, value in seen.items() if key != "samples"})
    figures(kind="nodes", scenario=name, viewers=result["viewers"], nodes=result["nodes"], copies=result["copies"],
            kib_per_viewer=result["kib_per_viewer"], growth_percent=result["growth_percent"], broken=result["broken"])
    assert not result["broken"], result["broken"]


@pytest.mark.parametrize("streams, viewers", GROWTH)
def test_cost_as_it_grows(binary: str, streams: int, viewers: int, tmp_path: pathlib.Path, figures) -> None:
    """One node with all roles, with so many streams and so many viewers of all of them together."""
    apart = (os.cpu_count() or 1) > 1
    length = int(seconds(10, 30))
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(Server(WEBRTC_ENABLED="false", RTP_ENABLED="false", RTMP_HOST="127.0.0.1"))
        if apart:
            for task in pathlib.Path(f"/proc/{node.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), scenarios.NODE_CORES)
        ramp = max(1, streams // 50)
        publisher = load("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", "grow-{n}", "--stamp",
                         "--file", clips.path("load-100k", "flv"), "--streams", streams, "--ramp", f"{ramp}s", "--seconds", 600)
        stack.callback(end, publisher)
        node.wait_live(f"grow-{streams}", seconds=40 + ramp)
        time.sleep(ramp)
        joining = max(1, viewers // 300)
        watch = load("watch", "hls", "--url", node.url("/live/grow-{n}/index.m3u8"), "--streams", streams, "--viewers",
                     viewers // streams, "--connections", 1, "--ramp", f"{joining}s", "--seconds", joining + length + 2,
                     "--result", tmp_path / "seen.json")
        stack.callback(end, watch)
        time.sleep(joining + 1)
        before = usage(node.pid)
        time.sleep(length)
        after = usage(node.pid)
        watch.wait(60)
    seen = json.loads((tmp_path / "seen.json").read_text())
    figures(kind="growth", streams=streams, viewers=viewers, cores=(after.seconds - before.seconds) / (after.at - before.at),
            memory=after.memory / 2**20, p50=seen["latencyMilliseconds"]["p50"], p95=seen["latencyMilliseconds"]["p95"],
            lag=seen["lagMilliseconds"]["p99"])
    assert seen["started"] == viewers, seen["faults"]
    assert seen["latencyMilliseconds"]["count"] > 0


@pytest.mark.unit
def test_scenarios_are_understood() -> None:
    """Also those that only `make prove load` runs."""
    for name in scenarios.names():
        scenario = scenarios.Scenario.load(name)
        assert scenario.viewers > 0 and scenario.about, name
        for one in scenario.watch.values():
            assert (scenarios.FOLDER / f"thresholds/{one['thresholds']}.json").exists(), one


def load(*words: object) -> subprocess.Popen:
    """millrace-load on the core of the load."""
    pinned = ["taskset", "-c", ",".join(map(str, scenarios.LOAD_CORES))] if (os.cpu_count() or 1) > 1 else []
    return subprocess.Popen([*pinned, program("millrace-load"), *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(20)
