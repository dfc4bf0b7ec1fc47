# SPDX-License-Identifier: Apache-2.0
"""What drills hold their nodes against can fail, and for the right reason: causes of gaps and leaps, memory, the last
questions, two terms of one number, shares of time, and which program a page says was measured."""

from __future__ import annotations

import contextlib
import math
import types

import pytest

import chaos.questions
from chaos.causes import BACKLOG, JOINING, RECENT, WAITING, Causes, Done, Leap
from chaos.exercise import Exercise, Outcome
from chaos.faults import Faults
from chaos.memory import LONG, ROOM, SETTLED, Sample, growths
from chaos.plan import Fault
from chaos.questions import Door, Questions
from chaos.stands import Stand, share, worst
from chaos.swarm import digest_of
from lab import Topology
from proving import current, measured_with
from shown import Shown

pytestmark = pytest.mark.unit
MIB = 1 << 20


def done(kind: str, *targets: str, begun: float = 100, ended: float = 110) -> Done:
    return Done(Fault(0, kind, targets, ended - begun), begun, ended)


def causes(*faults: Done, held: list | None = None, parents: dict | None = None) -> Causes:
    """A stream of the eastern region whose holders are its first two origins."""
    first = [(0, frozenset({"east-o1", "east-o2"}))]
    return Causes(Topology.load("chaos"), list(faults), {"s": first if held is None else held}, parents or {})


@pytest.mark.parametrize(("fault", "at", "cause"), [
    (done("crammed", "objects", "spill"), 105, "crammed"),
    (done("full", "objects"), 100 - WAITING, "full"),
    (done("full", "objects"), 110 + BACKLOG, "full"),
    (done("full", "objects"), 99.9 - WAITING, ""),
    (done("crammed", "objects", "spill"), 110.1 + BACKLOG, ""),
    (done("full", "objects", ended=math.inf), 1000, "full"),
    (done("kill", "east-o1"), 100, ""),  # the other holder has it
    (done("kill", "east-o3"), 100, ""),  # no holder
    (done("kill", "east-e1"), 100, ""),
    (done("freeze", "east-o1"), 100, ""),
    (done("cut", "east-o1"), 100, ""),
    (done("store", "store"), 100, ""),
])
def test_a_gap_in_the_store_has_a_cause_or_none(fault, at, cause):
    assert causes(fault).of_gap("s", at) == cause


@pytest.mark.parametrize(("other", "at", "cause"), [
    (done("kill", "east-o2", begun=105), 100, "kill"),
    (done("kill", "east-o2", begun=105), 105 - WAITING, "kill"),
    (done("kill", "east-o2", begun=105), 104.9 - WAITING, ""),
    (done("kill", "east-o2", begun=105), 100.1 + WAITING, "kill"),  # by the other death: the first is still away
    (done("kill", "east-o2", begun=105), 105.1 + WAITING, ""),
    (done("kill", "east-o2", begun=100.1 + WAITING, ended=130), 100, ""),  # it had time to store it
    (done("cut", "east-o2"), 100, "kill"),
    (done("freeze", "east-o2", begun=80, ended=91), 100, "kill"),
    (done("freeze", "east-o2", begun=80, ended=89), 100, ""),
    (done("deaf", "east-o2", "east-o1"), 100, "kill"),
    (done("clock", "east-o2"), 100, ""),
    (done("kill", "east-o3"), 100, ""),
])
def test_a_death_explains_a_gap_only_where_the_other_holder_was_away(other, at, cause):
    assert causes(done("kill", "east-o1"), other).of_gap("s", at) == cause


@pytest.mark.parametrize(("held", "cause"), [
    ([(0, {"east-o1"})], "kill"),  # alone
    ([(0, {"east-o1"}), (101 - JOINING, {"east-o1", "east-o2"})], "kill"),  # not joined yet
    ([(0, {"east-o1"}), (99 - JOINING, {"east-o1", "east-o2"})], ""),
    ([(0, {"east-o1", "east-o2"}), (95, {"east-o1"}), (97, {"east-o1", "east-o2"})], "kill"),  # anew
    ([(0, {"east-o1", "west-o1"})], "kill"),  # the other side of a cut
    ([(0, {"east-o2", "east-o3"})], ""),  # it held nothing
])
def test_a_standby_counts_once_it_has_the_window(held, cause):
    held = [(at, frozenset(names)) for at, names in held]
    assert causes(done("kill", "east-o1"), held=held).of_gap("s", 100) == cause


