#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof of a cluster and writes docs/results/cluster.md from what was measured.

`make prove cluster` calls this, as root. `--only WORDS` is handed to pytest's -k, `--part NAME` runs one of gossip,
simulation and nodes, `--again` keeps the figures of nodes but for those that are measured anew, `--short` takes the
short lengths, `--render` writes the page again from the figures of the last run.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of a single node; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/cluster")))
TARGET = ROOT / "docs/results/cluster.md"

from prove import machine, of, outcomes, read_figures, table  # noqa: E402

TESTS = [str(HERE / "test_cluster.py"), str(HERE / "test_cluster_bad_input.py")]
GOSSIP = [str(ROOT / "cluster/gossip-bench"), "millrace", "serf", "--output", str(ARTEFACTS)]
SIMULATION = ["sim", "--scenario", "crash", "--nodes", "1000", "--loss", "0.1", "--seeds", "5"]
PARTS = ("gossip", "simulation", "nodes")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Proves a cluster and writes docs/results/cluster.md.")
    parser.add_argument("--only", help="a pytest -k expression; of the parts only nodes is run")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be given again")
    parser.add_argument("--again", action="store_true", help="of the nodes keep what is not measured anew")
    parser.add_argument("--short", action="store_true", help="the lengths of make test")
    parser.add_argument("--render", action="store_true", help="only write the page from the last figures")
    options = parser.parse_args(arguments)
    parts = [] if options.render else ["nodes"] if options.only else options.part or PARTS
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    status = 0
    if "gossip" in parts:
        status |= run([*GOSSIP, *(["--short"] if options.short else [])])
    if "simulation" in parts:
        status |= simulate(options.short)
    if "nodes" in parts:
        status |= prove_nodes(options)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page())
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return status


def simulate(short: bool) -> int:
    """The simulation's own words, twice: the same seeds must come to the same end."""
    program = str(pathlib.Path(os.environ["PROGRAM"]).with_name("millrace-drill"))
    words = [program, *SIMULATION[:-1], "1" if short else SIMULATION[-1]]
    runs = [subprocess.run(words, capture_output=True, text=True) for _ in range(2)]
    print(runs[0].stdout, runs[0].stderr, sep="", end="")
    one, other = (re.findall(r"hash (\w+)", each.stdout) for each in runs)
    again = "the same hash in a second run" if one == other else f"ANOTHER hash in a second run: {other}"
    (ARTEFACTS / "simulation.txt").write_text(f"$ millrace-drill {' '.join(words[1:])}\n{runs[0].stdout}{again}\n")
    return int(runs[0].returncode != 0 or not one or one != other)


def prove_nodes(options: argparse.Namespace) -> int:
    if not options.again:
        for path in (ARTEFACTS / "figures.jsonl", *ARTEFACTS.glob("proof*.xml")):
            path.unlink(missing_ok=True)
        shutil.rmtree(ARTEFACTS / "cluster", ignore_errors=True)
    outcome = ARTEFACTS / f"proof-{len(list(ARTEFACTS.glob('proof*.xml'))):03}.xml"
    command = [sys.executable, "-m", "pytest", "-q", *TESTS, f"--junit-xml={outcome}"]
    command += ["-k", options.only] if options.only else []
    return run(command, os.environ | ({} if options.short else {"PROVE": "1"}))


def run(command: list[str], environment: dict[str, str] | None = None) -> int:
    return subprocess.run(command, env=environment, cwd=ROOT).returncode


