# SPDX-License-Identifier: Apache-2.0
"""Every way a node can go while viewers look on: a standby, a gateway, Redis, a disk. Each measures what the viewers felt,
and that everybody was given the same bytes, in order, with nothing missing, and that the object store has the same."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import pathlib
import random
import time
from collections.abc import Iterator

import pytest

from browser import Browser, Watching, percentile
from chaos.encoders import Encoder, FFmpeg
from chaos.exercise import Exercise, Outcome
from chaos.plan import Fault
from chaos.recorded import waiting
from chaos.stands import share
from clusters import HTTP_PORT, ask, base, metric, topology, wait_members, watch
from conftest import ARTEFACTS, FULL, seconds
from lab import Lab, Topology
from lab.keeper import obstacle
from server import wait_until

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")

# How long a part lasts; a viewer gets something new so often.
PART = 0.5
# After so long with nothing of a machine whoever sends to it goes elsewhere.
UNHEARD = 1.5
STREAM = "chaos-1"
ONE_REGION = {
    "regions": ["east"],
    "seeds": ["o1", "o2"],
    "disks": {"objects": "1GiB", "spill": "256MiB"},
    "nodes": {"o": {"region": "east", "zones": ["a", "b", "c"], "roles": ["origin"], "count": 3,
                    "settings": {"storage.kind": "file", "storage.path": "{disks}/objects",
                                 "storage.spill": "{disks}/spill/{name}", "storage.memory": "64KiB"}},
              "e": {"region": "east", "zones": ["a", "b"], "roles": ["edge"], "count": 4},
              "r": {"region": "east", "zone": "c", "roles": ["router"]},
              "p": {"region": "east", "command": []}, "v": {"region": "east", "command": []}},
}
# It keeps nothing: killed, it comes back empty.
REDIS = {"region": "east", "command": ["redis-server", "--bind", "*", "--protected-mode", "no", "--save", "", "--appendonly",
                                       "no"]}
SETTINGS = {"roles": "{roles}", "cluster__checked_one_in": 1, "publisher__grace": "40s"}


@contextlib.contextmanager
def exercise(request, text: dict, **options):
    """A lab with an exercise in it, whose logs are kept when the test fails."""
    failed = True
    with Lab.up(text, start=False) as lab:
        try:
            with Exercise(lab, seed=1, stand=PART + 0.1, **options) as made:
                yield made
            failed = False
        finally:
            if failed:
                lab.save_logs(ARTEFACTS / request.node.name)


def settled(made: Exercise) -> None:
    """Everybody plays, from two holders."""
    made.wait_playing(20)
    wait_until(lambda: all(made.overseer.believed(STREAM)), 20, "a gateway and a standby")
    time.sleep(2)


def nothing_is_wrong(outcome: Outcome, discontinuities: bool = False) -> None:
    assert not outcome.problems, sorted(outcome.problems)[:10]
    assert outcome.gaps == 0
    assert outcome.stored > 0
    assert not outcome.leaps, f"viewers who were cut off for longer than a playlist lasts: {outcome.leaps[:5]}"
    assert sum(outcome.asked.values()) > 0, "nobody was asked at the end"
    if not discontinuities:
        assert outcome.total("discontinuities") == 0


def added(made: Exercise, begun: float, ended: float) -> list[float]:
    """Of each viewer the most by which something came later than a part after the last; where nobody told of a stand, the
    time from which on they tell."""
    stands = made.worst(begun, ended)
    return [stand.seconds - PART for stand in stands.values()] + [0.1] * (made.counts[1] - len(stands))


def deaths(turns: int) -> list[str]:
    """How a node dies in each turn: the process, whose connections the kernel ends, or the whole machine, without a word."""
    return ["process", "machine"] * turns


def of_each(ways: list[str], values: list[list[float]]) -> Iterator[tuple[str, list[float]]]:
    """The values of all deaths of one kind, then of the other."""
    for kind in sorted(set(ways), reverse=True):
        yield kind, [value for way, some in zip(ways, values, strict=True) if way == kind for value in some]


def test_the_standby_is_killed(binary, request, figures) -> None:
    """Edges hang on both holders. No segment is missing, what comes is late by a second at most, and hls.js plays on."""
    ways, killed, hanging = deaths(int(seconds(1, 30))), [], []
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=16) as made:
        lab = made.lab
        with lab.inside("v"), Browser() as browser:
            watching = Watching(browser, f"{base(lab, 'r')}/watch/live/{STREAM}").start()
            before = watching.stats()
            longest_latency = 0.0
            for way in ways:
                settled(made)
                standby = made.overseer.believed(STREAM)[1]
                hanging.append(children(lab, standby))
                killed.append(made.kill(standby, silently=way == "machine"))
                samples = watching.sample(5)
                longest_latency = max([longest_latency, *(each.get("latency") or 0 for each in samples)])
                made.wait_playing(20)
                made.start(standby)
                wait_members(lab, "r", set(made.nodes))
            made.wait_playing(20)
            after = watching.stats()
        outcome = made.end()
    # Of each death the worst viewer, up to the next death: however long he stood.
    worst = [[max(added(made, at, end))] for at, end in itertools.pairwise([*killed, float("inf")])]
    for way, delays in of_each(ways, worst):
        figures(kind="standby deaths", way=way, kills=len(delays), hanging=sum(hanging) / len(hanging), edges=4,
                p50=percentile(delays, 0.5), p95=percentile(delays, 0.95), worst=max(delays), names=len(outcome.names),
                gaps=outcome.gaps, problems=len(outcome.problems), reloads=after["reloads"] - before["reloads"],
                stalls=after["stalls"] - before["stalls"], latency=longest_latency)
    nothing_is_wrong(outcome)
    assert after["reloads"] == before["reloads"], after
    assert after["currentTime"] - before["currentTime"] > 0.9 * 5 * len(ways), (before, after)
    assert any(hanging), "no edge ever took the stream from the standby"
    for way, delays in of_each(ways, worst):
        assert percentile(delays, 0.95) <= (1 if FULL else 2.5), (way, delays)


def children(lab: Lab, node: str) -> int:
    """Edges that take the stream from a node."""
    tree = ask(lab, "r", f"/cluster/streams/live%2F{STREAM}")["tree"]
    return sum(branch["parent"] == node and branch["node"].startswith("e") for branch in tree)


def test_the_gateway_is_killed_again_and_again(binary, request, figures) -> None:
    """ffmpeg is back at another origin after a second; everybody plays on from there, and every number follows."""
    ways, pauses, longest = deaths(int(seconds(1, 30))), [], []
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=16,
                  encoder=FFmpeg) as made:
        encoder = made.encoders[0]
        for way in ways:
            settled(made)
            gateway, before = made.overseer.believed(STREAM)[0], len(encoder.began)
            at = made.kill(gateway, silently=way == "machine")
            if way == "machine":
                time.sleep(UNHEARD)
                made.leave(gateway)
            wait_until(lambda: len(encoder.began) > before, 10, "ffmpeg to be back")
            back = encoder.began[before][0]
            time.sleep(seconds(5, 6))
            made.wait_playing(20)
            stands = made.worst(back, time.monotonic())
            pauses.append([stand.begun + stand.seconds - back for stand in stands.values()])
            longest.append([stand.seconds for stand in stands.values()])
            assert len(stands) == made.counts[1], f"{len(stands)} viewers noticed at all"
            assert made.overseer.believed(STREAM)[0] not in ("", gateway), at
            made.start(gateway)
            wait_members(made.lab, "r", set(made.nodes))
        outcome = made.end()
    stood = dict(of_each(ways, longest))
    for way, times in of_each(ways, pauses):
        figures(kind="gateway deaths", way=way, kills=ways.count(way), viewers=made.counts[1],
                p50=percentile(times, 0.5), p95=percentile(times, 0.95), worst=max(times),
                stood=percentile(stood[way], 0.95), names=len(outcome.names), stored=outcome.stored,
                different=outcome.different, gaps=outcome.gaps, problems=len(outcome.problems),
                compared=made.overseer.count("millrace_segment_checks_total"))
    nothing_is_wrong(outcome)
    for way, times in of_each(ways, pauses):
        assert percentile(times, 0.95) <= (1.5 if FULL else 3), (way, sorted(times))


@pytest.mark.parametrize("stops", ["once", "twice"] if FULL else ["once"])
def test_a_gateway_stands_still_for_ten_seconds(binary, request, figures, stops: str) -> None:
    """Its publisher goes elsewhere meanwhile. When it wakes up it is refused, and nothing that it wrote is seen. Twice: a
    moment after it woke up, with what it had to say half said, it stands still once more."""
    times, refused, chance = int(seconds(1, 5)), [], random.Random(f"pauses {stops}")
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=16) as made:
        lab = made.lab
        for _ in range(times):
            settled(made)
            gateway = made.overseer.believed(STREAM)[0]
            counted = made.overseer.count("millrace_stale_terms_refused_total")
            term = the_term(lab)
            lab.freeze(gateway)
            time.sleep(1.5)
            made.leave(gateway)
            wait_until(lambda: the_term(lab) != term, 15, "another term")
            taken = time.monotonic()
            time.sleep(10 - 1.5)
            if stops == "twice":
                stand_again(lab, gateway, chance)
            lab.thaw(gateway)
            wait_until(lambda: made.overseer.count("millrace_stale_terms_refused_total") > counted, 15,
                       "the stale writer to be refused")
            wait_heard(lab, gateway, term)
            made.wait_playing(20)
            refused.append(made.overseer.count("millrace_stale_terms_refused_total") - counted)
            # What viewers held before is given again by others; a moment later nothing of the old term is new.
            late = [name for name, (_, _, at) in made.outcome.names.items() if f"/{term}/" in name and at > taken + 3]
            assert not late, late
        outcome = made.end()
    figures(kind="gateway pauses", stops=stops, times=times, refused=min(refused), names=len(outcome.names),
            stored=outcome.stored, different=outcome.different, gaps=outcome.gaps, problems=len(outcome.problems))
    nothing_is_wrong(outcome)


def stand_again(lab: Lab, gateway: str, chance: random.Random) -> None:
    """SIGCONT, and a moment later SIGSTOP for another two seconds."""
    awake = chance.uniform(0.1, 0.3)
    print(f"{gateway} is awake for {awake * 1000:.0f} ms")
    lab.thaw(gateway)
    time.sleep(awake)
    lab.freeze(gateway)
    time.sleep(2)


def wait_heard(lab: Lab, gateway: str, old: str) -> None:
    """Until the node that was the gateway says itself that another one is, in another term. Its door never shows the old
    one meanwhile: an origin has no viewers, and sends them to an edge."""
    door = f"http://127.0.0.1:{HTTP_PORT}/live/{STREAM}/main/media.m3u8"

    def has_heard() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _, body = watch(lab, gateway, door)
            names = [line for line in body.splitlines() if line and not line.startswith("#")]
            assert status != 200 or not names[-1].startswith(f"{old}/"), f"{gateway} shows what nobody else has: {body}"
            return any(each["term"] not in (None, old) and each["gateway"] != gateway
                       for each in ask(lab, gateway, "/cluster/streams")["streams"] if each["id"].endswith(STREAM))
        return False

    wait_until(has_heard, 15, f"{gateway} to hear of the other term")


def the_term(lab: Lab) -> str:
    return next((each["term"] for each in ask(lab, "r", "/cluster/streams")["streams"] if each["id"].endswith(STREAM)), "")


def test_all_nodes_die_at_once(binary, request, figures) -> None:
    """Nothing is left of what was; publishers come back, numbers go on upward, and no name is used again."""
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=2, viewers=16) as made:
        settled(made)
        before = {stream: max(numbers) for stream, numbers in made.outcome.numbers.items()}
        at = made.kill(*made.nodes)
        made.faults.start(made.nodes)
        # A viewer plays while he gets, every three seconds, what is beyond all that he had.
        time.sleep(3.5)
        made.wait_playing(40)
        again = max(stand.begun + stand.seconds for stand in made.worst(at, time.monotonic()).values()) - at
        time.sleep(5)
        after = {stream: min(number for number in numbers if number > before[stream])
                 for stream, numbers in made.outcome.numbers.items()}
        outcome = made.end()
    # What nobody holds any more nobody can call a gap, nor store.
    broken = [problem for problem in outcome.problems
              if problem[1] not in ("numbers that nobody was shown", "numbers that the store does not list")]
    figures(kind="all down", again=again, names=len(outcome.names), stored=outcome.stored,
            different=outcome.different, ahead=min(after[stream] - before[stream] for stream in before), problems=len(broken))
    assert outcome.stored > 0
    assert not broken, broken[:10]
    assert all(after[stream] > before[stream] for stream in before), (before, after)


def with_redis() -> dict:
    """Two edges are enough for a viewer of each of fifty streams, and each process less leaves more of the machine."""
    text = topology("one-region", **SETTINGS) | ONE_REGION
    text["nodes"] = text["nodes"] | {"e": text["nodes"]["e"] | {"count": 2}, "store": REDIS}
    address = Topology.parse("one-region", text).nodes["store"].address
    return text | {"settings": text["settings"] | {"redis.url": f"redis://{address}:6379"}}


def test_redis_is_killed_and_comes_back_empty(binary, request, figures) -> None:
    """Nobody is disturbed, new streams begin, and no term falls. Full: 7 minutes, 50 streams, a viewer of each. Their media
    is as little as a stream can have with a part each half second: what the machine is busy with otherwise makes viewers
    stand who would not, and Redis has to do with neither pictures nor sound. All stands count, whosever fault they are."""
    streams, down = int(seconds(8, 50)), seconds(12, 420)
    with exercise(request, with_redis(), streams=streams, viewers=streams, store="store", clip="load-40k",
                  look_every=15) as made:
        lab, ticks = made.lab, processor_ticks()
        settled(made)
        looked = time.monotonic()
        time.sleep(seconds(3, 60))
        claims = sum(metric(lab, node, "millrace_redis_claims_total", 'answer="granted"') for node in origins(made))
        begun = time.monotonic()
        lab.kill("store")
        time.sleep(down / 2)
        late = new_streams(made, 5)
        time.sleep(down / 2)
        away = time.monotonic() - begun
        lab.start(["store"])
        wait_until(lambda: all(metric(lab, node, "millrace_redis_up") == 1 for node in origins(made)), 20,
                   "all origins to reach Redis again")
        time.sleep(seconds(3, 30))
        made.faults.flush("store")
        time.sleep(seconds(5, 30))
        ended = time.monotonic()
        # Who stood when it was killed, or stands yet, is told of when that is over.
        made.wait_playing(20)
        all_stands = list(made.outcome.stands)
        spent = [after - before for before, after in zip(ticks, processor_ticks(), strict=True)]
        fences = made.overseer.count("millrace_redis_fences_total")
        returns = sum(len(encoder.began) - 1 for encoder in [*made.encoders, *late])
        taken = terms_after_a_death(made)
        outcome = made.end()
        for encoder in late:
            encoder.end()
    stands = [stand.seconds for stand in all_stands if stand.ended > begun]
    usual = [stand.seconds for stand in all_stands if looked < stand.ended <= begun]
    stood, stood_before = (share(all_stands, streams, *times, PART) for times in ((begun, ended), (looked, begun)))
    worst = max(stands, default=0)
    figures(kind="redis deaths", streams=streams, away=away, granted=claims, new=len(late), returns=returns, taken=taken,
            fences=fences, stands=len(stands), worst=worst, usual=max(usual, default=0), stands_before=len(usual),
            stood=100 * stood, stood_before=100 * stood_before, stolen=100 * spent[7] / sum(spent),
            problems=len(outcome.problems))
    nothing_is_wrong(outcome)
    assert claims >= streams, "Redis was never asked"
    assert returns == 0 and fences == 0
    assert worst <= PART + (1 if FULL else 2.5), worst
    # Half a second of each viewer in eight minutes: less than any that was sent elsewhere, or waited for a term, would need.
    assert stood <= 2 * stood_before + (0.001 if FULL else 0.05), (stood, stood_before)


def processor_ticks() -> list[int]:
    """The kernel's counts for all processors, from `user` to `steal`, what other machines of the host had (proc_stat(5))."""
    return [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]


