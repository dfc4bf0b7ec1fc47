# SPDX-License-Identifier: Apache-2.0
"""Nodes are drained under load, one after the other."""

from __future__ import annotations

import time

import pytest
import yaml

from chaos.encoders import FFmpeg, Moving
from chaos.exercise import Exercise, Outcome
from chaos.stands import Stand
from clusters import command, members, topology, wait_members
from conftest import FULL
from frames import FrameReader
from lab.keeper import obstacle
from server import ROOT, wait_until
from test_deaths import ONE_REGION, PART, SETTINGS, exercise, nothing_is_wrong

# The version of the byte writer that this program writes where all others do; `millrace.yml` is held against the program.
NEWEST = yaml.safe_load((ROOT / "millrace.yml").read_text())["cluster"]["packaging"]
# After ffmpeg began again viewers have something new within so long.
AGAIN = 1.5 if FULL else 3


@pytest.mark.unit
def test_pictures_are_told_apart():
    """Of a clip of forty pictures two segments, one picture left out and two repeated."""
    clip = [1000 + 7 * number % 40 for number in range(40)]
    reader = FrameReader(None, "", "", "s", [])
    reader.clip = clip
    reader.segments = {5: clip[30:] + clip[:15], 6: clip[16:31], 7: clip[29:] + clip[:10]}
    assert reader.compared() == (61, 1, 2)


@pytest.mark.unit
def test_of_ordinary_encoders_every_return_counts():
    """Also one after which nobody was served until the next."""
    stands = [Stand("v-1", "s", 10, 2.5, "e1", "e1"), Stand("v-2", "s", 10.2, 4, "e1", "e1"),
              Stand("v-3", "other", 10, 9, "e1", "e1")]
    assert [round(each, 3) for each in pauses([11, 13], "s", stands)] == [1.5, 3.2, 1.2]
    assert pauses([20], "s", stands) == []


needs_a_lab = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")


@needs_a_lab
def test_every_node_is_drained_in_turn(binary, request, figures) -> None:
    """`millrace cluster drain` of one after the other, each started anew: no segment is missing, and an encoder that does
    as it is asked loses no frame. Beside those ffmpeg publishes, which can only be cut off, and is back after a second."""
    deadline = 60
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=6 if FULL else 4,
                  viewers=18 if FULL else 16, encoder=(Moving, FFmpeg)) as made:
        encoder = made.encoders[0]
        with FrameReader(made.lab, "v", "e1", encoder.stream, encoder.tags) as reader:
            rounds = [restarted(made, reader, node, deadline) for node in (made.nodes if FULL else ["o1", "e1"])]
            time.sleep(6)
        outcome = made.end()
    nothing_is_lost(made, outcome, reader, rounds, deadline, figures, kind="drains")


FEW = ONE_REGION | {"nodes": ONE_REGION["nodes"] | {kind: ONE_REGION["nodes"][kind] | {"count": 2} for kind in "oe"}}
# Of the two regions of `chaos`, in each two origins, two edges and a router; without Redis.
TWO = [f"{region}-{kind}" for region in ("east", "west") for kind in ("o1", "o2", "e1", "e2", "r")]
CASES = [("edges first", "one region", NEWEST - 1), ("origins first", "one region", NEWEST - 1),
         ("edges first", "two regions", NEWEST - 1), ("edges first", "one region", 1)]


@needs_a_lab
@pytest.mark.parametrize(("order", "place", "former"), CASES if FULL else CASES[:1])
def test_every_node_is_upgraded_in_turn(binary, request, figures, order: str, place: str, former: int) -> None:
    """All nodes write the former version of the byte writer, and each is started anew with the newest beside. A stream's
    terms are of the former as long as one node of any region knows no other, whichever comes first, and then of the newest.
    A node that was given a newer one than it knows refuses the stream, and counts that. What bytes tell of the version,
    which is whether it is the first, is looked at as well: hence the first beside the newest."""
    deadline = 60 if FULL else 24
    nodes = TWO if place == "two regions" else None
    with exercise(request, of_version(place, former), streams=4 if FULL else 2, viewers=16 if FULL else 6, encoder=Moving,
                  nodes=nodes) as made:
        encoder = made.encoders[0]
        origins, others = by_kind(made)
        viewer, edge = ("east-v", "east-e1") if nodes else ("v", "e1")
        with FrameReader(made.lab, viewer, edge, encoder.stream, encoder.tags) as reader:
            rounds = []
            for node in others + origins if order == "edges first" else origins + others:
                made.lab.topology.nodes[node].settings.pop("cluster.packaging")
                rounds.append(restarted(made, reader, node, deadline))
            terms = set(reader.terms.values())
            # Nobody is of the former program any more: the next term is the first of the newest version.
            wait_until(lambda: all(made.overseer.believed(encoder.stream)), 20, "a gateway and a standby")
            rounds.append(restarted(made, reader, made.overseer.believed(encoder.stream)[0], deadline))
            wait_until(lambda: sum(term not in terms for term in list(reader.terms.values())) > 2, 20, "a term of the newest")
        outcome = made.end()
        foreign = made.overseer.count("millrace_relay_foreign_packaging_total")
        mismatches = made.overseer.count("millrace_segment_mismatch_total")
    written = {is_former: [reader.versions[number] for number, term in reader.terms.items() if (term in terms) == is_former]
               for is_former in (True, False)}
    nothing_is_lost(made, outcome, reader, rounds, deadline, figures, kind="upgrades", order=order, place=place,
                    version=former, next=NEWEST, former=len(written[True]), newest=len(written[False]),
                    different=outcome.different, mismatches=mismatches, foreign=foreign)
    assert set(written[True]) == {told(former)}, "the newest before all wrote it"
    assert set(written[False]) == {told(NEWEST)}, written[False]
    assert (foreign, mismatches) == (0, 0)


