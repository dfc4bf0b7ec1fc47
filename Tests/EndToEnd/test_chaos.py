# SPDX-License-Identifier: Apache-2.0
"""Chaos by seed on real nodes, and what it is made of: plans, playlists as viewers read them, what a store has, clocks that
jump."""

from __future__ import annotations

import os
import pathlib
import shutil
import struct
import subprocess
import time

import pytest

from chaos.exercise import Exercise
from chaos.faults import CLOCK
from chaos.listing import Unreadable, understood
from chaos.overseer import Overseer
from chaos.plan import BEGIN, CALM, PEACE, WORDS, Drawing, Plan
from chaos.recorded import Recorded
from chaos.swarm import Swarm, digest_of
from clusters import topology
from conftest import ARTEFACTS, FULL
from lab import Lab, Topology
from lab.keeper import obstacle

needs_namespaces = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")

STORE = "store"
# Of the topology what the short run starts.
FEW = ["east-o1", "east-o2", "east-e1", "east-e2", "east-r", "west-o1", "west-e1", "west-e2", "west-r"]


def plan(seed: int, seconds: float = 600) -> Plan:
    chaos = Topology.load("chaos")
    nodes = [name for name, node in chaos.nodes.items() if node.command and name != STORE]
    return Plan.draw(seed, seconds, chaos, nodes, STORE)


@pytest.mark.unit
def test_a_plan_comes_of_its_seed_alone():
    assert plan(7) == plan(7) != plan(8)
    assert plan(7, 1200).faults[:len(plan(7).faults)] == plan(7).faults
    assert {fault.kind for seed in range(20) for fault in plan(seed).faults} == set(WORDS)


@pytest.mark.unit
@pytest.mark.parametrize("seed", range(10))
def test_a_plan_spares_what_it_has_just_hit(seed):
    """No two faults of a region's origins, of its edges, and so on, at once or soon after one another."""
    nodes = Topology.load("chaos").nodes
    last: dict[str, float] = {}
    for fault in plan(seed).faults:
        assert BEGIN <= fault.at and fault.at + fault.lasts <= 600 - CALM
        node = nodes.get(fault.targets[0])
        group = (STORE if fault.targets[0] == STORE else "disks" if fault.kind in Drawing.DISKS else
                 f"{node.region} {node.roles}" if node and fault.kind != "jitter" else "links")
        # Times are written with a digit behind the point.
        assert fault.at >= last.get(group, -PEACE) + PEACE - 0.11, fault
        last[group] = fault.at + fault.lasts
        assert fault.publishers_leave <= bool(node and node.roles == ["origin"])
        assert f"{fault.at:.1f} s" in str(fault)


PLAYLIST = """#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-MAP:URI="a-b/init-0.mp4"
#EXTINF:2.0,
a-b/7.m4s
#EXT-X-GAP
#EXTINF:2.0,
a-b/8.m4s
#EXT-X-PART:DURATION=0.5,URI="a-c/9.0.m4s"
#EXT-X-PART:DURATION=0.5,URI="a-c/9.1.m4s"
"""


@pytest.mark.unit
def test_a_playlist_is_understood():
    listing = understood(PLAYLIST.encode())
    assert (listing.first, listing.newest, listing.discontinuity) == (7, (9, 2), 1)
    assert listing.segments == ((7, "a-b/7.m4s"), (8, ""))
    assert listing.names == ("a-b/init-0.mp4", "a-b/7.m4s", "a-c/9.0.m4s", "a-c/9.1.m4s")
    assert listing.next == "?_HLS_msn=9&_HLS_part=2" and not listing.ended


@pytest.mark.unit
@pytest.mark.parametrize(("one", "other"), [("7.m4s", "6.m4s"), ("9.1.m4s", "8.1.m4s"), ("a-c/9.0", "9.0"),
                                            ("#EXTM3U", "<html>")])
def test_a_playlist_with_a_wrong_name_is_refused(one, other):
    with pytest.raises(Unreadable):
        understood(PLAYLIST.replace(one, other).encode())


