# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what it says of delay, loss, rate and partitions is so, and nothing of it stays behind."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import pytest

from conftest import ARTEFACTS
from gossip.agents import MillraceAgents, SerfAgents
from gossip.watcher import Watcher
from lab import Lab, Topology, TopologyFailure, topologies
from lab.keeper import Process, obstacle
from lab.lab import clean, wait_until
from lab.settings import ROOT, settings_of

needs_namespaces = pytest.mark.skipif(obstacle() is not None, reason=f"a lab {obstacle()}")

TWO = {
    "regions": ["east", "west"],
    "links": [{"between": ["east", "west"], "delay": "20ms"}],
    "command": ["python3", "-m", "http.server", "8080"],
    "nodes": {"a": {"region": "east"}, "b": {"region": "east", "command": []}, "c": {"region": "west", "command": []}},
}


@pytest.fixture(scope="module")
def lab(request):
    failed = request.session.testsfailed
    with Lab.up(TWO) as made:
        yield made
        if request.session.testsfailed > failed:
            made.save_logs(ARTEFACTS / "lab")


@pytest.mark.unit
@pytest.mark.parametrize("name", topologies())
def test_a_topology_of_ours_is_understood(name):
    topology = Topology.load(name)
    assert topology.about
    addresses = [node.address for node in topology.nodes.values()]
    assert len(set(addresses)) == len(addresses)
    assert all((one, other) in topology.links for one in topology.regions for other in topology.regions if one != other)


@pytest.mark.unit
@pytest.mark.parametrize(("change", "sentence"), [
    ({"region": []}, "unknown: region"),
    ({"links": [{"between": ["east", "north"]}]}, "between two regions"),
    ({"links": [{"between": ["east", "west"], "delay": 20}]}, "no time"),
    ({"links": [{"between": ["east", "west"], "loss": "101%"}]}, "no share"),
    ({"links": [{"between": ["east", "west"], "rate": "fast"}]}, "no rate"),
    ({"nodes": {}}, "no nodes"),
    ({"nodes": {"a": {"region": "north"}}}, "north"),
    ({"nodes": {"A": {"region": "east"}}}, "a name is"),
    ({"nodes": {"east": {"region": "east"}}}, "a name is"),
    ({"nodes": {"a": {"region": "east", "role": "edge"}}}, "unknown: role"),
    ({"seeds": ["z"]}, "seeds"),
    ({"disks": {"a": "1MiB"}}, "no node's"),
    ({"disks": {"../x": "1MiB"}}, "letters"),
    ({"disks": {"large": "1"}}, "no size"),
])
def test_a_topology_that_can_not_be_meant_is_refused(change, sentence):
    with pytest.raises(TopologyFailure, match=sentence):
        Topology.parse("t", copy.deepcopy(TWO) | change)


@pytest.mark.unit
def test_names_are_nodes_regions_zones_or_all():
    topology = Topology.load("two-regions")
    assert topology.names("east-o1,east-o2") == ["east-o1", "east-o2"]
    assert topology.names("west/c") == ["west-o3"]
    assert len(topology.names("all")) == len(topology.nodes) == 17
    assert topology.names(["west", "west-e1"]) == topology.names("west")
    with pytest.raises(TopologyFailure):
        topology.names("north")


@pytest.mark.unit
def test_a_node_has_its_own_settings():
    node = Topology.load("two-regions").nodes["west-s"]
    meant = {"name": "west-s", "region": "west", "zone": "a", "roles": ["edge"], "seeds": ["10.2.0.1:7946"],
             "remote_seeds": ["10.1.0.1:7946"], "address": node.address, "key": "secret"}
    settings = settings_of(node, meant)
    assert settings["node"] == {"name": "west-s", "region": "west", "zone": "a", "advertise": "10.2.0.4"}
    assert settings["roles"] == ["edge"] and settings["edge"] == {"shield": True}
    assert settings["cluster"] == {"name": "drill", "key": "secret", "seeds": ["10.2.0.1:7946"],
                                   "remote_seeds": ["10.1.0.1:7946"]}
    assert settings["gossip"] == {"port": 7946}