def told(version: int) -> int:
    """What the bytes of a stream without layers tell of their version (`FrameReader.versions`)."""
    return min(version, 2)


def of_version(place: str, version: int) -> dict:
    """A topology whose nodes all write a version and no newer one."""
    if place == "one region":
        return topology("one-region", **SETTINGS | {"cluster__packaging": version}) | (ONE_REGION if FULL else FEW)
    text = topology("chaos", cluster__packaging=version)
    return text | {"settings": {key: value for key, value in text["settings"].items() if key != "redis.url"}}


def by_kind(made: Exercise) -> tuple[list[str], list[str]]:
    """Origins, and all others; in a short run without the router."""
    roles = {name: made.lab.topology.nodes[name].roles for name in made.nodes}
    return ([name for name in made.nodes if roles[name] == ["origin"]],
            [name for name in made.nodes if roles[name] == ["edge"] or FULL and roles[name] == ["router"]])


def restarted(made: Exercise, reader: FrameReader, node: str, deadline: float) -> tuple[float, float]:
    """Drains a node and starts it anew; the seconds until its process had ended, and the worst that viewers felt of
    encoders that do as they are asked."""
    lab, begun = made.lab, time.monotonic()
    nodes = lab.topology.nodes
    near = [name for name in made.nodes if nodes[name].region == nodes[node].region]
    # A router, which knows all, or an origin.
    other = next(name for role in ("router", "origin") for name in near if name != node and nodes[name].roles == [role])
    reader.node = next(name for name in made.nodes if name != node and nodes[name].roles == ["edge"])
    done = command(lab, other, "drain", node, "--deadline", f"{deadline}s")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: not lab.running(node), deadline + 10, f"{node} to end")
    took = time.monotonic() - begun
    made.start(node)
    if len(near) == len(made.nodes):
        wait_members(lab, other, set(near))
    else:
        wait_until(lambda: all(members(lab, other).get(name) == "alive" for name in near), 20, f"{other} to see {near}")
    made.wait_playing(20)
    moving = {encoder.stream for encoder in made.encoders if isinstance(encoder, Moving)}
    stands = [stand for stand in made.outcome.stands if stand.stream in moving and begun <= stand.ended]
    return took, max((stand.seconds - PART for stand in stands), default=0.1)


def pauses(returns: list[float], stream: str, stands: list[Stand]) -> list[float]:
    """From each return of an ordinary encoder until each viewer of its stream had something new, who had nothing then."""
    return [stand.ended - back for back in returns for stand in stands
            if stand.stream == stream and stand.begun <= back < stand.ended]


def nothing_is_lost(made: Exercise, outcome: Outcome, reader: FrameReader, rounds: list[tuple[float, float]],
                    deadline: float, figures, **more) -> None:
    """Tells what came of it, and holds it against what was to come."""
    frames, lost, twice = reader.compared()
    slowest, worst = (max(values) for values in zip(*rounds))
    moving = [encoder for encoder in made.encoders if isinstance(encoder, Moving)]
    ordinary = [encoder for encoder in made.encoders if isinstance(encoder, FFmpeg)]
    moves = sum(encoder.moves for encoder in moving)
    cuts = sum(len(encoder.began) - 1 - encoder.moves for encoder in moving)
    again = [pause for encoder in ordinary
             for pause in pauses([at for at, _ in encoder.began[1:]], encoder.stream, outcome.stands)]
    returns = sum(len(encoder.began) - 1 for encoder in ordinary)
    figures(nodes=len(rounds), slowest=slowest, worst=worst, moves=moves, cuts=cuts, ordinary=len(ordinary), returns=returns,
            again=max(again, default=0), frames=frames, lost=lost, twice=twice, gaps=outcome.gaps, names=len(outcome.names),
            problems=len(outcome.problems), **more)
    nothing_is_wrong(outcome)
    assert slowest < deadline, f"not before the deadline: {rounds}"
    assert cuts == 0 and moves > 0, (moves, cuts)
    assert frames > 100 and (lost, twice) == (0, 0)
    # Nobody has to wait for an encoder that goes on elsewhere by itself.
    assert worst <= (1 if FULL else 2.5), rounds
    if ordinary:
        assert returns > 0 and again, "ffmpeg was never cut off"
        assert max(again) <= AGAIN, sorted(again)
