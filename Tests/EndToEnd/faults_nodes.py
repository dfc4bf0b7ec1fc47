# SPDX-License-Identifier: Apache-2.0
"""Faults of nodes and of the cluster that they are."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

from alert_faults import SHORT, causes, edge_alone
from alerting import Scene, break_connections, pause, watched
from server import wait_until
from shipped import run


# Nodes.

@causes("NodeDown", "MemberDead")
def a_node_dies(scene: Scene) -> Iterator[None]:
    _, other = scene.cluster(2)
    yield
    other.kill()
    yield
    other.start()
    yield


@causes("NodeRestarts")
def a_node_ends_again_and_again(scene: Scene) -> Iterator[None]:
    node = scene.node()

    def lives() -> None:
        wait_until(lambda: node.metric("millrace_uptime_seconds") > 4, 20, "the node to live for a while")
    lives()
    yield
    for _ in range(3):
        node.kill()
        node.start()
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
    node.start()
    yield
    sign(90)
    node.terminate()
    node.start()
    yield


# A cluster.

@causes("MembersDiffer", "Strangers")
def a_node_has_another_key(scene: Scene) -> Iterator[None]:
    one, two, three = nodes = scene.cluster(3, CLUSTER_PROFILE="test")
    key = three.settings["CLUSTER_KEY"]
    yield
    three.terminate()
    three.settings["CLUSTER_KEY"] = "5" * 64
    three.start()
    yield
    three.terminate()
    three.settings["CLUSTER_KEY"] = key
    three.start()
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