@pytest.mark.unit
@pytest.mark.parametrize(("agents", "line", "told"), [
    (SerfAgents(), "2026/11/21 14:00:00 [INFO] serf: EventMemberFailed: n7 10.1.0.7", ("n7", "dead")),
    (SerfAgents(), "2026/11/21 14:00:00 [INFO] serf: EventMemberLeave: n7 10.1.0.7", ("n7", "left")),
    (SerfAgents(), "2026/11/21 14:00:00 [INFO] serf: EventMemberLeave (forced): n7 10.1.0.7", ("n7", "left")),
    (SerfAgents(), "2026/11/21 14:00:00 [INFO] agent: joined: 1 nodes", None),
    (MillraceAgents(), '{"message":"member changed","member":"n7","health":"suspect"}', ("n7", "suspect")),
    (MillraceAgents(), '{"message":"member changed","member":"n7"', None),
    (MillraceAgents(), '{"message":"listening","told":"member changed"}', None),
])
def test_a_line_of_a_log_tells_of_a_change(agents, line, told):
    assert agents.parse(line) == told


@pytest.mark.unit
def test_a_watcher_knows_who_believes_what_of_whom_and_since_when(tmp_path):
    class Logs:
        topology = Topology.parse("t", copy.deepcopy(TWO))

        def log_path(self, name):
            return tmp_path / name

    def tell(observer, member, health, end="\n"):
        with open(tmp_path / observer, "a") as log:
            log.write(json.dumps({"message": "member changed", "member": member, "health": health}) + end)

    with Watcher(Logs(), MillraceAgents()) as watcher:
        begun = time.monotonic()
        tell("a", "c", "suspect")
        tell("a", "c", "dead")
        tell("b", "c", "dead", end="")
        assert watcher.wait(0.3, "b's half line", lambda: watcher.everybody(["a", "b"], ["c"], "dead")) is None
        with open(tmp_path / "b", "a") as log:
            log.write("\n")
        assert watcher.wait(5, "both", lambda: watcher.everybody(["a", "b"], ["c"], "dead")) >= begun
        assert len(watcher.firsts(begun, "c", ("suspect", "dead"), ["a", "b"])) == 2
        assert len(watcher.firsts(begun, "c", ("suspect",), ["a", "b"])) == 1
        assert (watcher.count(begun, "dead", ["c"]), watcher.count(time.monotonic(), "dead", ["c"])) == (2, 0)
        watcher.forget("a")
        assert watcher.views["a"] == {"a": "alive"}


@needs_namespaces
def test_a_link_delays_as_it_says_and_may_change(lab):
    assert statistics.median(round_trips(lab, "a", "b")) < 0.01
    assert 0.04 <= statistics.median(round_trips(lab, "a", "c")) < 0.06
    lab.link("east", "west", delay="5ms")
    wait_until(lambda: 0.01 <= statistics.median(round_trips(lab, "a", "c", 5)) < 0.03, 5, "the new delay")
    lab.link("east", "west", one_way=True, delay="50ms")
    wait_until(lambda: 0.055 <= statistics.median(round_trips(lab, "a", "c", 5)) < 0.08, 5, "the new delay one way")
    lab.link("east", "west", delay="20ms")


@needs_namespaces
def test_a_link_loses_as_it_says(lab):
    lab.link("east", "west", one_way=True, loss="10%")
    try:
        wait_until(lambda: datagrams(lab, "a", "c", 200) < 200, 5, "the first loss")
        assert abs(datagrams(lab, "a", "c", 2000) - 1800) < 70
        assert datagrams(lab, "c", "a", 300) == 300
    finally:
        lab.link("east", "west", loss="0%")
    wait_until(lambda: datagrams(lab, "a", "c", 300) == 300, 5, "the end of loss")


@needs_namespaces
def test_tcp_crosses_the_delay_line_whole(lab):
    data = os.urandom(1 << 20)
    received, _ = transfer(lab, "a", "c", data)
    assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()


@needs_namespaces
@pytest.mark.parametrize("target", ["b", "c"])
def test_a_share_of_udp_is_lost_and_no_tcp(lab, target):
    lab.lose(0.25, "a", target, udp=True)
    try:
        sent = 3000
        arrived = datagrams(lab, "a", target, sent)
        # Five standard deviations.
        assert abs(arrived - 0.75 * sent) < 120
        assert datagrams(lab, target, "a", 300) == 300
        begun = time.monotonic()
        transfer(lab, "a", "b", bytes(100_000))
        assert time.monotonic() - begun < 1
    finally:
        lab.lose(0, "a", target)
    assert datagrams(lab, "a", target, 300) == 300


@needs_namespaces
def test_an_access_line_has_its_rate(lab):
    lab.limit("b", 4_000_000)
    try:
        _, elapsed = transfer(lab, "a", "b", bytes(500_000))
        assert 0.8 < elapsed < 2
    finally:
        lab.limit("b", 0)
    assert transfer(lab, "a", "b", bytes(500_000))[1] < 0.5


