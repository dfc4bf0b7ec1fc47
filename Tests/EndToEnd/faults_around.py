# SPDX-License-Identifier: Apache-2.0
"""Faults of what stands around nodes: Redis, the store, the CDN, load balancers, Prometheus."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

from alert_faults import SHORT, causes
from alerting import PORTS, Line, Scene
from process import Process, listens, wait_until
from redis_server import Redis
from server import Server, free_port
from shipped import INFRA, tool
from stores import ACCESS, BUCKET, SECRET, STUB


# Redis.

@causes("RedisAway", "Fenced")
def one_way_to_redis_is_cut(scene: Scene) -> Iterator[None]:
    redis = scene.stack.enter_context(Redis())
    line = scene.stack.enter_context(Line(redis.port))
    one, two = nodes = scene.cluster(2, REDIS_URL=redis.url)
    one.terminate()
    one.settings["REDIS_URL"] = f"redis://127.0.0.1:{line.port}"
    one.start()
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
    scene.process(sys.executable, STUB, words[0], port, *words[1:], ready=lambda: listens(port))
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
    node.kill()
    yield
    node.start()
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


@causes("BalancerDown")
def a_balancer_dies(scene: Scene) -> Iterator[None]:
    balancer = balanced(scene, scene.node(EDGE_AGENT_PORT=PORTS.take()))
    yield
    balancer.kill()
    yield
    balancer.start()
    yield


# Prometheus.

@causes("NothingScraped")
def nobody_says_which_nodes_there_are(scene: Scene) -> Iterator[None]:
    """The list of targets is empty, as after a mistake of what writes it."""
    node = scene.node()
    scene.own_prometheus()
    prometheus, region = scene.prometheus, scene.region
    # It does not know them as it begins.
    wait_until(lambda: prometheus.scraped(region) == 1 and "MillraceNothingScraped" not in prometheus.firing(region), 40,
               "Prometheus to know the node", every=0.5)
    yield
    prometheus.watch("millrace", region, [])
    yield
    prometheus.watch("millrace", region, [node.http])
    yield


def balanced(scene: Scene, node: Server) -> Process:
    """The shipped HAProxy before one node, without TLS and names, on ports of its own."""
    text = (INFRA / "haproxy/haproxy.cfg").read_text()
    metrics = PORTS.take()
    own = {80: PORTS.take(), 1935: PORTS.take(), 8404: metrics}
    text = re.sub(r"^ +bind :\d+\S* (v6only )?ssl .*\n", "", text, flags=re.M).replace("${STATE}", str(scene.folder))
    text = re.sub(r",\[::\]:\d+ v6only| peers reload$", "", text, flags=re.M)
    text = re.sub(r"bind :(\d+)", lambda found: f"bind 127.0.0.1:{own[int(found[1])]}", text)
    text = re.sub(r"^resolvers .*?(?=^frontend)", "", text, flags=re.M | re.S)
    text = re.sub(r"^ +default-server resolvers .*\n", "", text, flags=re.M)
    text = re.sub(r'server-template (\w+) \d+ "[^"]+":8080', rf"server \g<1>1 127.0.0.1:{node.http}", text)
    text = re.sub(r'server-template (\w+) \d+ "[^"]+":1935', rf"server \g<1>1 127.0.0.1:{node.rtmp}", text)
    text = text.replace("agent-port 8101", f"agent-port {node.settings['EDGE_AGENT_PORT']}")
    text = text.replace("check port 8080", f"check port {node.http}")
    (scene.folder / "haproxy.cfg").write_text(text)

    def counts() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=2) as answer:
            return 'haproxy_backend_active_servers{proxy="edges"} 1' in answer.read().decode()
        return False
    balancer = scene.process(tool("haproxy"), "-db", "-f", scene.folder / "haproxy.cfg", ready=counts)
    scene.prometheus.watch("haproxy", scene.region, [metrics])
    scene.balancers += 1
    return balancer


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
