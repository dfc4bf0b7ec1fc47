# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus over the shipped rules with shorter times, and what faults are made of."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import re
import secrets
import select
import signal
import socket
import stat
import struct
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import yaml

import rtmp_client
from clips import path as clip
from process import Process, wait_until
from publishers import Publisher
from server import Server, free_port
from shipped import INFRA, tool

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# No window is shorter than so many seconds: rates need some samples, one a second.
SHORTEST = 5


def shorter(rules: str, factor: int) -> str:
    """The same rules with windows and waits a `factor` shorter, for samples that come five times as often."""
    def seconds(found: str) -> int:
        return int(found[:-1]) * UNITS[found[-1]]

    text = re.sub(r"\[(\d+[smhd])\]", lambda found: f"[{max(SHORTEST, seconds(found[1]) // factor)}s]", rules)
    return re.sub(r"^( +)for: (\d+[smhd])$",
                  lambda found: f"{found[1]}for: {min(seconds(found[2]), max(1, seconds(found[2]) // factor))}s", text, flags=re.M)


class Prometheus(Process):
    """`with Prometheus(folder, factor) as prometheus:`; its targets are nodes of regions, which come and go."""

    def __init__(self, folder: pathlib.Path, factor: int) -> None:
        self.folder, self.factor, self.port = folder, factor, free_port()
        (folder / "targets").mkdir(parents=True)
        (folder / "rules").mkdir()
        for name in ("alerts.yml", "recording.yml"):
            (folder / "rules" / name).write_text(shorter((INFRA / "prometheus/rules" / name).read_text(), factor))
        files = {job: [{"files": [f"{folder}/targets/{job}-*.json"], "refresh_interval": "2s"}] for job in ("millrace", "haproxy")}
        (folder / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{folder}/rules/*.yml"],
            "scrape_configs": [{"job_name": job, "file_sd_configs": each} for job, each in files.items()]}))
        super().__init__(
            [tool("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], self._answers, seconds=30)

    def watch(self, job: str, region: str, ports: list[int]) -> None:
        """These are the region's nodes from now on."""
        path = self.folder / f"targets/{job}-{region}.json"
        targets = [{"targets": [f"127.0.0.1:{port}" for port in ports], "labels": {"region": region}}]
        (self.folder / f"{region}.new").write_text(json.dumps(targets))
        os.replace(self.folder / f"{region}.new", path)

    def scraped(self, region: str) -> int:
        """How many of a region's targets answer."""
        found = self.ask("query", query=f'sum(up{{region="{region}"}})')["result"]
        return int(found[0]["value"][1]) if found else 0

    def firing(self, region: str) -> set[str]:
        """The alerts of a region, and those of none, that fire now."""
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"]
                if alert["state"] == "firing" and alert["labels"].get("region", region) == region}

    def ask(self, what: str, **arguments: str) -> dict:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(arguments)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2) as answer:
                return answer.status == 200
        return False


class Ports:
    """Ports below those that the kernel gives to anybody, each once."""

    def __init__(self) -> None:
        self._given: set[int] = set()
        self._lock = threading.Lock()

    def take(self) -> int:
        with self._lock:
            while True:
                port = 10_000 + secrets.randbelow(20_000)
                with contextlib.suppress(OSError), socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                    tcp.bind(("127.0.0.1", port))
                    udp.bind(("127.0.0.1", port))
                    if port not in self._given:
                        self._given.add(port)
                        return port


PORTS = Ports()


class Scene:
    """Where one fault happens: a region of its own, with all that was started for it."""

    def __init__(self, prometheus: Prometheus, region: str, folder: pathlib.Path) -> None:
        self.prometheus, self.region, self.folder = prometheus, region, folder
        self.nodes: list[Server] = []
        self.stack = contextlib.ExitStack()
        self.balancers = 0

    def __enter__(self) -> Scene:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *failure: object) -> None:
        if failure[0] is not None:
            for node in self.nodes:
                print(f"--- {self.region}, {node.settings.get('NODE_NAME', 'a node')}: its log ends\n{node.log()[-1500:]}")
        # What the tests stopped could not end.
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                os.kill(node.pid, signal.SIGCONT)
        self.stack.close()

    def node(self, **settings: object) -> Server:
        """A node alone, or one of a cluster where the settings say so."""
        node = Server(HTTP_HOST="127.0.0.1", RTMP_HOST="127.0.0.1", LIMITS_CONNECTIONS_PER_ADDRESS=10000, **settings)
        node.http, node.rtmp, node.rtp, node.grpc = (PORTS.take() for _ in range(4))
        node.settings |= {"HTTP_PORT": node.http, "RTMP_PORT": node.rtmp, "RTP_PORT": node.rtp, "GRPC_PORT": node.grpc,
                          **settings}
        self.nodes.append(node)
        self.stack.enter_context(node)
        self.prometheus.watch("millrace", self.region, [each.http for each in self.nodes])
        return node

    def own_prometheus(self) -> None:
        """From now on this scene has a Prometheus of its own, which looks at the nodes that there are."""
        self.prometheus = Prometheus(self.folder / "prometheus", self.prometheus.factor)
        self.prometheus.watch("millrace", self.region, [each.http for each in self.nodes])
        self.stack.enter_context(self.prometheus)

    def member(self, key: str, name: str, **settings: object) -> Server:
        """A node of a cluster, which joins by the first of this region."""
        seeds = [f"127.0.0.1:{node.settings['GOSSIP_PORT']}" for node in self.nodes if "GOSSIP_PORT" in node.settings]
        return self.node(**{
            "NODE_NAME": name, "NODE_REGION": self.region, "NODE_ADVERTISE": "127.0.0.1", "CLUSTER_KEY": key,
            "CLUSTER_SEEDS": ",".join(seeds[:1]), "CLUSTER_PROFILE": "fast", "GOSSIP_HOST": "127.0.0.1",
            "GOSSIP_PORT": PORTS.take(), "RELAY_HOST": "127.0.0.1", "RELAY_PORT": PORTS.take(), "ACCESS_PUBLISH": "open",
            **settings})

    def cluster(self, count: int, **settings: object) -> list[Server]:
        """So many members, who all know each other."""
        key = secrets.token_hex(32)
        nodes = [self.member(key, f"n{number}", **settings) for number in range(1, count + 1)]
        # A node alone counts nobody until it has heard of somebody.
        if count > 1:
            self.wait_members(nodes, count)
        return nodes

    def wait_members(self, nodes: list[Server], count: int) -> None:
        wait_until(lambda: all(alive(node) == count for node in nodes), 40, f"{count} members in {self.region}")

    def publish(self, node: Server, name: str = "show", kind: str = "small") -> Publisher:
        return self.stack.enter_context(Publisher(kind, node.publish_url(name)))

    def process(self, *words: object, ready: Callable[[], bool]) -> Process:
        """A program that ends with the scene, when it is ready."""
        return self.stack.enter_context(Process(list(words), ready, seconds=30))

    @contextlib.contextmanager
    def again(self, act: Callable[[], object], every: float = 0.3) -> Iterator[None]:
        """Does something over and over beside the block; that it fails is what it is for."""
        over = threading.Event()

        def run() -> None:
            while not over.wait(every):
                with contextlib.suppress(OSError, RuntimeError, struct.error):
                    act()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(60)


def alive(node: Server) -> int:
    """How many members a node believes to live."""
    with contextlib.suppress(OSError):
        return int(node.metrics().get('millrace_cluster_members{health="alive"}', 0))
    return 0


def pause(nodes: list[Server], seconds: float) -> None:
    """Nobody gives them a processor for a time."""
    for node in nodes:
        os.kill(node.pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for node in nodes:
            os.kill(node.pid, signal.SIGCONT)


def break_connections(process: int, port: int) -> None:
    """What others have opened to a port of a process ends, as if the network had ended it."""
    call, opened = ctypes.CDLL(None, use_errno=True).syscall, os.pidfd_open(process)
    try:
        for name in os.listdir(f"/proc/{process}/fd"):
            taken = call(PIDFD_GETFD, opened, int(name), 0)
            if taken < 0:
                continue
            if not stat.S_ISSOCK(os.fstat(taken).st_mode):
                os.close(taken)
                continue
            with contextlib.suppress(OSError), socket.socket(fileno=taken) as each:
                if each.family in (socket.AF_INET, socket.AF_INET6) and each.getsockname()[1] == port and each.getpeername():
                    each.shutdown(socket.SHUT_RDWR)
    finally:
        os.close(opened)


# The number of the system call, on all machines.
PIDFD_GETFD = 438


def try_to_publish(node: Server, seconds: float = 0.3, name: str = "show", kind: str = "small") -> None:
    """An encoder that comes with a second's media; raises what it is refused with."""
    with rtmp_client.Publisher(node.rtmp, "live", name, patience=5) as publisher:
        publisher.play(rtmp_client.loop(tags(kind)), seconds)


def tags(kind: str) -> list[rtmp_client.Tag]:
    return rtmp_client.read_flv(clip(kind, "flv"))


def watched(node: Server, name: str = "show") -> bool:
    """Whether a viewer gets the playlist of a stream at a node."""
    with contextlib.suppress(OSError):
        return node.get(f"/live/{name}/main/media.m3u8", 5)[0] == 200
    return False


@dataclasses.dataclass
class Flow:
    """One way of a connection that passes a line."""

    source: socket.socket
    target: socket.socket
    waiting: list[tuple[float, bytes]] = dataclasses.field(default_factory=list)


class Line(threading.Thread):
    """A way to a server that can be cut, led elsewhere, or made long."""

    def __init__(self, target: int) -> None:
        super().__init__(daemon=True)
        self.target, self.delay, self.is_cut = target, 0.0, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self._flows: list[Flow] = []
        self._over = False

    def __enter__(self) -> Line:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self.join(10)
        self.listener.close()

    def lead(self, target: int) -> None:
        """New connections go elsewhere, and those that there are end."""
        self.target = target
        self._end_all()

    def cut(self) -> None:
        """All connections end, and no new one lives."""
        self.is_cut = True
        self._end_all()

    def mend(self) -> None:
        self.is_cut = False

    def run(self) -> None:
        while not self._over:
            flows = list(self._flows)
            waiting = any(flow.waiting for flow in flows)
            ready, _, _ = select.select([self.listener, *(flow.source for flow in flows if flow.source.fileno() >= 0)], [], [],
                                        0.02 if waiting else 0.2)
            if self.listener in ready:
                self._accept()
            for flow in flows:
                if flow.source in ready:
                    self._take(flow)
                self._give(flow)
        self._end_all()

    def _accept(self) -> None:
        near, _ = self.listener.accept()
        if self.is_cut:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=2)
        except OSError:
            near.close()
            return
        self._flows += [Flow(near, far), Flow(far, near)]

    def _take(self, flow: Flow) -> None:
        try:
            data = flow.source.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._end([flow.source, flow.target])
        else:
            flow.waiting.append((time.monotonic() + self.delay, data))

    def _give(self, flow: Flow) -> None:
        while flow.waiting and flow.waiting[0][0] <= time.monotonic():
            try:
                flow.target.sendall(flow.waiting.pop(0)[1])
            except OSError:
                self._end([flow.source, flow.target])
                return

    def _end(self, sockets: list[socket.socket]) -> None:
        self._flows = [flow for flow in self._flows if flow.source not in sockets]
        for each in sockets:
            each.close()

    def _end_all(self) -> None:
        for flow in list(self._flows):
            with contextlib.suppress(OSError):
                flow.source.shutdown(socket.SHUT_RDWR)
