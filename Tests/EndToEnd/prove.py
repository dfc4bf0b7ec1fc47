#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of a single node and writes docs/results/single-node.md from what was measured.

`make prove single-node` calls this; `--only WORDS` is handed to pytest's -k, `--again` keeps the figures of earlier runs
but for those that are measured anew, `--render` writes the page again from what there is.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ARTEFACTS = pathlib.Path(os.environ.get("MILLRACE_ARTEFACTS", ROOT / ".tools/end-to-end"))
TARGET = ROOT / "docs/results/single-node.md"
# What earlier machines measured, committed beside the pages: figures as conftest.py writes them, and outcomes of tests.
RECORD = ROOT / f"docs/results/figures/{ARTEFACTS.name}.jsonl"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Proves a single node and writes docs/results/single-node.md.")
    parser.add_argument("--only", help="a pytest -k expression")
    parser.add_argument("--again", action="store_true", help="keep what is not measured anew")
    parser.add_argument("--render", action="store_true", help="only write the page from the last figures")
    options = parser.parse_args(arguments)
    outcome = ARTEFACTS / f"proof-{len(list(ARTEFACTS.glob('proof*.xml'))) if options.again else 0:03}.xml"
    command = [sys.executable, "-m", "pytest", "-q", str(HERE), f"--junit-xml={outcome}",
               # What the proofs of the other subjects prove.
               *(f"--ignore={HERE / name}" for name in ("test_cluster.py", "test_cluster_bad_input.py", "test_lab.py",
                                                        "test_chaos.py", "test_deaths.py", "test_drains.py",
                                                        "test_failover.py", "test_load.py", "test_storage.py",
                                                        "test_swarm.py", "test_interop.py",
                                                        "test_whep_deaths.py"))]
    status = 0
    if not options.render:
        if not options.again:
            shutil.rmtree(ARTEFACTS, ignore_errors=True)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        if options.only:
            command += ["-k", options.only]
        status = subprocess.run(command, env=os.environ | {"PROVE": "1"}, cwd=ROOT).returncode
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page(read_figures(), outcomes()))
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return status


def read_figures() -> list[dict]:
    """The newest figures of each test."""
    figures = [line for file in (RECORD, ARTEFACTS / "figures.jsonl") for line in lines(file) if "kind" in line]
    newest = {figure["test"]: figure["begun"] for figure in sorted(figures, key=lambda figure: figure["begun"])}
    kept = [figure for figure in figures if figure["begun"] == newest[figure["test"]]]
    return list({json.dumps(figure): figure for figure in kept}.values())


def outcomes() -> dict[str, bool]:
    """Whether each test passed that ran, by its newest run."""
    import xml.etree.ElementTree
    cases = {line["case"]: line["passed"] for line in lines(RECORD) if "case" in line}
    for file in sorted(ARTEFACTS.glob("proof*.xml"), key=lambda file: file.stat().st_mtime):
        for case in xml.etree.ElementTree.parse(file).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}".removeprefix("Tests.EndToEnd.")
            cases[name] = case.find("failure") is None and case.find("error") is None
    return cases


