# SPDX-License-Identifier: Apache-2.0
"""What a cluster does about strangers, wrong keys, taken names, missing edges, drains and new keys."""

from __future__ import annotations

import contextlib
import random
import secrets
import socket
import time

import pytest

from clusters import (Publishing, Reader, address, base, command, members, metric, topology, wait_live, wait_members,
                      watch)
from conftest import ARTEFACTS
from lab import Lab
from lab.keeper import obstacle
from rtmp_client import Publisher as RawPublisher
from rtmp_client import RTMPRefusal
from server import wait_until

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")

GOSSIP, AGENT = 7946, 7950
MEMBERS = {"n1", "n2", "n3", "r"}
NODES = {
    "n": {"region": "east", "zones": ["a", "b", "c"], "count": 3, "settings": {"edge.agent_port": AGENT}},
    "r": {"region": "east", "settings": {"roles": ["router"]}},
    "lonely": {"region": "east", "settings": {"roles": ["router"], "cluster.name": "lonely", "cluster.seeds": []}},
    # An origin for the lonely router, and still no edge.
    "barren": {"region": "east", "settings": {"roles": ["origin"], "cluster.name": "lonely",
                                              "cluster.seeds": ["10.1.0.5:7946"]}},
    "other-key": {"region": "east", "settings": {"cluster.key": "5a" * 32}},
    "other-name": {"region": "east", "settings": {"cluster.name": "other"}},
    "again": {"region": "east", "settings": {"node.name": "n2"}},
    "person": {"region": "east", "command": []},
}


@pytest.fixture(scope="module")
def lab(binary, request):
    failed = request.session.testsfailed
    with Lab.up(topology("one-region") | {"seeds": ["n1", "n2"], "nodes": NODES}, start=False) as made:
        try:
            made.start([*MEMBERS, "lonely"])
            made.wait_ready([*MEMBERS, "lonely"])
            for name in MEMBERS:
                wait_members(made, name, MEMBERS)
            yield made
        finally:
            if request.session.testsfailed > failed:
                made.save_logs(ARTEFACTS / "cluster-bad-input")


