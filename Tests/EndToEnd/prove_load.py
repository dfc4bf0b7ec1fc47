#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the full proof under load and writes docs/results/load.md from what was measured.

`make prove load` calls this, as root. `--only WORDS` is handed to pytest's -k (a scenario's name is one), `--again` keeps
the figures but for those that are measured anew, `--short` takes the lengths of make test, `--render` writes the page again
from the figures of the last run.
"""

from __future__ import annotations

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Beside those of the other subjects; conftest.py and prove.py take the same.
ARTEFACTS = pathlib.Path(os.environ.setdefault("MILLRACE_ARTEFACTS", str(ROOT / ".tools/load")))

import growth  # noqa: E402
from growth_chart import chart  # noqa: E402
from prove import of, read_figures, table  # noqa: E402
from proving import head, prove  # noqa: E402

TESTS = ["test_load.py"]
CHART = "load-growth.svg"


def page() -> str:
    """The whole document."""
    figures = read_figures()
    grown = of(figures, "growth")
    if grown:
        (ROOT / "docs/results" / CHART).write_text(chart(grown))
    parts = [
        *head(
            "Under load, proven",
            "Every figure here was measured by `make prove load` (`Tests/EndToEnd/prove_load.py`) and is written by it. "
            "Viewers are `millrace-load`'s, which behave as hls.js does and play in real time (`loadtests/README.md`); how far "
            "behind they are is measured by the publisher's stamps in the pictures themselves. Nodes are on one core, viewers "
            "and publishers on the other. Beside other servers, by `scripts/bench`: nginx (`http`, `ingest`), Janus (`whep`).",
            figures),
        "Measured at " + ", ".join(sorted({figure.get("commit", "?") for figure in figures})) + ".\n",
        "## Scenarios\n", SCENARIOS, table(SEEN, [seen(figure) for figure in of(figures, "viewers")])
        or "Not measured in this run.\n",
        TROUBLE if of(figures, "trouble") else "", table(
            ["scenario", "peers", "connections", "ended by the node", "after p50", "p95", "oldest that was not", "held"],
            [trouble(figure) for figure in of(figures, "trouble")]),
        *broken(figures),
        "## What the nodes took\n", NODES, table(TOOK, [took(figure) for figure in of(figures, "nodes")])
        or "Not measured in this run.\n",
        "## Cost as it grows\n", GROWTH, f"![Cost over viewers and streams]({CHART})\n" if grown else "",
        "\n".join(f"- {sentence}" for sentence in growth.sentences(grown)) + "\n" if grown else "",
        table(["streams", "viewers", "a core", "others on it", "memory", "answers/s a viewer", "behind p50", "p95",
               "without a stall", "viewers' program late, p99", "publishers late, p99"], [grew(figure) for figure in grown])
        or "Not measured in this run.\n",
    ]
    return "\n".join(part for part in parts if part)


SCENARIOS = ("`loadtests/scenarios`: four edges in two regions, their origins and routers, all on one core of this machine. "
             "*Late* is how late the viewers' own program was, p99: far above some milliseconds its core was too small for "
             "them, and what they saw is that program's doing too.\n")
TROUBLE = ("Beside them, peers that behave badly, each again a second after it was ended: *slow* takes a byte a second, *half* sends "
           "half a request, *silent* nothing.\n")
NODES = ("Of all nodes together, in the second half of the run; memory a viewer is what they grew by from before the first "
         "viewer, divided. *Copies* is the most streams that an edge took from others, *received* the most bytes, of all "
         "that was published.\n")
GROWTH = ("One node with all roles on one core, streams of 100 kbit/s in parts of half a second, 30 s each once all have come. CPU "
          "is user and system time of the node's process by /proc/PID/stat, memory its resident set. Lines are found by least "
          "squares, each point weighed by its own size; of streams each has a viewer, who is in its slope. *Late* far above "
          "some milliseconds: the core of the viewers and publishers was too small for them, and what they saw is its doing "
          "too.\n")
SEEN = ["scenario", "players", "viewers", "killed", "first picture p95", "behind p50", "p95", "p99", "without a stall",
        "over 2 s", "stood", "waited in vain", "failed", "late", "held"]
TOOK = ["scenario", "viewers", "a core", "memory a viewer", "growth", "copies", "received", "publishers lost", "late p99"]


def seen(figure: dict) -> list[object]:
    one = figure["seen"]
    killed = ", ".join(figure["killed"])
    if "latencyMilliseconds" not in one:
        delay = one["delayMilliseconds"]
        return [figure["scenario"], figure["player"], one["viewers"], killed, milliseconds(one["startMilliseconds"]["p95"]),
                *(milliseconds(delay[key]) for key in ("p50", "p95", "p99")), f"{one['freezes']} freezes", "", "",
                one["unserved"], one["faultCount"], milliseconds(one["lagMilliseconds"]["p99"]), held(figure)]
    latency = one["latencyMilliseconds"]
    return [figure["scenario"], figure["player"], one["viewers"], killed, milliseconds(one["startMilliseconds"]["p95"]),
            *(milliseconds(latency[key]) for key in ("p50", "p95", "p99")), f"{one['unstalledPercent']:.2f} %",
            f"{one['longStalledPercent']:.2f} %", f"{one['rebufferPercent']:.3f} %", one["unserved"],
            f"{one['faultPercent']:.4f} %",
            milliseconds(one["lagMilliseconds"]["p99"]), held(figure)]


def trouble(figure: dict) -> list[object]:
    one = figure["seen"]
    return [figure["scenario"], figure["player"], one["opened"], one["closed"],
            *(milliseconds(one["closedMilliseconds"][key]) for key in ("p50", "p95")), f"{one['oldestSeconds']:.0f} s", held(figure)]


def held(figure: dict) -> str:
    return "no" if any(line.startswith(f"{figure['player']}:") for line in figure["broken"]) else "yes"


def took(figure: dict) -> list[object]:
    nodes = figure["nodes"].values()
    return [figure["scenario"], figure["viewers"], f"{sum(node['cores'] for node in nodes):.0%}",
            f"{figure['kib_per_viewer']:.1f} KiB", f"{figure['growth_percent']:+.1f} %",
            f"{max(figure['copies'].values(), default=0):.0f}", f"{max(figure['received'].values(), default=0):.2f}",
            sum(figure["publish"]["failures"].values()), milliseconds(figure["publish"]["latenessMilliseconds"]["p99"])]


def grew(figure: dict) -> list[object]:
    others = "" if figure["others"] is None else f"{figure['others']:.1%}"
    return [figure["streams"], figure["viewers"], f"{figure['cores']:.1%}", others, f"{figure['memory']:.1f} MiB",
            f"{figure['answers']:.2f}", *(milliseconds(figure[key]) for key in ("p50", "p95")),
            f"{figure['unstalled']:.2f} %", milliseconds(figure["lag"]), milliseconds(figure["late"])]


def broken(figures: list[dict]) -> list[str]:
    lines = [f"- {figure['scenario']}: {line}" for figure in of(figures, "nodes") for line in figure["broken"]]
    return ["Not held:\n\n" + "\n".join(lines) + "\n"] if lines else []


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.2f} s"


if __name__ == "__main__":
    sys.exit(prove(sys.argv[1:], "load", TESTS, page))
