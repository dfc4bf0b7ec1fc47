# SPDX-License-Identifier: Apache-2.0
"""The fault behind each alert, done to real nodes. A fault is a generator that stops three times: when all is well, when
the fault is there, and when it is mended."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator

import rtmp_client
from alerting import PORTS, Line, Scene, alive, break_connections, kill, pause, start, tags, try_to_publish, watched
from redis_server import Redis
from server import ROOT, Server, free_port, wait_until
from shipped import INFRA, run, tool
from stores import ACCESS, BUCKET, SECRET, STUB

Play = Callable[[Scene], Iterator[None]]


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is done, and the alerts that must come of it."""

    name: str
    alerts: frozenset[str]
    play: Play


FAULTS: list[Fault] = []
SHORT = {"HLS_SEGMENT": "1s", "HLS_PART": "200ms"}


def causes(*alerts: str) -> Callable[[Play], Play]:
    """Says which alerts a fault fires."""
    def taken(play: Play) -> Play:
        FAULTS.append(Fault(play.__name__, frozenset(f"Millrace{name}" for name in alerts), play))
        return play
    return taken


# Nodes.

@causes("NodeDown", "MemberDead")
def a_node_dies(scene: Scene) -> Iterator[None]:
    _, other = scene.cluster(2)
    yield
    kill(other)
    yield
    start(other)
    yield


@causes("NodeRestarts")
def a_node_ends_again_and_again(scene: Scene) -> Iterator[None]:
    node = scene.node()

    def lives() -> None:
        wait_until(lambda: node.metric("millrace_uptime_seconds") > 4, 20, "the node to live for a while")
    lives()
    yield
    for _ in range(3):
        kill(node)
        start(node)
        lives()
    yield
    yield


@causes("NodePaused", "MembersFlap")
def machines_freeze(scene: Scene) -> Iterator[None]:
    _, *others = scene.cluster(4, CLUSTER_PROFILE="test")
    yield
    with scene.again(lambda: pause(others, 1.6), every=0.9):
        yield
    yield


@causes("DescriptorsShort")
def a_limit_is_too_low(scene: Scene) -> Iterator[None]:
    node = scene.node()
    _, most = resource.prlimit(node.pid, resource.RLIMIT_NOFILE)
    yield
    opened = len(os.listdir(f"/proc/{node.pid}/fd"))
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (int(opened * 1.15), most))
    yield
    resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (most, most))
    yield


@causes("CertificateEnds")
def a_certificate_is_not_renewed(scene: Scene) -> Iterator[None]:
    folder = scene.folder
    make = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run(*make, "-x509", "-days", 365, "-subj", "/CN=authority", "-keyout", folder / "authority.key", "-out",
        folder / "authority.pem")
    run(*make, "-subj", "/CN=node", "-keyout", folder / "key.pem", "-out", folder / "request.pem")

    def sign(days: int) -> None:
        run("openssl", "x509", "-req", "-days", days, "-in", folder / "request.pem", "-CA", folder / "authority.pem", "-CAkey",
            folder / "authority.key", "-CAcreateserial", "-out", folder / "chain.pem")
    sign(90)
    node, = scene.cluster(1, RELAY_TLS_CERTIFICATE=folder / "chain.pem", RELAY_TLS_KEY=folder / "key.pem",
                          RELAY_TLS_AUTHORITY=folder / "authority.pem")
    yield
    sign(13)
    node.terminate()
    start(node)
    yield
    sign(90)
    node.terminate()
    start(node)
    yield


# A cluster.

@causes("MembersDiffer", "Strangers")
def a_node_has_another_key(scene: Scene) -> Iterator[None]:
    one, two, three = nodes = scene.cluster(3, CLUSTER_PROFILE="test")
    key = three.settings["CLUSTER_KEY"]
    yield
    three.terminate()
    three.settings["CLUSTER_KEY"] = "5" * 64
    start(three)
    yield
    three.terminate()
    three.settings["CLUSTER_KEY"] = key
    start(three)
    scene.wait_members(nodes, 3)
    yield


@causes("NameConflict")
def two_machines_have_one_name(scene: Scene) -> Iterator[None]:
    one, two = scene.cluster(2)
    yield
    newcomer = scene.member(one.settings["CLUSTER_KEY"], two.settings["NODE_NAME"])
    yield
    newcomer.terminate()
    yield