def terms_after_a_death(made: Exercise) -> int:
    """Kills a gateway. Its publishers go elsewhere, and each of its streams goes on in a term above all that was; how
    many did. The overseer tells of a node that believes in a lower one."""
    gateway = made.overseer.believed(made.encoders[0].stream)[0]
    held = {encoder.stream for encoder in made.encoders if made.overseer.believed(encoder.stream)[0] == gateway}
    before = terms(made.lab)
    made.kill(gateway)
    wait_until(lambda: all(terms(made.lab).get(stream, "") > before[stream] for stream in held), 30,
               f"terms above {before} for {held}")
    made.start(gateway)
    made.wait_playing(30)
    return len(held)


def terms(lab: Lab) -> dict[str, str]:
    """Of every stream the term that a router believes; their words are in the order of the terms."""
    router = next(name for name, node in lab.topology.nodes.items() if node.roles == ["router"])
    return {each["id"].rpartition("/")[2]: each["term"] for each in ask(lab, router, "/cluster/streams")["streams"]
            if each["term"]}


def test_disks_are_full(binary, request, figures) -> None:
    """That of the store, and then the nodes' own as well. Nobody notices; what waited is stored when there is room, and what
    no room was left for is a gap in the store and nowhere else."""
    times, full, waited, lost, caught = int(seconds(1, 10)), 10, [], [], []
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=2, viewers=16) as made:
        settled(made)
        usual = max((stand.seconds for stand in made.outcome.stands), default=0)
        begun = time.monotonic()
        for _ in range(times):
            for disks in (["objects"], ["objects", "spill"]):
                fault = Fault(0, "crammed", tuple(disks), full)
                before = uploads(made, "lost")
                made.faults.begin(fault)
                time.sleep(full)
                waited.append(sum(path.stat().st_size for path in made.lab.disk("spill").rglob("*") if path.is_file()))
                made.faults.end(fault)
                freed = time.monotonic()
                made.wait_stored(30)
                caught.append(time.monotonic() - freed)
                lost.append(uploads(made, "lost") - before)
        stands = [stand.seconds for stand in made.outcome.stands if stand.begun > begun]
        returns = sum(len(encoder.began) - 1 for encoder in made.encoders)
        outcome = made.end()
    figures(kind="full disks", times=len(lost), returns=returns, worst=max(stands, default=0), usual=usual,
            waited=max(waited), lost=sum(lost[::2]), lost_both=sum(lost[1::2]), caught=max(caught),
            stored_gaps=outcome.stored_gaps, names=len(outcome.names), stored=outcome.stored,
            different=outcome.different, gaps=outcome.gaps, problems=len(outcome.problems))
    nothing_is_wrong(outcome)
    assert returns == 0 and max(stands, default=0) <= PART + (1 if FULL else 2.5), stands
    assert sum(lost[::2]) == 0, "segments were lost for which the nodes had room"
    assert sum(lost[1::2]) > 0 and max(waited) > 1 << 17, "the disks were never full"