def listing(first: int, parts: int, more: str = "", discontinuity: int = 0) -> bytes:
    """Two whole segments and a third with some parts."""
    head = f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity}\n"
    whole = "".join(f"#EXTINF:2.0,\na-b/{number}.m4s\n" for number in (first, first + 1))
    return (head + whole + "".join(f'#EXT-X-PART:DURATION=0.5,URI="a-b/{first + 2}.{part}.m4s"\n' for part in range(parts))
            + more).encode()


def swarm() -> Swarm:
    return Swarm({"routers": [], "nodes": {}, "place": "v", "port": 0, "stand": 1, "seed": 1, "streams": ["s"],
                  "viewers": 2})


@pytest.mark.unit
@pytest.mark.parametrize(("answers", "problems"), [
    ([listing(7, 1), listing(7, 2), listing(8, 0), listing(9, 1), listing(9, 1)], []),
    ([listing(7, 2), listing(7, 1)], ["a playlist that goes back"]),
    ([listing(7, 2), listing(6, 3)], ["a playlist that goes back"]),
    ([listing(7, 2), listing(9, 0)], []),
    # The node has had nothing for others either.
    ([listing(7, 2), listing(10, 0)], []),
    ([listing(7, 2, discontinuity=1), listing(8, 2)], ["a discontinuity sequence that goes back"]),
    ([listing(7, 2), listing(7, 2, "#EXT-X-ENDLIST\n")], ["a stream that ended"]),
])
def test_a_viewer_sees_what_is_wrong(answers, problems):
    viewer = swarm().viewers[0]
    viewer.node = "e1"
    for answer in answers:
        viewer.look(understood(answer))
    assert [line[2] for line in viewer.swarm.told if line[0] == "problem"] == problems


@pytest.mark.unit
@pytest.mark.parametrize(("other", "at", "problems"), [
    (listing(8, 1), 2, ["numbers that are skipped"]),
    (listing(8, 1), 3.5, []),  # on its way to the viewer
    (listing(7, 2), 2, []),  # nothing that he had not
    (listing(10, 0), 2, []),  # the node had all at once
])
def test_a_viewer_is_not_told_what_others_are(monkeypatch, other, at, problems):
    now = 1.0
    monkeypatch.setattr("chaos.swarm.time.monotonic", lambda: now)
    seen = swarm()
    for viewer in seen.viewers:
        viewer.node = "e1"
    viewer, neighbour = seen.viewers
    viewer.look(understood(listing(7, 2)))
    now = at
    neighbour.look(understood(other))
    now = 4.0
    viewer.look(understood(listing(10, 0)))
    assert [line[2] for line in seen.told if line[0] == "problem"] == problems
    assert viewer.count.leaps == 1


@pytest.mark.unit
def test_viewers_see_two_contents_of_one_name():
    seen = swarm()
    one, other = seen.viewers
    one.node, other.node = "e1", "e2"
    seen.took(one, "/a", b"1")
    seen.took(other, "/a", b"1")
    assert [line[:2] + line[3:] for line in seen.told] == [["name", "/a", "e1"], ["name", "/a", "e2"]]
    seen.took(other, "/a", b"2")
    assert [line[2] for line in seen.told if line[0] == "problem"] == ["one name, two contents"]


@pytest.mark.unit
def test_a_viewer_who_was_well_elsewhere_has_not_leapt():
    """What he had there he does not miss where he comes back to; what nobody gave him he misses anywhere."""
    viewer = swarm().viewers[0]
    for node, first, leaps in (("e1", 7, 0), ("e2", 8, 0), ("e2", 10, 0), ("e1", 11, 0), ("e2", 13, 0), ("e1", 16, 1),
                               ("e1", 19, 2)):
        viewer.node = node
        viewer.look(understood(listing(first, 1)))
        assert viewer.count.leaps == leaps, (node, first)
    told = [line for line in viewer.swarm.told if line[0] == "leap"]
    assert [(node, had, first) for *_, node, _, _, had, first in told] == [("e1", 15, 16), ("e1", 18, 19)]


BOX = (16).to_bytes(4, "big") + b"mdat" + bytes(8)
FIRST, SECOND = "#EXTINF:2.0,\na-b/7.m4s\n", "#EXTINF:2.0,\na-c/8.m4s\n"
BEFORE = '#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI="a-b/init-0.mp4"\n'