@causes("RelayBehind")
def an_edge_falls_behind_its_origin(scene: Scene) -> Iterator[None]:
    """It stands still, and its connection breaks, for longer than the origin keeps what was published."""
    origin, edge = scene.cluster(2, HLS_WINDOW=3, CLUSTER_LINGER="1h", **SHORT)
    edge_alone(edge)
    scene.publish(origin)
    wait_until(lambda: watched(edge), 40, "the stream at the edge")
    yield
    with scene.again(lambda: break_connections(origin.pid, origin.settings["RELAY_PORT"]), every=1):
        pause([edge], 11)
    yield
    yield


@causes("RelayFull")
def a_relay_is_full(scene: Scene) -> Iterator[None]:
    origin, edge = scene.cluster(2, RELAY_MAX_SUBSCRIPTIONS=1, CLUSTER_LINGER="1s", **SHORT)
    edge_alone(edge)
    # An edge has a connection for each of its event loops, and streams on any of them.
    names = [f"more-{number}" for number in range(len(os.sched_getaffinity(0)) + 1)]
    for name in ("show", *names):
        scene.publish(origin, name, "audio-only")
    wait_until(lambda: watched(edge), 40, "the stream at the edge")
    yield
    with scene.again(lambda: [watched(edge, name) for name in names]):
        yield
    yield


@causes("ForeignPackaging")
def an_edge_has_an_old_program(scene: Scene) -> Iterator[None]:
    origin, edge = scene.cluster(2, **SHORT)
    edge_alone(edge)
    scene.publish(origin)
    wait_until(lambda: watched(edge), 40, "the stream at the edge")
    yield
    edge_alone(edge, CLUSTER_PACKAGING=1)
    with scene.again(lambda: watched(edge)):
        yield
    edge_alone(edge, CLUSTER_PACKAGING=2)
    yield


def edge_alone(node: Server, **settings: object) -> None:
    """The node becomes one that only serves viewers."""
    node.terminate()
    node.settings |= {"ROLES": "edge", **settings}
    start(node)
    wait_until(lambda: alive(node) == 2, 30, "the edge to join")


# Streams.

@causes("SegmentsDiffer")
def a_memory_loses_bits(scene: Scene) -> Iterator[None]:
    """Bytes of pictures change in the edge's memory, between their way there and the end of their segment."""
    origin, edge = scene.cluster(2, CLUSTER_CHECKED_ONE_IN=1, CLUSTER_LINGER="1h", HLS_SEGMENT="3s", HLS_PART="500ms")
    edge_alone(edge)
    mark = os.urandom(32)
    marked = [dataclasses.replace(tag, payload=tag.payload[:200] + mark + tag.payload[232:]) if len(tag.payload) > 1000 else tag
              for tag in tags("small")]
    with rtmp_client.Publisher(origin.rtmp, "live", "show") as publisher, \
            scene.again(lambda: publisher.play(rtmp_client.loop(marked), 600)):
        try:
            wait_until(lambda: watched(edge), 40, "the stream at the edge")
            yield
            with scene.again(lambda: spoil(edge.pid, mark), every=0.5):
                yield
            yield
        finally:
            publisher.socket.close()


def spoil(process: int, mark: bytes) -> None:
    """Turns a byte of these wherever the process has them."""
    areas = re.findall(r"^(\w+)-(\w+) rw-p .* 0 *(\[heap\])?$", pathlib.Path(f"/proc/{process}/maps").read_text(), re.M)
    with open(f"/proc/{process}/mem", "r+b", buffering=0) as memory:
        for first, last, _ in areas:
            begin = int(first, 16)
            with contextlib.suppress(OSError, ValueError, OverflowError):
                memory.seek(begin)
                area = memory.read(min(int(last, 16) - begin, 64 << 20))
                for found in re.finditer(re.escape(mark), area):
                    memory.seek(begin + found.start() + 16)
                    memory.write(bytes([mark[16] ^ 0xFF]))


@causes("TermsRefused")
def too_few_origins_agree(scene: Scene) -> Iterator[None]:
    node, = scene.cluster(1, CLUSTER_QUORUM=2)
    yield
    with scene.again(lambda: try_to_publish(node)):
        yield
    yield


@causes("TermsFight")
def two_encoders_send_one_name(scene: Scene) -> Iterator[None]:
    nodes = scene.cluster(2, **SHORT)
    yield

    def fight() -> None:
        for node in nodes:
            try_to_publish(node, 0.2, kind="audio-only")
    with scene.again(fight, every=0.01):
        yield
    yield


@causes("PublishersRefused")
def an_origin_is_full(scene: Scene) -> Iterator[None]:
    node = scene.node(PUBLISHER_MAX=1)
    scene.publish(node)
    node.wait_live("show")
    yield
    with scene.again(lambda: try_to_publish(node, name="other")):
        yield
    yield


