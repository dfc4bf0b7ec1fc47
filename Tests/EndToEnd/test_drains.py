# SPDX-License-Identifier: Apache-2.0
"""Nodes are drained under load, one after the other."""

from __future__ import annotations

import time

import pytest

from chaos.encoders import Moving
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


@pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")
def test_every_node_is_drained_in_turn(binary, request, figures) -> None:
    """`millrace cluster drain` of one after the other, each started anew: no segment is missing, and an encoder that does
    as it is asked loses no frame."""
    deadline = 60
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=4, viewers=16,
                  encoder=Moving) as made:
        lab = made.lab
        encoder = made.encoders[0]
        with FrameReader(lab, "v", "e1", encoder.stream, encoder.tags) as reader:
            took, worst = {}, []
            for node in made.nodes if FULL else ["o1", "e1"]:
                begun = time.monotonic()
                other = "r" if node != "r" else "o1"
                reader.node = "e2" if node == "e1" else "e1"
                done = command(lab, other, "drain", node, "--deadline", f"{deadline}s")
                assert done.returncode == 0, done.stderr
                wait_until(lambda: not lab.running(node), deadline + 10, f"{node} to end")
                took[node] = time.monotonic() - begun
                made.start(node)
                wait_members(lab, other, set(made.nodes))
                made.wait_playing(20)
                worst.append(max(added(made, begun, time.monotonic())))
            time.sleep(6)
        outcome = made.end()
        frames, lost, twice = reader.compared()
        moves = sum(encoder.moves for encoder in made.encoders)
        cuts = sum(len(encoder.began) - 1 - encoder.moves for encoder in made.encoders)
    figures(kind="drains", nodes=len(took), slowest=max(took.values()), worst=max(worst), moves=moves, cuts=cuts,
            frames=frames, lost=lost, twice=twice, gaps=outcome.gaps, names=len(outcome.names),
            problems=len(outcome.problems))
    nothing_is_wrong(outcome)
    assert max(took.values()) < deadline, f"not before the deadline: {took}"
    assert cuts == 0 and moves > 0, (moves, cuts)
    assert frames > 100 and (lost, twice) == (0, 0)