class Shelf:
    """A store whose recording is what a test writes, and what is seen of it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.problems: list[str] = []
        self.folder = folder / "live/s/main"
        self.recorded = Recorded(folder, lambda what, _: self.problems.append(what))
        for name in ("a-b/init-0.mp4", "a-b/7.m4s", "a-c/8.m4s"):
            self.write(name, BOX)

    def write(self, name: str, body: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_bytes(body)
        path.with_suffix(".part").rename(path)

    def see(self, *playlists: str, name: str = "7.m3u8") -> list[str]:
        for text in playlists:
            self.write(name, text.encode())
            self.recorded.look()
        return self.problems


@pytest.mark.unit
@pytest.mark.parametrize(("playlists", "problems"), [
    ([BEFORE + FIRST, BEFORE + FIRST + SECOND, BEFORE + FIRST + SECOND + "#EXT-X-ENDLIST\n"], []),
    ([BEFORE + "#EXT-X-GAP\n" + FIRST, BEFORE + FIRST + "#EXT-X-ENDLIST\n"], []),
    ([BEFORE + FIRST + "#EXT-X-DISCONTINUITY\n" + SECOND.replace("8", "9").replace("a-c/9", "a-b/7")],
     ["stored numbers that are skipped"]),
    ([BEFORE + "#EXT-X-GAP\n" + FIRST, BEFORE + FIRST], ["a stored playlist that changed"]),
    ([BEFORE + FIRST, BEFORE + SECOND], ["a stored playlist that changed"]),
    ([BEFORE + FIRST + SECOND, BEFORE + FIRST], ["a stored playlist that changed"]),
    ([BEFORE + FIRST + SECOND.replace("8", "9")], ["stored numbers that are skipped", "listed and not stored"]),
    ([BEFORE + FIRST + "#EXT-X-GAP\n" + SECOND.replace("8", "7")],
     ["a number that is stored twice", "stored numbers that are skipped"]),
    ([BEFORE.replace("init-0", "init-1") + FIRST], ["listed and not stored"]),
    (["#EXTM3U\n#EXTINF:2.0,\na-b/7.m"], ["a stored playlist that breaks its rules"]),
    ([BEFORE + "7.m4s\n"], ["a stored playlist that breaks its rules"]),
])
def test_a_store_shows_what_is_wrong(tmp_path, playlists, problems):
    assert Shelf(tmp_path).see(*playlists) == problems


@pytest.mark.unit
def test_a_number_of_two_recordings_is_seen(tmp_path):
    shelf = Shelf(tmp_path)
    assert shelf.see(BEFORE + FIRST + SECOND) == []
    assert shelf.see(BEFORE + SECOND, name="8.m3u8") == ["a number that is stored twice"]
    assert shelf.recorded.numbers() == {"s": {7, 8}}


@pytest.mark.unit
@pytest.mark.parametrize(("name", "body", "problems"), [
    ("a-b/7.m4s", BOX, []),
    ("a-b/7.m4s", BOX[:-1] + b"1", ["one name, two contents"]),
    ("a-c/8.m4s", BOX[:-1] + b"1", ["one name, two contents"]),
    ("a-c/8.m4s", BOX[:-1], ["a stored object that is cut off", "one name, two contents"]),
    ("a-c/9.m4s", b"", ["a stored object that is cut off"]),
    ("index.m3u8", b"#EXTM3U\n7.m3u8\n", []),
    ("index.m3u8", b"#EXTM3U\n8.m3u8\n", ["listed and not stored"]),
])
def test_a_store_is_held_against_what_nodes_gave(tmp_path, name, body, problems):
    """What was listed may not change, and what a node gave may not be another thing in the store."""
    shelf = Shelf(tmp_path)
    shelf.see(BEFORE + FIRST)
    shelf.write(name, body)
    given = {"/live/s/main/a-b/7.m4s": digest_of(BOX), "/live/s/main/a-c/8.m4s": digest_of(BOX), "/live/s/other": "1"}
    assert shelf.recorded.compare(given) == 2
    assert shelf.problems == problems


@pytest.mark.unit
def test_a_viewer_who_comes_to_another_node_begins_anew_there():
    viewer = swarm().viewers[0]
    viewer.node = "e1"
    assert viewer.look(understood(listing(7, 2)))
    viewer.node = "e2"
    assert not viewer.look(understood(listing(7, 1)))
    assert viewer.count.behind == 1 and viewer.count.problems == 0 and viewer.newest == (9, 2)


class Beliefs:
    """A lab of one node, for an overseer that is told what it would have asked."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.overseer = Overseer(self, ["e1", "e2"], lambda what, _: self.problems.append(what))

    def tell(self, node: str, term: str, gateway: str, pid: int = 1) -> None:
        self.overseer.check(node, pid, {"id": "live/s", "term": term, "gateway": gateway})