def lines(file: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def page(figures: list[dict], cases: dict[str, bool]) -> str:
    """The whole document."""
    failed = [name for name, passed in cases.items() if not passed]
    ended = datetime.datetime.fromtimestamp(max((figure["ended"] for figure in figures), default=0), datetime.UTC)
    parts = [
        "# A single node, proven\n",
        "Every figure here was measured by `make prove single-node` (`Tests/EndToEnd/prove.py`) and is written by it.\n",
        f"{len(cases)} tests, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}. "
        f"Ended {ended:%Y-%m-%d %H:%M} UTC.\n",
        "## Machine and versions\n", table(["what", "which"], machine()),
        "Measured at " + ", ".join(sorted({figure.get("commit", "?") for figure in figures})) + ".\n",
        "## Publishers\n", PUBLISHERS, table(
            ["publisher", "segments", "parts", "MiB", "audio from video at most", "findings"],
            [[figure["name"], figure["segments"], figure["parts"], mebibytes(figure["bytes"]), milliseconds(figure["step"]),
              findings(figure)] for figure in of(figures, "publisher")]),
        table(["flashes", "flash to beep at most", "in the source"],
              [[figure["flashes"], milliseconds(figure["worst"]), milliseconds(figure["source"])]
               for figure in of(figures, "sync")]),
        "## Latency in a browser\n", LATENCY, table(
            ["profile", "samples", "p50", "p95", "worst", "goal (p95)", "stalls", "frames dropped", "start"],
            [[figure["name"], figure["samples"], *(f"{figure[key]:.2f} s" for key in ("p50", "p95", "worst")),
              f"{figure['limit']} s", figure["stalls"], f"{figure['dropped']} of {figure['frames']}",
              f"{figure['startup']:.1f} s"] for figure in of(figures, "latency")]),
        table(["Chromium's own player", "stalls"],
              [[f"{figure['rate']:.3f} s of media a second", figure["stalls"]] for figure in of(figures, "native")]),
        "## Lint of live playlists\n", LINT, table(
            ["profile", "playlists", "segments", "parts", "requests", "errors", "warnings"],
            [[figure["name"], *(figure[key] for key in ("playlists", "segments", "parts", "requests", "errors", "warnings"))]
             for figure in of(figures, "lint")]),
        "## Five hundred viewers blocked on one part\n", table(
            ["viewers", "renderings", "p50", "p99", "worst"],
            [[figure["viewers"], f"{figure['renderings']:.0f}",
              *(f"{figure[key]:.1f} ms" for key in ("p50", "p99", "worst"))] for figure in of(figures, "blocking")]),
        "## kill -9 of the publisher, and its return\n", table(
            ["playback went on after", "reloads", "discontinuities", "stalls"],
            [[f"{figure['resumed']:.1f} s" if figure["resumed"] else "never", figure["reloads"], figure["discontinuities"],
              figure["stalls"]] for figure in of(figures, "return")]),
        "## Stop\n", table(["SIGTERM to the end of the process"],
                           [[f"{figure['seconds']:.2f} s"] for figure in of(figures, "stop")]),
    ]
    return "\n".join(part for part in parts if part)


def machine() -> list[list[str]]:
    """What it ran on."""
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")) / 2**20
    rows = [["processor", f"{processor}, {os.cpu_count()} cores"], ["memory", f"{memory:.0f} GiB"],
            ["kernel", platform.release()]]
    sys.path.insert(0, str(HERE))
    import clips
    import server
    commands = {"millrace": [server.BINARY, "version"], "ffmpeg": ["ffmpeg", "-version"],
                "static ffmpeg": [clips.ffmpeg9(), "-version"], "gstreamer": ["gst-launch-1.0", "--version"],
                "chromium": ["chromium", "--version"]}
    for name, command in commands.items():
        done = subprocess.run(command, capture_output=True, text=True)
        rows.append([name, (done.stdout.strip().splitlines() or [done.stderr.strip()])[0]])
    return rows


def of(figures: list[dict], kind: str) -> list[dict]:
    return [figure for figure in figures if figure.get("kind") == kind]


def table(head: list[str], rows: list[list]) -> str:
    """A Markdown table; empty where there is no row."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def findings(figure: dict) -> str:
    return ", ".join(figure["findings"]) or "none"


def mebibytes(count: int) -> str:
    return f"{count / 2**20:.1f}"


def milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:.0f} ms"


PUBLISHERS = ("Each publisher was read for a minute by ffprobe, gstreamer's playbin3 and `hlslint.py` with its box walker "
              "(decode times, fragment numbers, durations to one frame, segments equal to their parts). That two replicas of one "
              "feed, one joining late at every segment, give the same bytes for every name is shown without a network by "
              "`swift test -c release --filter 'HLSTests|RelayTests'`, and between three nodes by `ClusterNodeTests`. CPU and "
              "memory beside nginx-rtmp: [ingest.md](ingest.md); over 10 minutes: [memory.md](memory.md).\n")
LATENCY = ("hls.js in headless Chromium through our page; wall clock less program date time at the playhead, a sample each "
           "half second.\n")
LINT = "`python3 Tests/EndToEnd/hlslint.py URL --seconds 600`: rules from RFC 8216bis and Apple's authoring specification.\n"

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
