# SPDX-License-Identifier: Apache-2.0
"""Faults of streams, their publishers and their viewers."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator

import rtmp_client
from alert_faults import SHORT, causes, edge_alone
from alerting import Scene, tags, try_to_publish, watched
from server import ROOT, wait_until


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
    origin.start()
    scene.wait_members(nodes, 2)
    scene.publish(origin)

    def asked() -> int:
        return origin.get("/live/show/index.m3u8", 5)[0]
    wait_until(lambda: asked() == 200, 40, "the router to name the edge")
    yield
    edge.kill()
    with scene.again(asked):
        yield
        edge.start()
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