@pytest.mark.unit
def test_an_overseer_sees_two_writers_and_terms_that_fall():
    beliefs = Beliefs()
    beliefs.tell("e1", "10-1", "o1")
    beliefs.tell("e2", "11-0", "o2")
    beliefs.tell("e1", "11-0", "o2")
    assert not beliefs.problems
    beliefs.tell("e2", "10-1", "o1")
    assert beliefs.problems == ["a term that fell"]
    # A new process knows nothing yet.
    beliefs.tell("e2", "10-1", "o1", pid=2)
    beliefs.tell("e1", "11-0", "o1")
    assert beliefs.problems == ["a term that fell", "two writers of one term"]


@pytest.mark.unit
def test_a_wall_clock_jumps_and_the_other_does_not(tmp_path):
    compiler = shutil.which("clang") or shutil.which("cc")
    library, shift = tmp_path / "clock.so", tmp_path / "shift"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, CLOCK], check=True)
    shift.write_bytes(struct.pack("<q", -3600 * 10**9))
    program = "import time; print(time.time(), time.monotonic())"
    done = subprocess.run(["python3", "-c", program], capture_output=True, text=True, check=True,
                          env=os.environ | {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(shift)})
    wall, monotonic = map(float, done.stdout.split())
    assert abs(time.time() - 3600 - wall) < 5 and abs(time.monotonic() - monotonic) < 5


@needs_namespaces
@pytest.mark.parametrize("seed", [1, 2, 3] if FULL else [40229])
def test_chaos(binary, seed: int, figures) -> None:
    """No invariant is broken. Full: twenty minutes of each of three seeds, an hour together, 20 publishers, 200 viewers.
    Short: 45 s and few of them, with a seed that kills a gateway, moves publishers away from another, parts the regions
    without Redis, and fills the disks of the object store and of what waits for it."""
    seconds, streams, viewers = (1200, 20, 200) if FULL else (45, 6, 30)
    chaos = topology("chaos")
    nodes = [name for name, node in Topology.parse("chaos", chaos).nodes.items() if node.command and name != STORE]
    drawn = Plan.draw(seed, seconds, Topology.load("chaos"), nodes if FULL else FEW, STORE)
    done: list[str] = []
    with Lab.up(chaos, start=False) as lab:
        exercise = Exercise(lab, streams, viewers, seed, nodes if FULL else FEW, STORE)
        begun = time.monotonic()
        try:
            with exercise:
                begun = time.monotonic()
                exercise.run(drawn, done.append)
                outcome = exercise.end()
            assert not outcome.problems
        except BaseException:
            lab.save_logs(ARTEFACTS / f"chaos-{seed}")
            print(*done, sep="\n")
            raise
        finally:
            outcome = exercise.outcome
            problems = [f"{at - begun:.1f} s {what}: {detail}" for at, what, detail in sorted(outcome.problems)]
            print(*problems[:40], sep="\n")
            figures(kind="chaos", seed=seed, minutes=seconds / 60, faults=len(done), streams=streams, viewers=viewers,
                    names=len(outcome.names), stored=outcome.stored, different=outcome.different, playlists=outcome.total("answers"),
                    gaps=outcome.gaps, stored_gaps=outcome.stored_gaps, refused=exercise.overseer.count("millrace_stale_terms_refused_total"),
                    gap_causes=", ".join(f"{cause} {count}" for cause, count in outcome.gap_causes.most_common()) or "–",
                    asked=sum(outcome.asked.values()), lived=len(outcome.growths),
                    grew=max((growth.bytes / 2**20 for growth in outcome.growths), default=0),
                    compared=exercise.overseer.count("millrace_segment_checks_total"),
                    leaps=outcome.total("leaps"), longest=max((stand.seconds for stand in outcome.stands), default=0), broken=len(problems),
                    problems=problems[:20])