@needs_namespaces
@pytest.mark.parametrize("groups", [["a", "b"], ["east", "west"]])
def test_a_partition_heals_by_itself(lab, groups):
    target = lab.topology.names(groups[1])[0]
    with Path(lab, "a", target) as path:
        assert path.passes()
        begun = time.monotonic()
        lab.partition(groups, seconds=1)
        assert not path.passes()
        wait_until(path.passes, 5, "the partition to heal", every=0.01)
        assert 0.9 < time.monotonic() - begun < 2


@needs_namespaces
def test_a_cut_may_be_one_way_and_healed(lab):
    with Path(lab, "a", "b") as there, Path(lab, "b", "a") as back:
        lab.cut("a", "b", one_way=True)
        assert not there.passes() and back.passes()
        lab.cut("a", "b")
        assert not there.passes() and not back.passes()
        lab.heal("a", "b")
        assert there.passes() and back.passes()
        lab.cut("a")
        assert not there.passes()
        lab.heal()
        assert there.passes()


@needs_namespaces
def test_processes_are_frozen_killed_and_started_again(lab):
    wait_until(lambda: answers(lab, "a"), 10, "the node")
    lab.freeze("a")
    assert not answers(lab, "a")
    lab.thaw("a")
    assert answers(lab, "a")
    first = lab.process("a").pid
    lab.kill("a")
    assert not lab.running("a") and not answers(lab, "a")
    lab.start("a")
    wait_until(lambda: answers(lab, "a"), 10, "the node")
    assert lab.process("a").pid != first
    assert "GET / " in lab.log("a")
    assert lab.run("c", ["ip", "-br", "address", "show", "eth0"]).stdout.split()[2] == lab.topology.nodes["c"].address + "/8"


@needs_namespaces
def test_a_disk_is_full_for_a_while():
    """A node writes to it what there is room for; nobody outside the lab has it, and nothing of it stays."""
    write = ["sh", "-c", "cat </dev/zero >{disks}/objects/$(cat /proc/self/stat | cut -d' ' -f1)"]
    with Lab.up(TWO | {"disks": {"objects": "1MiB"}}, start=False) as lab:
        disk = lab.disk("objects")
        lab.room("objects", 8192)
        lab.start("b", write)
        wait_until(lambda: not lab.running("b"), 10, "the disk to be full")
        assert [each.stat().st_size for each in disk.iterdir()] == [8192]
        assert "No space left" in lab.log("b")
        lab.room("objects")
        lab.start("b", write)
        wait_until(lambda: not lab.running("b"), 10, "the disk to be full")
        assert sum(each.stat().st_size for each in disk.iterdir()) == 1 << 20
        assert "/run/disks" not in pathlib.Path("/proc/self/mounts").read_text()
    assert not disk.exists()


@needs_namespaces
def test_traffic_is_counted_by_node(lab):
    before = lab.traffic()
    datagrams(lab, "a", "c", 100, size=72)
    after = lab.traffic()
    assert after["a"]["sent_packets"] - before["a"]["sent_packets"] == 100
    assert after["c"]["received_bytes"] - before["c"]["received_bytes"] == 10_000


@needs_namespaces
def test_nothing_stays_after_a_kill_of_the_lab():
    interfaces = machine()
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True,
                             env=os.environ | {"PYTHONPATH": str(ROOT / "cluster")})
    folder, *pids = owner.stdout.readline().split()
    processes = [Process(int(pid)) for pid in pids]
    namespaces = {os.readlink(f"/proc/{pid}/ns/net") for pid in pids}
    assert all(process.alive for process in processes) and len(namespaces) == 2
    assert pathlib.Path(folder).exists() and machine() == interfaces
    owner.kill()
    owner.wait()
    wait_until(lambda: not any(process.alive for process in processes), 10, "the processes to end")
    wait_until(lambda: not used(namespaces) and not pathlib.Path(folder).exists(), 10, "all of the lab to go")
    assert machine() == interfaces


