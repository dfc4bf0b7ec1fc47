# SPDX-License-Identifier: Apache-2.0
"""Scenarios of `loadtests/scenarios`: thousands of viewers that behave as players do, beside a whole cluster; and what one
node costs as it has more to do. `make test` runs the smallest of both, `make prove load` all others but `soak`, which takes
six hours."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import xml.etree.ElementTree

import clips
import growth
import pytest
import scenarios
from conftest import ARTEFACTS, FULL, seconds
from growth_chart import chart
from lab.settings import program
from loopback import usage
from prove import of, read_figures
from server import ROOT, Server

sys.path.insert(0, str(ROOT / "Benchmarks"))
import play  # noqa: E402
import web  # noqa: E402
import web_page  # noqa: E402
from cores import core_busy  # noqa: E402

CHOSEN = [name for name in scenarios.names() if name != "soak"] if FULL else ["smoke"]
# Streams and viewers.
GROWTH = [(1, 1), (1, 10), (1, 100), (1, 1000), (1, 10_000), (10, 10), (100, 100), (500, 500)] if FULL else [(1, 1), (1, 100)]
# Those that this run has measured.
MEASURED: list[tuple[int, int]] = []
APART = (os.cpu_count() or 1) > 1


@pytest.mark.parametrize("name", CHOSEN)
def test_scenario(binary: str, name: str, figures) -> None:
    result = scenarios.run(name, ARTEFACTS / "load")
    for player, seen in result["watch"].items():
        if seen is not None:
            figures(kind="trouble" if "oldestSeconds" in seen else "viewers", scenario=name, player=player, killed=result["killed"], broken=result["broken"],
                    seen={key: value for key, value in seen.items() if key != "samples"})
    figures(kind="nodes", scenario=name, viewers=result["viewers"], nodes=result["nodes"], copies=result["copies"], received=result["received"],
            publish={key: result["publish"][key] for key in ("published", "failures", "latenessMilliseconds")},
            kib_per_viewer=result["kib_per_viewer"], growth_percent=result["growth_percent"], broken=result["broken"])
    assert not result["broken"], result["broken"]


@pytest.mark.parametrize("streams, viewers", GROWTH)
def test_cost_as_it_grows(binary: str, streams: int, viewers: int, tmp_path: pathlib.Path, figures) -> None:
    """One node with all roles, with so many streams and so many viewers of all of them together."""
    length = int(seconds(4, 30))
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(Server(WEBRTC_ENABLED="false", RTP_ENABLED="false", RTMP_HOST="127.0.0.1"))
        if APART:
            for task in pathlib.Path(f"/proc/{node.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), scenarios.NODE_CORES)
        ramp = max(1, streams // 50)
        publisher = load("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", "grow-{n}", "--stamp",
                         "--file", clips.path("load-100k", "flv"), "--streams", streams, "--ramp", f"{ramp}s", "--seconds", 600,
                         "--result", tmp_path / "published.json")
        stack.callback(end, publisher)
        node.wait_live(f"grow-{streams}", seconds=40 + ramp)
        time.sleep(ramp)
        joining = max(1, viewers // 300)
        watch = load("watch", "hls", "--url", node.url("/live/grow-{n}/index.m3u8"), "--streams", streams, "--viewers",
                     viewers // streams, "--connections", 1, "--ramp", f"{joining}s", "--seconds", joining + length + 2,
                     "--result", tmp_path / "seen.json")
        stack.callback(end, watch)
        time.sleep(joining + 1)
        before, busy = usage(node.pid), core_busy()
        time.sleep(length)
        after, busy = usage(node.pid), core_busy() - busy
        watch.wait(60)
        end(publisher)
    passed, used = after.at - before.at, after.seconds - before.seconds
    seen, published = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("seen", "published"))
    steady = [sample["answers"] for sample in seen["samples"][joining + 1:joining + 1 + length]]
    figures(kind="growth", streams=streams, viewers=viewers, cores=used / passed, memory=after.memory / 2**20,
            # What else ran on the node's core.
            others=max(0.0, busy - used) / passed if APART else None, answers=statistics.mean(steady) / viewers,
            p50=seen["latencyMilliseconds"]["p50"], p95=seen["latencyMilliseconds"]["p95"],
            unstalled=seen["unstalledPercent"], late=published["latenessMilliseconds"]["p99"],
            lag=seen["lagMilliseconds"]["p99"])
    MEASURED.append((streams, viewers))
    assert seen["started"] == viewers and seen["unserved"] == 0, seen["faults"]
    assert published["published"] == streams and not published["failures"], published
    assert seen["latencyMilliseconds"]["count"] >= viewers
    # Two parts and two playlists a second: a load that asks for less measures less.
    assert statistics.mean(steady) >= 3.5 * viewers, (statistics.mean(steady), seen["lagMilliseconds"])


def test_cost_grows_evenly(figures) -> None:
    """No faster than a straight line with a constant; of what the tests before this one measured, now or, with `--again`, then."""
    measured = [one for one in of(read_figures(), "growth") if FULL or (one["streams"], one["viewers"]) in MEASURED]
    for name in growth.AXES if FULL else ["viewers"]:
        # Memory of so few viewers is less than two processes differ by anyway.
        for cost in ("cores", "memory") if FULL else ["cores"]:
            found = growth.line(measured, name, cost)
            assert found is not None, f"{cost} over {name} was not measured"
            figures(kind="line", axis=name, cost=cost, constant=found.constant, slope=found.slope, farthest=found.farthest)
            assert found.slope > 0, (name, cost, found)
            above = [point for point in growth.points(measured, name, cost) if point[1] > 1.3 * found.at(point[0])]
            assert not above, (name, cost, found, above)


@pytest.mark.unit
def test_a_line_is_found_among_points() -> None:
    counts = [1, 10, 100, 1000, 10_000]
    found = growth.fit([(count, 2 + 0.01 * count) for count in counts])
    assert abs(found.constant - 2) < 1e-6 and abs(found.slope - 0.01) < 1e-9 and abs(found.farthest) < 1e-6, found
    # What grows with the square of the count is far above any line somewhere.
    assert growth.fit([(count, 2 + 0.01 * count + 1e-5 * count**2) for count in counts]).farthest > 0.3
    # What is off by a tenth anywhere is found to be off by about that.
    for wrong in range(len(counts)):
        found = growth.fit([(count, (2 + 0.01 * count) * (1.1 if index == wrong else 1)) for index, count in enumerate(counts)])
        assert abs(found.farthest) < 0.11 and abs(found.constant - 2) < 0.25, (wrong, found)


@pytest.mark.unit
def test_growth_is_drawn_and_said() -> None:
    made = [{"streams": streams, "viewers": viewers, "cores": 0.01 + 0.0001 * viewers + 0.002 * streams,
             "memory": 50 + 0.01 * viewers + 3 * streams, "p95": 1600.0}
            for streams, viewers in [(1, 1), (1, 10), (1, 100), (10, 10), (100, 100)]]
    drawn = xml.etree.ElementTree.fromstring(chart(made))
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    # Three of each of three costs over viewers, and as many over streams.
    assert len(circles) == 18, len(circles)
    assert all(0 < float(one.get("cx")) < 900 and 0 < float(one.get("cy")) < 600 for one in circles)
    said = growth.sentences(made)
    assert len(said) == 6 and "**1.2 % of a core + 0.01 % of a core each**, to 100" in said[0], said
    assert "**50 MiB + 3082 KiB each**, to 100" in said[4], said


@pytest.mark.unit
def test_scenarios_are_understood() -> None:
    """Also those that only `make prove load` runs."""
    for name in scenarios.names():
        scenario = scenarios.Scenario.load(name)
        assert scenario.viewers > 0 and scenario.about, name
        for one in scenario.watch.values():
            assert (scenarios.FOLDER / f"thresholds/{one['thresholds']}.json").exists(), one


@pytest.mark.unit
def test_what_misleads_is_told() -> None:
    """Publishers that failed, were late, or did not notice the death that viewers were to feel."""
    good = {"published": 2, "failures": {"disconnected": 1}, "latenessMilliseconds": {"p95": 5.0}}

    def told(name: str, **changes: object) -> int:
        return len(scenarios.Run(scenarios.Scenario.load(name), None, pathlib.Path(), None)._misled(good | changes))

    assert told("origin-death") == 0 and told("origin-death", failures={}) == 1
    assert told("flash-crowd", failures={}) == 0 and told("flash-crowd") == 1
    assert told("flash-crowd", failures={}, published=0) == 1
    assert told("flash-crowd", failures={}, latenessMilliseconds={"p95": 900.0}) == 1
    assert told("mixed", failures={}) == 1 and told("mixed", failures={}, published=5) == 0


@pytest.mark.unit
def test_publishers_of_all_kinds_are_counted_together() -> None:
    def report(published: int, late: float, **failures: int) -> dict:
        return {"published": published, "bytes": 10, "messages": 2, "seconds": 60, "failures": failures,
                "latenessMilliseconds": {"p95": late}}

    made = scenarios.together([report(3, 1.0, disconnected=1), report(1, 9.0, checks=2), report(1, 2.0, disconnected=1)])
    assert (made["published"], made["bytes"], made["seconds"]) == (5, 30, 60), made
    assert made["failures"] == {"disconnected": 2, "checks": 2} and made["latenessMilliseconds"]["p95"] == 9.0, made


@pytest.mark.unit
def test_a_bench_says_what_it_did_not_run() -> None:
    """A case without turns of both servers, or with none that counts, is never said to be held."""
    def turn(server: str, connections: int, rate: float, **changes: object) -> dict:
        return {"server": server, "what": "playlist", "scheme": "http", "connections": connections, "bytes": 1000,
                "held": connections, "cpu_percent": 99.0, "memory_mib": 50.0, "answer_us": 20.0, "others_percent": 1.0,
                "sound": True, "failed": 0, "rate": rate, "p50_ms": 1.0, "p99_ms": 2.0, **changes}

    def page(turns: list[dict], missing: list[tuple]) -> web_page.Page:
        cases = [("playlist", "http", connections) for connections in (64, 100, 128, 1000, 10_000)]
        return web_page.Page(turns, missing, cases, 6, 3, 500)

    turns = [turn("millrace", 64, 200.0), turn("nginx", 64, 100.0), turn("millrace", 100, 101.0, cpu_percent=50.0),
             turn("nginx", 100, 100.0, cpu_percent=40.0), turn("millrace", 128, 99.0),
             turn("nginx", 128, 100.0, cpu_percent=94.0), turn("millrace", 1000, 90.0),
             turn("nginx", 1000, 100.0, others_percent=50.0), turn("millrace", 10_000, 300.0)]
    made = page(turns, [("playlist", "http", 10_000, "turn 1 of nginx: it ended"), ("segment", "h2", 64, "no h2load")])
    told = made.text()
    ratios = [line for line in told.splitlines() if line.startswith("| playlist, HTTP/1.1 |")
              and line.split(" | ")[2] not in ("millrace", "nginx")]
    assert [line.split(" | ")[4] for line in ratios] == ["yes", "not shown: both waited for the load", "no",
                                                         "not shown: no turn counts", "not shown"], ratios
    assert made.missed() == [("playlist", "http", 128)], made.missed()
    assert "- playlist, HTTP/1.1, 10000 connections: turn 1 of nginx: it ended" in told
    assert "- segment, HTTP/2 over TLS, 64 connections: no h2load" in told
    assert "Not run" not in page([turn(name, 64, 1.0) for name in ("millrace", "nginx")], []).text()


@pytest.mark.unit
def test_a_bench_of_play_compares_turns_that_count() -> None:
    def turn(server: str, viewers: int, cost: float, sound: bool = True) -> dict:
        return {"server": server, "viewers": viewers, "cpu_percent": cost * viewers, "cpu_per_viewer": cost,
                "kib_per_viewer": 20.0, "megabits": 2.0, "delay_p50": 1.0, "delay_p99": 4.0, "freezes": 0, "faults": {},
                "late_p99": 1.0, "others_percent": 1.0, "sound": sound}

    turns = [turn("millrace", 100, 0.05), turn("nginx-rtmp", 100, 0.1), turn("nginx-rtmp", 100, 0.3, sound=False),
             turn("millrace", 300, 0.05)]
    told = play.markdown(turns, ["turn 1 of nginx-rtmp with 300 viewers: it ended"], [100, 300], 15, 3)
    assert "| 100 | 0.50 |  |" in told and "| 300 | – | not shown" in told, told
    assert "| 100 | nginx-rtmp | 0.100 (0.100–0.100)" in told and "| 1 of 2 |" in told, told
    assert "- turn 1 of nginx-rtmp with 300 viewers: it ended" in told, told


@pytest.mark.unit
def test_a_bench_runs_what_the_machine_can(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = []
    monkeypatch.setattr(web.resource, "getrlimit", lambda _: (1024, 10_300))
    monkeypatch.setattr(web.resource, "setrlimit", lambda _, limits: allowed.append(limits))
    cases = [(what, "http", connections) for what in ("playlist", "segment") for connections in (64, 10_000, 10_200)]
    run, missing = web.possible(cases)
    assert run == [case for case in cases if case[2] < 10_200], run
    assert [one[:3] for one in missing] == [case for case in cases if case[2] == 10_200] and "10300" in missing[0][3], missing
    assert allowed == [(10_300, 10_300)], allowed


def load(*words: object) -> subprocess.Popen:
    """millrace-load on the core of the load."""
    pinned = ["taskset", "-c", ",".join(map(str, scenarios.LOAD_CORES))] if APART else []
    return subprocess.Popen([*pinned, program("millrace-load"), *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.terminate()
    process.wait(20)