def test_a_gap_for_viewers_asks_for_a_cause_as_well():
    exercise = Exercise.__new__(Exercise)
    exercise.outcome, exercise.begun = Outcome(), 0
    exercise.outcome.numbers["s"] |= {7: {""}, 8: {"a-b/8.m4s"}}
    exercise.outcome.shown["s"] |= {7: 100.0, 8: 102.0}
    assert exercise._cause_of_gap(causes(), "s", 7) == ("", 100)
    assert exercise._cause_of_gap(causes(done("full", "objects")), "s", 7) == ("full, for viewers as well", 100)
    assert exercise._cause_of_gap(causes(done("full", "objects")), "s", 8) == ("full", 102)


def test_a_holder_is_who_was_one_when_it_died():
    held = [(0, frozenset({"east-o1"})), (50, frozenset({"east-o2", "east-o3"})), (200, frozenset({"east-o1"}))]
    assert causes(held=held).holders("s", 40, 60) == {"east-o1", "east-o2", "east-o3"}
    assert causes(held=held).holders("other", 40, 60) == set()
    assert causes(held=held).steady("s", 60, 150) == {"east-o2", "east-o3"} and not causes(held=held).steady("s", 40, 60)


def leap(at: float, node: str = "west-e1", before: str = "west-e1", viewer: str = "west-v-3", news_at: float = 0) -> Leap:
    return Leap(at, viewer, "s", node, before, news_at or at - 5, 7, 9)


@pytest.mark.parametrize(("fault", "leaps", "explains"), [
    (done("freeze", "west-e1"), leap(112), True),
    (done("cut", "west-e1"), leap(110 + RECENT), True),
    (done("cut", "west-e1"), leap(110.1 + RECENT), False),
    (done("cut", "west-e1"), leap(150, news_at=108), True),  # he had nothing since
    (done("cut", "west-e1"), leap(99), False),  # before the fault
    (done("kill", "west-e2"), leap(112), False),  # another edge
    (done("kill", "west-e2"), leap(112, before="west-e2"), True),
    (done("slow", "east-o2"), leap(112), True),
    (done("thin", "east-o3"), leap(112), False),
    (done("deaf", "east-o3", "east-o1"), leap(112), True),
    (done("partition", "east", "west"), leap(112), True),
    (done("lossy", "east", "west"), leap(112), True),
    (done("partition", "east", "west"), leap(112, "east-e1", "east-e1", "east-v-1"), False),
    (done("clock", "west-e1"), leap(112), False),
    (done("jitter", "east", "west"), leap(112), False),
    (done("store", "store"), leap(112), False),
    (done("full", "objects"), leap(112), False),
])
def test_a_leap_has_a_cause_or_none(fault, leaps, explains):
    assert bool(causes(fault).of_leap(leaps)) == explains


def test_a_parent_is_on_the_way_while_it_is_one():
    parents = {("s", "west-e1"): [[60, 70, "west-s"], [90, 105, "west-e2"]], ("s", "west-e2"): [[90, 105, "east-s"]]}
    for name, explains in (("west-e2", True), ("east-s", True), ("west-s", False), ("east-e1", False)):
        assert bool(causes(done("kill", name), parents=parents).of_leap(leap(112))) == explains, name


def test_a_fault_is_known_with_its_times(tmp_path):
    lab = types.SimpleNamespace(folder=tmp_path, **{word: lambda *_, **__: None for word in (
        "kill", "start", "freeze", "thaw", "room")})
    faults = Faults(lab, ["o1", "o2"], lambda _: None)
    kill, freeze, full = Fault(0, "kill", ("o1",), 1), Fault(0, "freeze", ("o2",), 1), Fault(0, "full", ("objects",), 1)
    for fault in (kill, freeze, full):
        faults.begin(fault)
    assert [each.ended for each in faults.done] == [math.inf] * 3
    faults.start(["o2"])
    faults.end(freeze)
    faults.end(kill)
    assert [(each.fault.kind, each.ended < math.inf) for each in faults.done] \
        == [("kill", True), ("freeze", True), ("full", False)]
    ended = faults.done[0].ended
    faults.begin(kill)
    faults.end(kill)
    assert faults.done[0].ended == ended and faults.done[-1].ended < math.inf


def lived(seconds: int, size, streams=lambda at: 20, pid: int = 1) -> dict:
    return {("n", pid): [Sample(at, int(size(at)), streams(at)) for at in range(seconds)]}


