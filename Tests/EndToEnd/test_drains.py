# SPDX-License-Identifier: Apache-2.0
"""Nodes are drained under load, one after the other."""

from __future__ import annotations

import time

import pytest

from chaos.encoders import Moving
from chaos.exercise import Exercise, Outcome
from clusters import command, topology, wait_members
from conftest import FULL
from frames import FrameReader
from lab.keeper import obstacle
from server import wait_until
from test_deaths import ONE_REGION, SETTINGS, added, exercise, nothing_is_wrong


@pytest.mark.unit
def test_pictures_are_told_apart():
    """Of a clip of forty pictures two segments, one picture left out and two repeated."""
    clip = [1000 + 7 * number % 40 for number in range(40)]
    reader = FrameReader(None, "", "", "s", [])
    reader.clip = clip
    reader.segments = {5: clip[30:] + clip[:15], 6: clip[16:31], 7: clip[29:] + clip[:10]}
    assert reader.compared() == (61, 1, 2)


needs_a_lab = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")


@needs_a_lab
def test_every_node_is_drained_in_turn(binary, request, figures) -> None:
    """`millrace cluster drain` of one after the other, each started anew: no segment is missing, and an encoder that does
    as it is asked loses no frame."""
    deadline = 60
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=4, viewers=16,
                  encoder=Moving) as made:
        encoder = made.encoders[0]
        with FrameReader(made.lab, "v", "e1", encoder.stream, encoder.tags) as reader:
            rounds = [restarted(made, reader, node, deadline) for node in (made.nodes if FULL else ["o1", "e1"])]
            time.sleep(6)
        outcome = made.end()
    nothing_is_lost(made, outcome, reader, rounds, deadline, figures, kind="drains")


FEW = ONE_REGION | {"nodes": ONE_REGION["nodes"] | {kind: ONE_REGION["nodes"][kind] | {"count": 2} for kind in "oe"}}


@needs_a_lab
@pytest.mark.parametrize("order", ["edges first", "origins first"] if FULL else ["edges first"])
def test_every_node_is_upgraded_in_turn(binary, request, figures, order) -> None:
    """All nodes write the former version of the byte writer, and each is started anew with the newest beside. A stream's
    terms are of the former as long as one node knows no other, whichever comes first, and then of the newest."""
    deadline = 60 if FULL else 24
    settings = SETTINGS | {"cluster__packaging": 1}
    with exercise(request, topology("one-region", **settings) | (ONE_REGION if FULL else FEW), streams=4 if FULL else 2,
                  viewers=16 if FULL else 6, encoder=Moving) as made:
        encoder = made.encoders[0]
        origins = [name for name in made.nodes if name.startswith("o")]
        others = [name for name in made.nodes if name not in origins and (FULL or name != "r")]
        with FrameReader(made.lab, "v", "e1", encoder.stream, encoder.tags) as reader:
            rounds = []
            for node in others + origins if order == "edges first" else origins + others:
                made.lab.topology.nodes[node].settings.pop("cluster.packaging")
                rounds.append(restarted(made, reader, node, deadline))
            assert set(reader.versions.values()) == {1}, "the newest before all wrote it"
            # Nobody is of the former program any more: the next term is the first of the newest version.
            wait_until(lambda: all(made.overseer.believed(encoder.stream)), 20, "a gateway and a standby")
            rounds.append(restarted(made, reader, made.overseer.believed(encoder.stream)[0], deadline))
            wait_until(lambda: list(reader.versions.values()).count(2) > 2, 20, "segments of the newest version")
        outcome = made.end()
        foreign = made.overseer.count("millrace_relay_foreign_packaging_total")
        mismatches = made.overseer.count("millrace_segment_mismatch_total")
    versions = [version for _, version in sorted(reader.versions.items())]
    nothing_is_lost(made, outcome, reader, rounds, deadline, figures, kind="upgrades", order=order,
                    former=versions.count(1), newest=versions.count(2), different=outcome.different,
                    mismatches=mismatches, foreign=foreign)
    assert versions == sorted(versions) and versions[0] == 1 and versions[-1] == 2, versions
    assert (foreign, mismatches) == (0, 0)


def restarted(made: Exercise, reader: FrameReader, node: str, deadline: float) -> tuple[float, float]:
    """Drains a node and starts it anew; the seconds until its process had ended, and what the worst viewer felt."""
    lab, begun = made.lab, time.monotonic()
    other = "r" if node != "r" else "o1"
    reader.node = "e2" if node == "e1" else "e1"
    done = command(lab, other, "drain", node, "--deadline", f"{deadline}s")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not lab.running(node), deadline + 10, f"{node} to end")
    took = time.monotonic() - begun
    made.start(node)
    wait_members(lab, other, set(made.nodes))
    made.wait_playing(20)
    return took, max(added(made, begun, time.monotonic()))


def nothing_is_lost(made: Exercise, outcome: Outcome, reader: FrameReader, rounds: list[tuple[float, float]],
                    deadline: float, figures, **more) -> None:
    """Tells what came of it, and holds it against what was to come."""
    frames, lost, twice = reader.compared()
    slowest, worst = (max(values) for values in zip(*rounds))
    moves = sum(encoder.moves for encoder in made.encoders)
    cuts = sum(len(encoder.began) - 1 - encoder.moves for encoder in made.encoders)
    figures(nodes=len(rounds), slowest=slowest, worst=worst, moves=moves, cuts=cuts, frames=frames, lost=lost,
            twice=twice, gaps=outcome.gaps, names=len(outcome.names), problems=len(outcome.problems), **more)
    nothing_is_wrong(outcome)
    assert slowest < deadline, f"not before the deadline: {rounds}"
    assert cuts == 0 and moves > 0, (moves, cuts)
    assert frames > 100 and (lost, twice) == (0, 0)
