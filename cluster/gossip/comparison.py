# SPDX-License-Identifier: Apache-2.0
"""Both programs by turns, and the table of what was measured."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from typing import Any

from lab import Lab

from .agents import KINDS
from .measures import Bench, Lengths


def compare(programs: list[str], lengths: Lengths, topology: str = "fifty-gossip") -> dict[str, Any]:
    """Every measure of every program; a network of its own for each, so that nothing of one reaches the other."""
    result: dict[str, Any] = {"machine": machine(), "lengths": vars(lengths), "programs": {}}
    for name in programs:
        with Lab.up(topology, start=False) as lab:
            result["nodes"] = len(lab.topology.nodes)
            result["programs"][name] = Bench(lab, KINDS[name](), lengths).run()
    return result


def markdown(result: dict[str, Any]) -> str:
    """A row for each measure, a column for each program."""
    programs = result["programs"]
    lengths = result["lengths"]
    lines = [f"{result['nodes']} processes, each in a network namespace of its own, on one bridge. {result['machine']}", "",
             f"| what | goal | {' | '.join(programs)} |", "|---|---|" + "---|" * len(programs)]
    for title, goal, cell in ROWS:
        cells = [cell(programs[name]) for name in programs]
        lines.append(f"| {title.format(**lengths)} | {goal} | {' | '.join(cells)} |")
    lines += ["", "Median (95th percentile, worst) of the runs. Serf's nodes do not tell of suspicion. Times are from the act to",
              "the log line of the last node, read every 10 ms with the host's clock.", ""]
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    if not values:
        return "–"
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, -(-len(ordered) * 95 // 100) - 1)]
    return f"{statistics.median(ordered):.2f} s ({high:.2f}, {ordered[-1]:.2f}; {len(ordered)} runs)"


def time(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


ROWS = [
    ("mass join of all but one, started at once", "≤ 1.0 s", lambda each: spread(each["join"]["seconds"])),
    ("kill -9 → suspected by all", "≤ 2.8 s p95", lambda each: spread(each["crashes"]["suspected"])),
    ("kill -9 → dead for all", "≤ 7.5 s p95", lambda each: spread(each["crashes"]["dead"])),
    ("started again → seen by all", "≤ 0.6 s", lambda each: spread(each["crashes"]["returned"])),
    ("graceful leave → known by all", "≤ 0.5 s", lambda each: spread(each["leaves"]["left"])),
    ("deaths of the living, 25 % UDP loss for {loss:.0f} s", "0", lambda each: str(each["loss"]["false_deaths"])),
    ("two halves for {partition:.0f} s → apart", "≤ 15 s", lambda each: time(each["partition"]["apart"])),
    ("healed partition → all see all", "≤ 5 s", lambda each: time(each["partition"]["healed"])),
    ("idle: IP bytes received a second and node", "≤ 600", lambda each: f"{each['idle']['bytes_per_second']:.0f}"),
    ("idle: packets received a second and node", "", lambda each: f"{each['idle']['packets_per_second']:.1f}"),
    ("idle: % of a core a node", "≤ 0.2", lambda each: f"{each['idle']['cpu_percent']:.3f}"),
    ("idle: resident MiB a node", "", lambda each: f"{each['idle']['rss_mib']:.1f}"),
]


def machine() -> str:
    cpu = next((text.partition(":")[2].strip() for text in open("/proc/cpuinfo") if text.startswith("model name")),
               platform.machine())
    serf = subprocess.run(["dpkg-query", "--show", "--showformat=${Version}", "serf"], capture_output=True, text=True)
    return f"{os.cpu_count()} cores of {cpu}, Linux {platform.release()}, serf {serf.stdout.strip() or 'none'}."