@pytest.mark.parametrize(("name", "memory", "judged"), [
    ("steady", lived(900, lambda at: 100 * MIB), [False]),
    ("a burst that stays", lived(900, lambda at: (100 + (30 if at > 400 else 0)) * MIB), [False]),
    ("its beginning", lived(900, lambda at: (20 + 2 * min(at, 50)) * MIB), [False]),
    ("900 MiB an hour", lived(int(LONG) + 1, lambda at: 100 * MIB + at * MIB // 4), [True]),
    ("300 MiB an hour", lived(1200, lambda at: 100 * MIB + at * MIB // 12), [True]),
    ("more to do, and more memory", lived(900, lambda at: (100 + at) * MIB, lambda at: at // 100), []),
    ("less to do, and more memory", lived(900, lambda at: (100 + at) * MIB, lambda at: 9 - at // 100), [True]),
    ("too young", lived(int(LONG) - 1, lambda at: (100 + at) * MIB), []),
    ("two processes", lived(250, lambda at: (100 + at) * MIB) | lived(250, lambda at: (100 + at) * MIB, pid=2), []),
    ("nothing", {("n", 1): []}, []),
])
def test_memory_that_grows_is_told_from_what_does_not(name, memory, judged):
    assert [each.is_too_much for each in growths(memory)] == judged, growths(memory)


def test_growth_says_what_it_is_held_against():
    growth, = growths(lived(960, lambda at: 100 * MIB + (50 * MIB if at > 600 else 0)))
    assert growth.seconds == pytest.approx((959 - SETTLED) * 2 / 3) and growth.bytes == 50 * MIB
    assert ROOM < growth.bound < ROOM + 96 * MIB / 4 and "100 MiB, and 150 MiB" in str(growth)
    assert not growth.is_too_much or growth.bytes > growth.bound


PLAYLIST = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.0,\na-b/7.m4s\n#EXTINF:2.0,\na-b/8.m4s\n"


class Nodes:
    """What nodes answer; all that the questions tell of it."""

    def __init__(self, monkeypatch, **nodes: dict[str, bytes | int]) -> None:
        self.nodes, self.here = nodes, ""
        roles = {name: ["origin"] if name.startswith("o") else ["edge"] for name in nodes}
        self.topology = types.SimpleNamespace(nodes={name: types.SimpleNamespace(roles=each) for name, each in roles.items()})
        self.told: list[tuple[str, str, str]] = []
        self.problems: list[str] = []
        monkeypatch.setattr(Door, "get", lambda _, path: self.answer(path))
        monkeypatch.setattr(chaos.questions, "PATIENCE", 0)
        monkeypatch.setattr(chaos.questions, "PAUSE", 0)
        monkeypatch.setattr(chaos.questions, "MISSING_AFTER", 0.03)

    @contextlib.contextmanager
    def inside(self, name: str):
        self.here = name
        yield

    def answer(self, path: str) -> tuple[int, bytes]:
        body = self.nodes[self.here].get(path)
        return (body or 404, b"") if not isinstance(body, bytes) else (200, body)

    def ask(self, names: list[str]) -> Questions:
        questions = Questions(self, list(self.nodes), ["s"], names, 1, lambda *each: self.told.append(each),
                              lambda what, _: self.problems.append(what))
        # One after the other: `here` is one for all.
        for name in self.nodes:
            questions._ask(name)
        return questions


FOLDER = "/live/s/main/"
WHOLE = {f"{FOLDER}media.m3u8": PLAYLIST, f"{FOLDER}a-b/7.m4s": b"7", f"{FOLDER}a-b/8.m4s": b"8"}


def test_every_edge_is_asked_for_all_it_lists_and_everybody_for_a_sample(monkeypatch):
    nodes = Nodes(monkeypatch, e1=WHOLE, e2=WHOLE | {f"{FOLDER}a-b/8.m4s": b"other"}, o1={f"{FOLDER}a-b/1.m4s": b"1"})
    given = nodes.ask([f"{FOLDER}a-b/1.m4s"]).given
    assert given == {"e1": 2, "e2": 2, "o1": 2} and nodes.problems == []
    assert (f"{FOLDER}a-b/8.m4s", digest_of(b"other"), "e2") in nodes.told
    assert nodes.told[-1] == (f"{FOLDER}a-b/1.m4s", digest_of(b"1"), "o1")


@pytest.mark.parametrize(("node", "problem"), [
    ({key: body for key, body in WHOLE.items() if "/8" not in key}, "listed and not given"),
    ({}, "a node that does not give a stream"),
])
def test_an_edge_that_does_not_give_what_it_lists_is_seen(monkeypatch, node, problem):
    nodes = Nodes(monkeypatch, e1=WHOLE, e2=node)
    nodes.ask([])
    assert nodes.problems == [problem]


@pytest.mark.parametrize(("node", "answer", "problem"), [
    ("o2", 302, None),  # sent on
    ("o2", None, "a node that knows no name"),
    ("o2", 503, "a node that neither has a name nor has it no more"),
    ("o2", 500, "a node that neither has a name nor has it no more"),
    ("e2", None, None),  # it has it no more, and has others
    ("e2", 403, "a node that neither has a name nor has it no more"),
])
def test_what_a_node_says_to_a_name_is_judged(monkeypatch, node, answer, problem):
    name, old = f"{FOLDER}a-b/8.m4s", f"{FOLDER}a-b/1.m4s"
    said = {"o2": {name: answer, old: answer}, "e2": WHOLE | {old: answer}}[node]
    nodes = Nodes(monkeypatch, e1=WHOLE, **{node: said})
    questions = nodes.ask([old, name])
    assert nodes.problems == ([problem] if problem else [])
    assert sum(questions.answers[node].values()) == len(questions.sample)


def test_a_node_that_is_busy_is_asked_again(monkeypatch):
    nodes = Nodes(monkeypatch, o1={f"{FOLDER}a-b/8.m4s": b"8"})
    busy, answer = [503, 0], nodes.answer
    monkeypatch.setattr(Door, "get", lambda _, path: (busy.pop(), b"") if busy else answer(path))
    questions = nodes.ask([f"{FOLDER}a-b/8.m4s"])
    assert nodes.problems == [] and not busy and set(questions.answers["o1"]) == {200}


def test_a_number_of_two_terms_and_a_name_of_two_contents_are_seen():
    shown = Shown()
    shown.told("n1", ["/live/s/main/a-b/init-0.mp4", "/live/s/main/a-b/7.m4s", "/live/s/main/a-b/8.0.m4s"])
    shown.told("n2", ["/live/s/main/a-b/7.m4s", "/live/s/main/a-b/8.m4s", "/live/s/main/a-c/9.0.m4s"])
    for node in ("n1", "n2"):
        shown.gave(node, "/live/s/main/a-b/7.m4s", "1")
    assert shown.contradictions() == [] and shown.names_of("n1") == 1
    shown.told("n1", ["/live/s/main/a-b/9.0.m4s"])
    shown.gave("n1", "/live/s/main/a-b/8.m4s", "1")
    shown.gave("n2", "/live/s/main/a-b/8.m4s", "2")
    assert [each.split(" is ")[0] for each in shown.contradictions()] == ["number 9", "/live/s/main/a-b/8.m4s"]


@pytest.mark.parametrize(("names", "numbers"), [
    # Open when the newer term began: its parts stay where they are, and it is whole in the newer.
    (["a-b/9.0.m4s", "a-c/9.m4s", "a-c/10.0.m4s"], []),
    (["a-c/9.0.m4s", "a-b/9.m4s"], ["number 9"]),
    (["a-b/9.m4s", "a-c/9.m4s"], ["number 9"]),
    (["a-b/9.0.m4s", "a-b/9.m4s", "a-c/9.1.m4s"], ["number 9"]),
])
def test_an_open_segment_ends_in_the_newer_term(names, numbers):
    shown = Shown()
    shown.told("n1", [f"/live/s/main/{name}" for name in names])
    assert [each.split(" is ")[0] for each in shown.contradictions()] == numbers


def test_of_a_stand_what_was_late_within_the_time_counts():
    stands = [Stand("v-1", "s", 8, 3, "e", "e"), Stand("v-2", "s", 18, 4, "e", "e"), Stand("v-2", "s", 1, 2, "e", "e")]
    # One second of the first, and a second and a half of the second.
    assert share(stands, 2, 10, 20, 0.5) == pytest.approx((1 + 1.5) / 20)
    assert share(stands, 2, 30, 40, 0.5) == 0 and share([], 0, 0, 0, 0.5) == 0
    assert worst(stands, 2, 22) == {"v-1": stands[0], "v-2": stands[1]} and set(worst(stands, 2, 11)) == {"v-1", "v-2"}


def test_a_page_says_which_program_each_figure_is_of():
    old = {"kind": "drains", "ended": 0, "commit": "abc"}
    new = {"kind": "chaos", "ended": 60, "commit": "def", "dirty": False}
    assert measured_with([new, new]) == "Measured with the program of `def`.\n"
    assert measured_with([]) == ""
    text = measured_with([new, old, new | {"kind": "redis", "dirty": True}, {"kind": "first", "ended": 1}])
    assert [line.split("|")[1].strip() for line in text.splitlines()[2:]] == [
        "`abc`, whether with changes was not recorded", "a commit that was not recorded, whether with changes was not recorded",
        "`def`", "`def`, with changes that were not committed"]
    assert "| 1970-01-01 00:01 UTC | chaos |" in text


def test_a_page_has_no_rows_of_tests_that_ran_under_another_name_since():
    old, new = {"kind": "upgrades", "order": "edges first"}, {"kind": "upgrades", "order": "edges first", "place": "one region"}
    other = {"kind": "drains"}
    renamed = {"upgrades": "place"}
    assert current([old, other], renamed) == [old, other] and current([old, new, other], renamed) == [new, other]
