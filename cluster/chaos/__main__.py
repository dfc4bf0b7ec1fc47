# SPDX-License-Identifier: Apache-2.0
"""`cluster/drill chaos`, which `millrace-drill chaos` calls."""

from __future__ import annotations

import argparse
import collections
import pathlib
import sys
import time

from lab import Lab, Missing, Topology, TopologyFailure

from .exercise import Exercise, Outcome
from .plan import BEGIN, CALM, Plan


def main() -> int:
    options = arguments()
    topology = Topology.load(options.topology)
    store = next((name for name, node in topology.nodes.items() if node.command[:1] == ["redis-server"]), None)
    nodes = [name for name, node in topology.nodes.items() if node.command and name != store]
    plan = Plan.draw(options.seed, options.minutes * 60, topology, nodes, store)
    if options.plan:
        print(*plan.faults, sep="\n")
        return 0
    try:
        return run(options, plan, nodes, store)
    except (Missing, TopologyFailure, AssertionError) as failure:
        print(f"chaos: {failure}\nreplay: {replay(options)}", file=sys.stderr)
        return 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="millrace-drill chaos", description="Real nodes in two regions, publishers, viewers that check everything, "
        "and faults drawn by seed. Needs root.")
    parser.add_argument("--seed", type=int, default=1, help="what the faults and their times are drawn from")
    parser.add_argument("--minutes", type=float, default=5, help="how long; the last quarter of a minute is peace")
    parser.add_argument("--topology", default="chaos", help="the name of a file in cluster/topologies, or a path")
    parser.add_argument("--publishers", type=int, default=20)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--plan", action="store_true", help="only print what would be done when")
    parser.add_argument("--logs", type=pathlib.Path, help="where the nodes' logs go when it fails")
    options = parser.parse_args()
    if options.minutes * 60 <= BEGIN + CALM:
        parser.error(f"--minutes: the beginning and the end alone take {BEGIN + CALM:g} s")
    return options


def replay(options: argparse.Namespace) -> str:
    return (f"millrace-drill chaos --seed {options.seed} --minutes {options.minutes:g} --topology {options.topology} "
            f"--publishers {options.publishers} --viewers {options.viewers}")


def run(options: argparse.Namespace, plan: Plan, nodes: list[str], store: str | None) -> int:
    done: list[str] = []

    def say(line: str) -> None:
        done.append(line)
        print(line, flush=True)

    with Lab.up(options.topology, start=False) as lab:
        try:
            with Exercise(lab, options.publishers, options.viewers, options.seed, nodes, store) as exercise:
                begun = time.monotonic()
                exercise.run(plan, say)
                outcome = exercise.end()
            print(report(exercise, outcome))
        except BaseException:
            keep(lab, options)
            raise
        if outcome.problems:
            keep(lab, options)
            print(failure(outcome, begun, done), f"replay: {replay(options)}", sep="\n")
    return int(bool(outcome.problems))


def keep(lab: Lab, options: argparse.Namespace) -> None:
    folder = options.logs or pathlib.Path(f"/tmp/millrace-chaos-{options.seed}")
    lab.save_logs(folder)
    print(f"the nodes' logs are in {folder}")


def failure(outcome: Outcome, begun: float, done: list[str]) -> str:
    """Of each kind of problem the first few, then all that was done."""
    lines = []
    for what, count in collections.Counter(what for _, what, _ in outcome.problems).items():
        lines.append(f"FAILED {what}: {count}")
        first = sorted(each for each in outcome.problems if each[1] == what)[:5]
        lines += [f"    {at - begun:7.1f} s  {detail}" for at, _, detail in first]
    return "\n".join([*lines, "what was done:", *done])


def report(exercise: Exercise, outcome: Outcome) -> str:
    overseer = exercise.overseer
    stands = sorted(stand.seconds for stand in outcome.stands)
    everywhere = collections.Counter(len(nodes) for _, nodes, _ in outcome.names.values())
    return "\n".join([
        f"{outcome.seconds:.0f} s, {len(exercise.encoders)} publishers accepted "
        f"{sum(len(encoder.began) for encoder in exercise.encoders)} times, {len(outcome.viewers)} viewers: "
        f"{outcome.total('answers')} playlists, {outcome.total('bytes') / 2**20:.0f} MiB, "
        f"{outcome.total('lost')} times to another node, {outcome.total('behind')} playlists behind that of the node before, "
        f"{outcome.total('refused')} refusals of what was listed",
        f"{len(outcome.names)} names, {sum(count for nodes, count in everywhere.items() if nodes > 1)} of them from "
        f"more than one node, {outcome.different} with two contents; {outcome.gaps} gaps, "
        f"{outcome.twofold} numbers under two names; {outcome.stored} names are in the store, with {outcome.stored_gaps} gaps "
        f"({causes(outcome)}); "
        f"{sum(viewer['discontinuities'] > 0 for viewer in outcome.viewers)} viewers met a discontinuity",
        f"{len(outcome.leaps)} leaps; at the end nodes gave "
        f"{', '.join(f'{node} {count}' for node, count in outcome.asked.items())} names once more",
        *(f"memory of {growth}" for growth in sorted(outcome.growths, key=lambda each: -each.bytes)[:3]),
        f"stands over 0.8 s: {len(stands)}" + (f", median {stands[len(stands) // 2]:.1f} s, longest {stands[-1]:.1f} s"
                                              if stands else ""),
        f"terms refused as stale {overseer.count('millrace_stale_terms_refused_total'):g}, segments compared "
        f"{overseer.count('millrace_segment_checks_total'):g}",
    ])


def causes(outcome: Outcome) -> str:
    """How many gaps in the store came of what."""
    return ", ".join(f"{count} of {cause}" for cause, count in outcome.gap_causes.most_common()) or "of nothing"


if __name__ == "__main__":
    sys.exit(main())