def test_a_gateway_is_killed_while_the_store_is_full(binary, request) -> None:
    """What waited on its disk its successor has as well, and stores; back again, it does not keep what nobody wants."""
    with exercise(request, topology("one-region", **SETTINGS) | ONE_REGION, streams=1, viewers=4) as made:
        settled(made)
        gateway = made.overseer.believed(STREAM)[0]
        made.lab.room("objects", 0)
        wait_until(lambda: waiting(made.lab.disk("spill") / gateway), 20, "segments to wait on the disk")
        made.kill(gateway)
        time.sleep(3)
        made.lab.room("objects")
        made.start(gateway)
        made.wait_playing(20)
        outcome = made.end()
    nothing_is_wrong(outcome)
    assert outcome.stored_gaps == 0


def uploads(made: Exercise, what: str) -> float:
    return sum(metric(made.lab, node, f"millrace_upload_{what}_total") for node in origins(made))


def origins(made: Exercise) -> list[str]:
    return [name for name in made.nodes if made.lab.topology.nodes[name].roles == ["origin"]]


def new_streams(made: Exercise, count: int) -> list[Encoder]:
    """More streams than there were, each seen to play at an edge."""
    known = made.encoders[0]
    late = [Encoder(made.lab, known.place, known.origins, f"late-{number}", known.tags, 0) for number in range(count)]
    for encoder in late:
        encoder.start()
    for encoder in late:
        path = f"/live/{encoder.stream}/main/media.m3u8"
        wait_until(lambda: made.lab.get("e1", path, seconds=20)[0] == 200, 30, f"{encoder.stream} to play")
    return late