@needs_namespaces
def test_a_free_lab_is_found_and_its_rest_is_cleaned():
    interfaces = machine()
    drill("up", "one-region", "--bare", "--name", "test-lab-free")
    try:
        found = Lab.find("test-lab-free")
        namespaces = {os.readlink(f"/proc/{found.keeper.process.pid}/ns/net")}
        assert drill("--on", "test-lab-free", "exec", "n2", "--", "ip", "-br", "a").count("10.1.0.2/8") == 1
        assert "n3" in drill("--on", "test-lab-free", "ps")
        assert found.keeper.process.alive
        os.kill(found.keeper.process.pid, signal.SIGKILL)
        wait_until(lambda: not found.keeper.process.alive, 5, "the keeper to end")
    finally:
        cleaned = clean()
    assert cleaned == ["test-lab-free"] and not found.folder.exists()
    wait_until(lambda: not used(namespaces), 10, "all of the lab to go")
    assert machine() == interfaces


# It says its folder, the keeper's, the delay line's and its nodes' processes, and waits to be killed.
OWNER = f"""
import time
from lab import Lab
lab = Lab.up({TWO!r})
print(lab.folder, lab.keeper.process.pid, *(lab.process(name).pid for name in ("a", "~delay-line")), flush=True)
time.sleep(600)
"""


def used(namespaces: set[str]) -> bool:
    """Whether any process is in one of these network namespaces."""
    for link in pathlib.Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if os.readlink(link) in namespaces:
                return True
        except OSError:
            continue
    return False


def machine() -> tuple[list[str], list[str]]:
    """What a lab could leave in the machine's own network namespace: interfaces, and names of others."""
    names = sorted(os.listdir("/run/netns")) if os.path.exists("/run/netns") else []
    return sorted(os.listdir("/sys/class/net")), names


def drill(*words: str) -> str:
    done = subprocess.run([ROOT / "cluster/drill", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def endpoint(lab: Lab, name: str, kind: int = socket.SOCK_DGRAM) -> socket.socket:
    """A socket of this process in a node's network; it stays there."""
    with lab.inside(name):
        made = socket.socket(socket.AF_INET, kind)
    made.bind((lab.topology.nodes[name].address, 0))
    made.settimeout(0.3)
    return made


def round_trips(lab: Lab, one: str, other: str, count: int = 20) -> list[float]:
    with endpoint(lab, one) as asks, endpoint(lab, other) as answers_:
        times = []
        for _ in range(count):
            begun = time.monotonic()
            asks.sendto(b"?", answers_.getsockname())
            answers_.sendto(*answers_.recvfrom(9))
            asks.recv(9)
            times.append(time.monotonic() - begun)
        return times


def datagrams(lab: Lab, one: str, other: str, count: int, size: int = 10) -> int:
    """How many of so many arrive."""
    with endpoint(lab, one) as sends, endpoint(lab, other) as takes:
        arrived = 0

        def take(wait: float) -> bool:
            takes.settimeout(wait)
            try:
                takes.recv(size)
            except OSError:
                return False
            return True

        for number in range(count):
            sends.sendto(bytes(size), takes.getsockname())
            if number % 50 == 49:
                time.sleep(0.002)
                while take(0.0):
                    arrived += 1
        while take(0.3):
            arrived += 1
        return arrived


def transfer(lab: Lab, one: str, other: str, data: bytes) -> tuple[bytes, float]:
    """Over TCP: what arrived, and how long it took."""
    with endpoint(lab, other, socket.SOCK_STREAM) as door, endpoint(lab, one, socket.SOCK_STREAM) as sends:
        door.listen()
        door.settimeout(10)
        sends.settimeout(10)
        begun = time.monotonic()
        sends.connect(door.getsockname())
        taken, _ = door.accept()
        sender = threading.Thread(target=lambda: (sends.sendall(data), sends.shutdown(socket.SHUT_WR)))
        sender.start()
        received = bytearray()
        with taken:
            taken.settimeout(10)
            while piece := taken.recv(1 << 16):
                received += piece
        sender.join()
        return bytes(received), time.monotonic() - begun


class Path:
    """Whether datagrams go from one node to another just now."""

    def __init__(self, lab: Lab, one: str, other: str) -> None:
        self.sends, self.takes = endpoint(lab, one), endpoint(lab, other)

    def __enter__(self) -> Path:
        return self

    def __exit__(self, *_: object) -> None:
        self.sends.close()
        self.takes.close()

    def passes(self) -> bool:
        marker = os.urandom(8)
        self.sends.sendto(marker, self.takes.getsockname())
        try:
            while self.takes.recv(8) != marker:
                pass
        except OSError:
            return False
        return True


def answers(lab: Lab, name: str) -> bool:
    try:
        return lab.get(name, "/", seconds=0.5)[0] == 200
    except OSError:
        return False
