# SPDX-License-Identifier: Apache-2.0
"""A cluster without distance: the nodes of a topology as plain processes of one network that has nothing but loopback,
each on an address of its own. Its packets cost what loopback costs, so that a load test measures the nodes and not the
lab's cables; what is said of links is passed over."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import secrets
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

import clips
import yaml
from lab.keeper import network_namespace
from lab.settings import filled, program, settings_of
from lab.topology import Node, Topology
from server import wait_until

HTTP_PORT, RTMP_PORT, GOSSIP_PORT = 8080, 1935, 7946
TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass
class Usage:
    """What a node's process had used by then."""

    at: float
    seconds: float
    memory: int


class LoopbackCluster:
    """As a context manager: made, and all of it ended."""

    def __init__(self, topology: str, cores: set[int] | None = None, **changes: object) -> None:
        """`cores` are those that the nodes run on; changes are further settings, dots as two underscores."""
        self.topology = Topology.load(topology)
        self.cores = cores
        self.changes = {key.replace("__", "."): value for key, value in changes.items()}
        self.key = secrets.token_hex(32)
        self.processes: dict[str, subprocess.Popen] = {}
        self.usage: dict[str, list[Usage]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="millrace-load-")
        self.folder = pathlib.Path(self._folder.name)
        self._holder: subprocess.Popen | None = None
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> LoopbackCluster:
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c",
             "ip link set lo up && echo up && exec sleep infinity"], stdout=subprocess.PIPE, text=True)
        try:
            assert self._holder.stdout.readline() == "up\n", "no network of its own: root is needed"
            for name, node in self.topology.nodes.items():
                if node.command:
                    self.start(name)
            self._watch.start()
            for name in self.processes:
                wait_until(lambda name=name: self._ready(name), 40, f"{name} to be ready")
        except BaseException:
            print(*(f"--- the end of {name}'s log\n{self.log(name)[-1500:]}" for name in self.processes), sep="\n")
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._watch.is_alive():
            self._watch.join(10)
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
        self._folder.cleanup()

    # Nodes.

    def start(self, name: str) -> None:
        node = self.topology.nodes[name]
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        meant = self._meant(node, folder)
        settings = dataclasses.replace(node, settings=node.settings | self.changes)
        (folder / "millrace.yml").write_text(yaml.safe_dump(settings_of(settings, meant)))
        first, *rest = [str(filled(word, meant)) for word in node.command]
        with open(folder / "log", "ab") as log:
            self.processes[name] = self.popen([program(first), *rest], self.cores, stdout=log, stderr=log, cwd=folder,
                                              stdin=subprocess.DEVNULL)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()
        self.processes[name].wait()

    def names(self, role: str, region: str | None = None) -> list[str]:
        return [node.name for node in self.topology.nodes.values() if role in node.roles and region in (None, node.region)]

    def address(self, name: str) -> str:
        node = self.topology.nodes[name]
        return f"127.0.{node.region_number}.{node.number}"

    def url(self, name: str, path: str) -> str:
        return f"http://{self.address(name)}:{HTTP_PORT}{path}"

    def publish_url(self, name: str, app: str = "live") -> str:
        return f"rtmp://{self.address(name)}:{RTMP_PORT}/{app}"

    def log(self, name: str) -> str:
        path = self.folder / name / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # From within.

    def popen(self, command: list[object], cores: set[int] | None = None, **options: object) -> subprocess.Popen:
        """A process in the cluster's network; it dies with the caller's thread."""
        pinned = ["taskset", "-c", ",".join(map(str, sorted(cores)))] if cores else []
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MILLRACE_")}
        words = ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/proc/{self._holder.pid}/ns/net", *pinned, *command]
        return subprocess.Popen([str(word) for word in words], env=environment, **options)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets of the calling thread are in the cluster's network."""
        with network_namespace(f"/proc/{self._holder.pid}/ns/net"):
            yield

    def get(self, name: str, path: str, seconds: float = 5) -> tuple[int, bytes]:
        with self.inside():
            return ask(self.address(name), HTTP_PORT, path, seconds)

    def json(self, name: str, path: str) -> object:
        status, body = self.get(name, path)
        assert status == 200, f"{name} {path}: {status} {body[:300]!r}"
        return json.loads(body)

    def metric(self, name: str, family: str) -> float:
        """The sum of a family's samples; 0 where it has none yet."""
        lines = self.get(name, "/metrics")[1].decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines
                   if line.partition("{")[0].partition(" ")[0] == family)

    # Below.

    def _meant(self, node: Node, folder: pathlib.Path) -> dict:
        seeds, remote = [], []
        for seed in (self.topology.nodes[name] for name in self.topology.seeds if name != node.name):
            (seeds if seed.region == node.region else remote).append(f"{self.address(seed.name)}:{GOSSIP_PORT}")
        return {"name": node.name, "region": node.region, "zone": node.zone, "address": self.address(node.name),
                "key": self.key, "roles": node.roles, "seeds": seeds, "remote_seeds": remote, "folder": str(folder),
                "settings": str(folder / "millrace.yml")}

    def _ready(self, name: str) -> bool:
        assert self.processes[name].poll() is None, f"{name} ended:\n{self.log(name)[-3000:]}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get(name, "/ready", 2)[0] == 200
        return False

    def _sample(self) -> None:
        while not self._ended.wait(1):
            for name, process in list(self.processes.items()):
                with contextlib.suppress(OSError, IndexError):
                    self.usage.setdefault(name, []).append(usage(process.pid))


def usage(pid: int) -> Usage:
    """Of a process; `setpriv`, `nsenter` and `taskset` became it."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Usage(time.monotonic(), (int(fields[11]) + int(fields[12])) / TICK, int(fields[21]) * PAGE)


def ask(host: str, port: int, path: str, seconds: float) -> tuple[int, bytes]:
    """One GET without following redirects."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def load_program() -> str:
    return program("millrace-load")


def clip(name: str) -> str:
    return clips.path(name, "flv")