@causes("TokensGuessed")
def somebody_tries_tokens(scene: Scene) -> Iterator[None]:
    node = scene.node(ACCESS_TRUST_LOOPBACK="false")
    yield
    with scene.again(lambda: try_to_publish(node), every=0.1):
        yield
    yield


# Viewers.

@causes("NoEdge")
def all_edges_die(scene: Scene) -> Iterator[None]:
    origin, edge = nodes = scene.cluster(2, **SHORT)
    edge_alone(edge)
    origin.terminate()
    origin.settings["ROLES"] = "origin,router"
    start(origin)
    scene.wait_members(nodes, 2)
    scene.publish(origin)

    def asked() -> int:
        return origin.get("/live/show/index.m3u8", 5)[0]
    wait_until(lambda: asked() == 200, 40, "the router to name the edge")
    yield
    kill(edge)
    with scene.again(asked):
        yield
        start(edge)
        wait_until(lambda: asked() == 200, 40, "the router to name the edge again")
    yield


@causes("ViewersRefused", "MediaFails")
def an_edge_has_all_viewers_that_it_may(scene: Scene) -> Iterator[None]:
    node = scene.node(LIMITS_VIEWERS=1, **SHORT)
    scene.publish(node)
    node.wait_live("show")
    assert watched(node), "the first viewer"
    yield
    with scene.again(lambda: watched(node)), scene.again(lambda: node.get("/live/show.flv", 2)):
        yield
    yield


@causes("ConnectionsRefused")
def a_port_is_full(scene: Scene) -> Iterator[None]:
    node = scene.node(RTMP_MAX_CONNECTIONS=1, RTMP_HANDSHAKE_TIMEOUT="60s")

    def connect() -> None:
        socket.create_connection(("127.0.0.1", node.rtmp), timeout=2).close()
    yield
    with socket.create_connection(("127.0.0.1", node.rtmp)), scene.again(connect):
        yield
    yield


@causes("WebRTCFails", "SoundFails")
def offers_come_and_nothing_more(scene: Scene) -> Iterator[None]:
    """A firewall lets HTTP through and no UDP; and there is no ffmpeg."""
    node = scene.node(WEBRTC_TRANSCODER="/nowhere/ffmpeg", WEBRTC_CONNECT_TIMEOUT="1s", **SHORT)
    scene.publish(node)
    node.wait_live("show")
    offer = (ROOT / "Tests/Vectors/webrtc/pion-view.sdp").read_bytes()

    def ask() -> None:
        request = urllib.request.Request(node.url("/live/show/whep"), offer, {"Content-Type": "application/sdp"})
        urllib.request.urlopen(request, timeout=5).close()
    ask()
    yield
    with scene.again(ask):
        yield
    yield


@causes("DatagramsDropped")
def a_node_does_not_come_to_read(scene: Scene) -> Iterator[None]:
    node = scene.node()

    def flood() -> None:
        os.kill(node.pid, signal.SIGSTOP)
        try:
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                for _ in range(50_000):
                    sender.sendto(bytes(1300), ("127.0.0.1", node.rtp))
        finally:
            os.kill(node.pid, signal.SIGCONT)
    yield
    with scene.again(flood, every=1):
        yield
    yield


# Redis.

@causes("RedisAway", "Fenced")
def one_way_to_redis_is_cut(scene: Scene) -> Iterator[None]:
    redis = scene.stack.enter_context(Redis())
    line = scene.stack.enter_context(Line(redis.port))
    one, two = nodes = scene.cluster(2, REDIS_URL=redis.url)
    one.terminate()
    one.settings["REDIS_URL"] = f"redis://127.0.0.1:{line.port}"
    start(one)
    scene.wait_members(nodes, 2)
    scene.publish(one)
    wait_until(lambda: redis.leases().get("live/show") == "n1", 30, "the lease")
    wait_until(lambda: all(node.metric("millrace_redis_up") == 1 for node in nodes), 20, "both to reach Redis")
    yield
    line.cut()
    yield
    line.mend()
    yield


# The store.

@causes("StoreBehind", "StoreRefuses", "SegmentsLost")
def the_store_refuses_the_key(scene: Scene) -> Iterator[None]:
    line, right = scene.stack.enter_context(Line(0)), stub(scene, "google")
    wrong = stub(scene, "refusing", "403", "SignatureDoesNotMatch")
    line.lead(right)
    recorded(scene, line, STORAGE_MEMORY="64KiB")
    yield
    line.lead(wrong)
    yield
    line.lead(right)
    yield