def test_forged_packets_change_nothing(lab) -> None:
    heard = packets_to(lab, "n1", 3)
    assert heard, "no gossip came to n1"
    chance = random.Random(7)
    before = {reason: refused(lab, "n1", reason) for reason in REASONS}
    changes = metric(lab, "n1", "millrace_cluster_member_changes_total")
    sent = 0
    with lab.inside("person"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for packet in [*(chance.randbytes(chance.choice((0, 1, 7, 40, 600, 1400))) for _ in range(300)),
                       *heard, *(packet[:chance.randrange(len(packet))] for packet in heard),
                       *(flipped(packet, chance) for packet in heard * 3), *(heard[0] + bytes(40_000),) * 3]:
            stranger.sendto(packet, (address(lab, "n1"), GOSSIP))
            sent += 1
            time.sleep(0.001)
    def grown() -> dict[str, float]:
        return {reason: refused(lab, "n1", reason) - before[reason] for reason in REASONS}
    wait_until(lambda: sum(grown().values()) >= 0.95 * sent, 5, f"{sent} refusals")
    for reason in ("forged", "replayed", "too_short", "not_ours"):
        assert grown()[reason] > 0, grown()
    assert metric(lab, "n1", "millrace_cluster_member_changes_total") == changes
    for name in MEMBERS:
        assert set(members(lab, name).values()) == {"alive"} and set(members(lab, name)) == MEMBERS


REASONS = ("forged", "not_ours", "replayed", "too_long", "too_short", "unknown_key", "version", "wrong_cluster")


def refused(lab: Lab, node: str, reason: str) -> float:
    return metric(lab, node, "millrace_gossip_refused_total", f'reason="{reason}"')


def packets_to(lab: Lab, node: str, seconds: float) -> list[bytes]:
    """The gossip that comes to a node for a while, as somebody on its cable would see it."""
    found, end = [], time.monotonic() + seconds
    with lab.inside(node), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as tap:
        tap.settimeout(0.2)
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                packet, where = tap.recvfrom(65536)
                start = (packet[0] & 15) * 4
                to = int.from_bytes(packet[start + 2:start + 4], "big")
                if where[2] == socket.PACKET_HOST and packet[9] == socket.IPPROTO_UDP and to == GOSSIP:
                    found.append(packet[start + 8:])
    return found


def flipped(packet: bytes, chance: random.Random) -> bytes:
    """With one bit the other way."""
    place = chance.randrange(len(packet) * 8)
    return bytes(byte ^ (1 << place % 8) if index == place // 8 else byte for index, byte in enumerate(packet))


@pytest.mark.parametrize(("stranger", "reason"), [("other-key", "unknown_key"), ("other-name", "wrong_cluster")])
def test_a_node_of_another_cluster_learns_and_changes_nothing(lab, stranger, reason) -> None:
    before = refused(lab, "n1", reason) + refused(lab, "n2", reason)
    lab.start(stranger)
    lab.wait_ready(stranger)
    wait_until(lambda: refused(lab, "n1", reason) + refused(lab, "n2", reason) > before, 10, f"a refusal for {reason}")
    time.sleep(1)
    seen = members(lab, stranger)
    lab.kill(stranger)
    assert set(seen) == {stranger}
    assert set(members(lab, "n1")) == MEMBERS


def test_a_name_that_is_taken_stays_with_its_member(lab) -> None:
    """The second is told so, in its log; the first stays a member and keeps its address."""
    lab.start("again")
    lab.wait_ready("again")
    time.sleep(4)
    listing = command(lab, "n1", "members").stdout
    log = lab.log("again")
    conflicts = metric(lab, "again", "millrace_gossip_reports_total", "name_conflict")
    lab.kill("again")
    wait_members(lab, "n1", MEMBERS)
    row = next(line for line in listing.splitlines() if line.startswith("n2 "))
    assert f"{address(lab, 'n2')}:{GOSSIP}" in row, listing
    assert conflicts > 0
    assert f"the name of this node belongs to a member at {address(lab, 'n2')}" in log, log[-2000:]


@pytest.mark.parametrize(("router", "sentence"), [("r", "Publish to rtmp://10.1."), ("lonely", "No origin")])
def test_a_publisher_is_refused_with_a_sentence_by_a_router(lab, router, sentence) -> None:
    with lab.inside("person"), pytest.raises(RTMPRefusal, match=sentence):
        with RawPublisher(1935, "live", "astray", host=address(lab, router)):
            pass


def test_a_router_without_edges_says_when_to_come_again(lab) -> None:
    """A stream that nobody serves is answered 503; one that nobody publishes 404."""
    lab.start("barren")
    lab.wait_ready("barren")
    wait_members(lab, "lonely", {"lonely", "barren"})
    url = f"{base(lab, 'lonely')}/live/unserved/index.m3u8"
    assert watch(lab, "person", url)[0] == 404
    with Publishing(lab, "person", "barren", "unserved"):
        wait_until(lambda: watch(lab, "person", url)[0] != 404, 15, "the router to know the stream")
        status, headers, _ = watch(lab, "person", url)
    lab.kill("barren")
    assert status == 503 and int(headers["retry-after"]) >= 1, (status, headers)


def test_new_keys_under_a_viewer_lose_nobody(lab, tmp_path) -> None:
    old = keys(lab, "n1")
    new = tmp_path / "new.key"
    new.write_text(secrets.token_hex(32) + "\n")
    with Publishing(lab, "person", "n1", "rotated"):
        wait_live(lab, "person", "r", "rotated")
        changes = {name: metric(lab, name, "millrace_cluster_member_changes_total") for name in MEMBERS}
        with Reader(lab, "person", "n3", "/live/rotated/main/media.m3u8") as reader:
            time.sleep(1)
            added = done(command(lab, "n1", "keys", "install", str(new))).split()[-1].strip(".")
            wait_until(lambda: all(added in keys(lab, name) for name in MEMBERS), 15, "the new key everywhere")
            done(command(lab, "n1", "keys", "use", added))
            wait_until(lambda: all("inUse" in keys(lab, name)[added] for name in MEMBERS), 15, "the new key in use")
            done(command(lab, "n1", "keys", "remove", *old))
            wait_until(lambda: all(list(keys(lab, name)) == [added] for name in MEMBERS), 15, "the old key gone")
            had = len(reader.reading.segments)
            wait_until(lambda: len(reader.reading.segments) >= had + 2, 10, "two more segments")
            assert not reader.reading.refused and not reader.reading.failures
        assert changes == {name: metric(lab, name, "millrace_cluster_member_changes_total") for name in MEMBERS}
    # Whoever comes with the old key stays out, and is let in with the new one.
    lab.kill("r")
    lab.start("r")
    lab.wait_ready("r")
    wait_members(lab, "n1", MEMBERS - {"r"}, 25)
    assert set(members(lab, "r")) == {"r"}


def keys(lab: Lab, node: str) -> dict[str, str]:
    """The ids of keys and what is said of each."""
    return {line.split()[0]: line for line in command(lab, node, "keys", "list").stdout.splitlines() if line.strip()}


def done(result) -> str:
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def test_a_balancer_is_told_what_is_free_and_a_drain_keeps_the_viewer(lab) -> None:
    """HAProxy's agent-check before and after `millrace cluster drain`, which another node passes on."""
    assert agent(lab, "n2").startswith("up ready ") and agent(lab, "n2").endswith("%\n"), agent(lab, "n2")
    with Publishing(lab, "person", "n1", "drained"):
        media = f"{base(lab, 'n2')}/live/drained/main/media.m3u8"
        wait_until(lambda: watch(lab, "person", media)[0] == 200, 20, "media")
        with Reader(lab, "person", "n2", "/live/drained/main/media.m3u8") as reader:
            wait_until(lambda: len(reader.reading.segments) >= 2, 15, "segments")
            done(command(lab, "n3", "drain", "n2", "--deadline", "8s"))
            wait_until(lambda: not lab.running("n2") or agent(lab, "n2") == "drain\n", 5, "the agent to say drain")
            had = len(reader.reading.segments)
            wait_until(lambda: len(reader.reading.segments) >= had + 2, 10, "two more segments")
            assert not reader.reading.refused and not reader.reading.failures
            wait_until(lambda: "draining" in row(lab, "n1", "n2"), 5, "n1 to see the drain")
        wait_until(lambda: not lab.running("n2"), 45, "the drained node to end")


def row(lab: Lab, node: str, member: str) -> str:
    lines = command(lab, node, "members").stdout.splitlines()
    return next((line for line in lines if line.startswith(f"{member} ")), "")


def agent(lab: Lab, node: str) -> str:
    with lab.inside("person"), socket.create_connection((address(lab, node), AGENT), 5) as connection:
        with contextlib.suppress(ConnectionError):
            return connection.makefile().read()
    return ""
