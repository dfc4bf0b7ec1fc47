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

from growth_chart import chart  # noqa: E402
from prove import of, read_figures, table  # noqa: E402
from proving import head, prove  # noqa: E402

TESTS = ["test_load.py"]
CHART = "load-growth.svg"


def page() -> str:
    """The whole document."""
    figures = read_figures()
    growth = of(figures, "growth")
    if growth:
        (ROOT / "docs/results" / CHART).write_text(chart(growth))
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
        *broken(figures),
        "## What the nodes took\n", NODES, table(TOOK, [took(figure) for figure in of(figures, "nodes")])
        or "Not measured in this run.\n",
        "## Cost as it grows\n", GROWTH, f"![Cost over viewers and streams]({CHART})\n" if growth else "",
        table(["streams", "viewers", "a core", "memory", "behind p50", "p95", "viewers' program late, p99"],
              [[figure["streams"], figure["viewers"], f"{figure['cores']:.1%}", f"{figure['memory']:.1f} MiB",
                *(f"{figure[key] / 1000:.2f} s" for key in ("p50", "p95")), f"{figure['lag']:.0f} ms"] for figure in growth]),
    ]
    return "\n".join(part for part in parts if part)


SCENARIOS = ("`loadtests/scenarios`: four edges in two regions, their origins and routers, all on one core of this machine. "
             "*Late* is how late the viewers' own program was, p99: far above some milliseconds its core was too small for "
             "them, and what they saw is that program's doing too.\n")
NODES = ("Of all nodes together, in the second half of the run; memory a viewer is what they grew by from before the first "
         "viewer, divided. *Copies* is the most streams that an edge took from others.\n")
GROWTH = ("One node with all roles on one core, 30 s each. The constant is what a node takes with one stream and one viewer.\n")
SEEN = ["scenario", "players", "viewers", "killed", "first picture p95", "behind p50", "p95", "p99", "without a stall",
        "over 2 s", "stood", "failed", "late", "held"]
TOOK = ["scenario", "viewers", "a core", "memory a viewer", "growth", "copies"]


def seen(figure: dict) -> list[object]:
    one = figure["seen"]
    killed = ", ".join(figure["killed"])
    if "latencyMilliseconds" not in one:
        delay = one["delayMilliseconds"]
        return [figure["scenario"], figure["player"], one["viewers"], killed, milliseconds(one["startMilliseconds"]["p95"]),
                *(milliseconds(delay[key]) for key in ("p50", "p95", "p99")), f"{one['freezes']} freezes", "", "",
                one["faultCount"], "", held(figure)]
    latency = one["latencyMilliseconds"]
    return [figure["scenario"], figure["player"], one["viewers"], killed, milliseconds(one["startMilliseconds"]["p95"]),
            *(milliseconds(latency[key]) for key in ("p50", "p95", "p99")), f"{one['unstalledPercent']:.2f} %",
            f"{one['longStalledPercent']:.2f} %", f"{one['rebufferPercent']:.3f} %", f"{one['faultPercent']:.4f} %",
            milliseconds(one["lagMilliseconds"]["p99"]), held(figure)]


def held(figure: dict) -> str:
    return "no" if any(line.startswith(f"{figure['player']}:") for line in figure["broken"]) else "yes"


def took(figure: dict) -> list[object]:
    nodes = figure["nodes"].values()
    return [figure["scenario"], figure["viewers"], f"{sum(node['cores'] for node in nodes):.0%}",
            f"{figure['kib_per_viewer']:.1f} KiB", f"{figure['growth_percent']:+.1f} %",
            f"{max(figure['copies'].values(), default=0):.0f}"]


def broken(figures: list[dict]) -> list[str]:
    lines = [f"- {figure['scenario']}: {line}" for figure in of(figures, "nodes") for line in figure["broken"]]
    return ["Not held:\n\n" + "\n".join(lines) + "\n"] if lines else []


def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.2f} s"


if __name__ == "__main__":
    sys.exit(prove(sys.argv[1:], "load", TESTS, page))