@causes("StoreSlow")
def the_store_is_far_away(scene: Scene) -> Iterator[None]:
    line = scene.stack.enter_context(Line(stub(scene, "google")))
    recorded(scene, line, STORAGE_TIMEOUT="20s")
    yield
    line.delay = 1.5
    yield
    line.delay = 0
    yield


def recorded(scene: Scene, line: Line, **settings: object) -> None:
    """A stream whose recording goes over a line."""
    node = scene.node(STORAGE_KIND="gcs", STORAGE_ENDPOINT=f"http://127.0.0.1:{line.port}", STORAGE_BUCKET=BUCKET,
                      STORAGE_ACCOUNT=ACCESS, STORAGE_SECRET=SECRET, **SHORT, **settings)
    scene.publish(node)
    wait_until(lambda: node.metric("millrace_upload_lag_seconds_count") >= 2, 40, "segments in the store")


def stub(scene: Scene, *words: str) -> int:
    """A store of Tests/StoreKit; its port."""
    port = PORTS.take()
    scene.process([sys.executable, str(STUB), words[0], str(port), *words[1:]])

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False
    wait_until(listens, 30, f"the store {words[0]}")
    return port


@causes("PurgeFailed")
def the_cdn_does_not_forget(scene: Scene) -> Iterator[None]:
    nobody = free_port()
    node = scene.node(CDN_URL=f"http://127.0.0.1:{nobody}", CDN_PURGE_URL=f"http://127.0.0.1:{nobody}/purge")
    scene.publish(node)
    node.wait_live("show")
    yield
    urllib.request.urlopen(urllib.request.Request(node.url("/api/v1/streams/show"), method="DELETE"), timeout=20).close()
    yield
    yield


# Load balancers.

@causes("BackendEmpty")
def all_servers_of_a_balancer_die(scene: Scene) -> Iterator[None]:
    node = scene.node(EDGE_AGENT_PORT=PORTS.take())
    balanced(scene, node)
    yield
    kill(node)
    yield
    start(node)
    yield


@causes("NodeFull", "EdgesFull")
def an_edge_sends_all_that_it_can(scene: Scene) -> Iterator[None]:
    node = scene.node(EDGE_AGENT_PORT=PORTS.take(), NODE_CAPACITY=1)
    balanced(scene, node)
    scene.publish(node, kind="default")
    node.wait_live("show")
    yield
    with watching(node, 4):
        yield
    yield


def balanced(scene: Scene, node: Server) -> None:
    """The shipped HAProxy before one node, without TLS and names, on ports of its own."""
    text = (INFRA / "haproxy/haproxy.cfg").read_text()
    metrics = PORTS.take()
    own = {80: PORTS.take(), 1935: PORTS.take(), 8404: metrics}
    text = re.sub(r"^ +bind :\d+ ssl .*\n", "", text, flags=re.M)
    text = re.sub(r"bind :(\d+)", lambda found: f"bind 127.0.0.1:{own[int(found[1])]}", text)
    text = re.sub(r"^resolvers .*?(?=^frontend)", "", text, flags=re.M | re.S)
    text = re.sub(r"^ +default-server resolvers .*\n", "", text, flags=re.M)
    text = re.sub(r'server-template (\w+) \d+ "[^"]+":8080', rf"server \g<1>1 127.0.0.1:{node.http}", text)
    text = re.sub(r'server-template (\w+) \d+ "[^"]+":1935', rf"server \g<1>1 127.0.0.1:{node.rtmp}", text)
    text = text.replace("agent-port 8101", f"agent-port {node.settings['EDGE_AGENT_PORT']}")
    text = text.replace("check port 8080", f"check port {node.http}")
    (scene.folder / "haproxy.cfg").write_text(text)
    scene.process([tool("haproxy"), "-db", "-f", str(scene.folder / "haproxy.cfg")])
    scene.prometheus.watch("haproxy", scene.region, [metrics])
    scene.balancers += 1

    def counts() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=2) as answer:
            return 'haproxy_backend_active_servers{proxy="edges"} 1' in answer.read().decode()
        return False
    wait_until(counts, 30, "HAProxy to find the node")


@contextlib.contextmanager
def watching(node: Server, viewers: int) -> Iterator[None]:
    """Viewers of FLV, who take all that comes."""
    def came() -> float:
        return node.metrics()['millrace_viewers_came_total{protocol="flv"}']
    before = came()
    programs = [subprocess.Popen(["curl", "-s", "-N", "-o", "/dev/null", node.url("/live/show.flv")], stdin=subprocess.DEVNULL)
                for _ in range(viewers)]
    try:
        wait_until(lambda: came() == before + viewers, 20, "the viewers")
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()