def page() -> str:
    """The whole document."""
    figures = read_figures()
    cases = outcomes()
    failed = [name for name, passed in cases.items() if not passed]
    ended = datetime.datetime.fromtimestamp(max((figure["ended"] for figure in figures), default=0), datetime.UTC)
    lengths = "" if all(figure["full"] for figure in figures) else " **The lengths are those of `make test`.**"
    parts = [
        "# A cluster, proven\n",
        "Every figure here was measured by `make prove cluster` (`Tests/EndToEnd/prove_cluster.py`) and is written by it. "
        "All nodes are real processes in network namespaces of one machine (`cluster/README.md`), their encoders and "
        "players among them.\n",
        f"{len(cases)} tests, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}. "
        f"Ended {ended:%Y-%m-%d %H:%M} UTC.{lengths}\n",
        "## Machine and versions\n", table(["what", "which"], machine()),
        "## Gossip beside serf\n", words("gossip.md", "`cluster/gossip-bench millrace serf`"),
        "## Gossip of 1000 nodes in virtual time\n",
        block("simulation.txt"),
        *(section(figures, *each) for each in SECTIONS),
    ]
    return "\n".join(part for part in parts if part)


def words(name: str, how: str) -> str:
    """What a part wrote, with the command that wrote it."""
    path = ARTEFACTS / name
    return f"{how}:\n\n{path.read_text()}" if path.exists() else "Not measured in this run.\n"


def block(name: str) -> str:
    path = ARTEFACTS / name
    return f"```\n{path.read_text()}```\n" if path.exists() else "Not measured in this run.\n"


def section(figures: list[dict], title: str, about: str, kind: str, columns: dict[str, str]) -> str:
    """A heading, a sentence, and a row of each figure of a kind: each column a format of its values."""
    def cell(text: str, figure: dict) -> str:
        try:
            return text.format(**figure)
        except KeyError:
            return "–"  # an earlier run did not measure it

    rows = [[cell(text, figure) for text in columns.values()] for figure in of(figures, kind)]
    return f"## {title}\n\n{about}\n\n{table(list(columns), rows) or 'Not measured in this run.' + chr(10)}"


TWO = "Two regions 75 ms apart, each three origins, a shield, two edges, a router; ffmpeg publishes to an origin of the first."
SECTIONS = [
    ("The same bytes everywhere", f"{TWO} Every init section, part and segment that the six edges and shields list is "
     "taken and hashed; one of them is started late, one is killed and started again.", "bytes",
     {"nodes": "{nodes}", "segments on all": "{segments}", "parts on all": "{parts}", "names": "{names}",
      "different": "{different}", "listed and not given": "{refused}", "took": "{seconds:.0f} s"}),
    ("Players in the far region", "Through the far region's router.", "players",
     {"ffprobe": "{video} {rate:.0f}/s, {audio}", "playbin3 played": "{played:.0f} s"}),
    ("Latency in the far region", "hls.js in headless Chromium through the far router's page; wall clock less program date "
     "time at the playhead, a sample each half second. The goal is that of one node and the way between the regions.",
     "far latency",
     {"samples": "{samples}", "p50": "{p50:.2f} s", "p95": "{p95:.2f} s", "worst": "{worst:.2f} s",
      "goal (p95)": "{limit} s", "stalls": "{stalls}", "start": "{startup:.1f} s"}),
    ("One upstream copy", "What comes over the relay to an edge of the far region, beside what the publisher sends in the "
     "same time.", "one copy",
     {"viewers": "{viewers}", "streams taken": "{upstreams:.0f}", "bytes over the relay": "{relay_bytes:,.0f}",
      "bytes of the publisher": "{published_bytes:,.0f}", "share": "{share:.2f}", "bytes to viewers": "{sent_bytes:,.0f}"}),
    ("Viewers over edges", "Sessions over streams of Zipf audiences, each counted at the edge of its first pathway; then "
     "one more edge, and the share of keys whose first edge is another.", "balance",
     {"sessions": "{sessions}", "streams": "{streams}", "edges": "{edges}", "viewers an edge": "{shares}",
      "max / average": "{ratio:.3f}", "goal": "1.25", "moved": "{moved:.2%} of {keys}", "allowed": "{allowed:.2%}"}),
    ("An edge dies under a viewer", "hls.js plays from the edge that is lost; it goes on from the second URL of its "
     "playlist. The goal: no stall over 2 s, no reload.", "edge lost",
     {"how": "{how}", "stalls": "{stalls}", "stalled": "{stalled:.2f} s", "playhead stood at most": "{longest:.1f} s",
      "reloads": "{reloads}"}),
]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
