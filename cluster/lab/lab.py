# SPDX-License-Identifier: Apache-2.0
"""One running topology: its nodes, what runs in them, and what is done to them."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from . import network
from .keeper import HOME, Keeper, Missing, Process, network_namespace, obstacle, runs, status
from .network import Loss
from .settings import filled, program, settings_of
from .topology import Link, Topology, link_of, read

# What it is called among the nodes, whose names never begin so.
DELAY_LINE = "~delay-line"
GOSSIP_PORT = 7946
HTTP_PORT = 8080
# Where the keeper has the disks, in a /run that nobody else sees.
DISKS = "/run/disks"


class Lab:
    """`with Lab.up("two-regions") as lab:` makes it, and takes all of it away again; also when this process is killed.

    A lab that is not tied lives on by itself until `down`; `Lab.find(run)` reaches it from any process.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        with self._state() as state:
            self.keeper = Keeper(Process(*state["keeper"]))
            self.topology = Topology.parse(state["name"], state["topology"])
            self.key = state["key"]
        self._unshare: subprocess.Popen | None = None

    # Beginning and end.

    @classmethod
    def up(cls, topology: str | pathlib.Path | dict, start: bool = True, tied: bool = True,
           run: str | None = None) -> Lab:
        """Makes the network and, with `start`, every node's process. A mapping is taken as the text of a topology."""
        if reason := obstacle():
            raise Missing(reason)
        clean()
        name, text = ("inline", topology) if isinstance(topology, dict) else read(topology)
        Topology.parse(name, text)
        run = run or f"{name}-{secrets.token_hex(3)}"
        folder = HOME / run
        HOME.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
        unshare = None
        try:
            keeper, unshare = Keeper.start(folder, tied)
            (folder / "state.json").write_text(json.dumps({
                "run": run, "name": name, "topology": text, "keeper": [keeper.process.pid, keeper.process.began],
                "key": base64.b64encode(secrets.token_bytes(32)).decode(),
                "processes": {}, "losses": [], "links": []}))
            lab = cls(folder)
            lab._unshare = unshare
            lab._build()
            if start:
                lab.start()
        except BaseException:
            if unshare is not None:
                unshare.kill()
                unshare.wait()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return lab

    @classmethod
    def find(cls, run: str | None = None) -> Lab:
        """A run by name; without one the only run there is."""
        clean()
        there = [folder for folder in runs() if run in (None, folder.name)]
        if len(there) != 1:
            names = ", ".join(folder.name for folder in runs()) or "none"
            raise Missing(f"which run? there are: {names}")
        return cls(there[0])

    def down(self) -> None:
        self.keeper.end(self.folder)
        if self._unshare is not None:
            if self._unshare.stdin:
                self._unshare.stdin.close()
            self._unshare.wait()

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    # Processes.

    def start(self, names: str | list[str] = "all", command: list[str] | None = None,
              environment: dict[str, str] | None = None) -> None:
        """Starts the processes of nodes: what the topology says, or `command`. They die with the lab."""
        starts, chosen = [], []
        for name in self.topology.names(names):
            words = command or self.topology.nodes[name].command
            if words and not self.running(name):
                chosen.append(name)
                starts.append(self._prepared(name, words, environment or {}))
        made = self.keeper.spawn(starts)
        with self._state() as state:
            state["processes"] |= {name: [each.pid, each.began] for name, each in zip(chosen, made)}

    def process(self, name: str) -> Process | None:
        """The last process that was started in a node, running or not."""
        with self._state() as state:
            found = state["processes"].get(name)
        return Process(*found) if found else None

    def running(self, name: str) -> bool:
        process = self.process(name)
        return process is not None and process.alive

    def signal(self, names: str | list[str], number: int) -> None:
        for name in self.topology.names(names):
            if process := self.process(name):
                process.signal(number)

    def kill(self, names: str | list[str]) -> None:
        """kill -9; returns when they are gone."""
        self.signal(names, signal.SIGKILL)
        self._gone(names, 10)

    def stop(self, names: str | list[str], seconds: float = 60) -> float:
        """SIGTERM; returns the seconds until the last was gone."""
        begun = time.monotonic()
        self.signal(names, signal.SIGTERM)
        self._gone(names, seconds)
        return time.monotonic() - begun

    def freeze(self, names: str | list[str]) -> None:
        self.signal(names, signal.SIGSTOP)

    def thaw(self, names: str | list[str]) -> None:
        self.signal(names, signal.SIGCONT)

    def popen(self, name: str, command: list[str], **options: Any) -> subprocess.Popen:
        """A process of the caller's in a node's network: an encoder, a player, a look around. It dies with the caller's
        thread."""
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net={self.keeper.network(name)}",
                                 *command], **options)

    def run(self, name: str, command: list[str], **options: Any) -> subprocess.CompletedProcess:
        """The same, waited for, with its output as text."""
        options = {"capture_output": True, "text": True} | options
        return subprocess.run(["nsenter", f"--net={self.keeper.network(name)}", *command], **options)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Sockets of the calling thread, and processes it starts, are in the node's network."""
        with network_namespace(self.keeper.network(name)):
            yield

    def get(self, name: str, path: str, port: int = HTTP_PORT, seconds: float = 5) -> tuple[int, bytes]:
        """Asks a node by HTTP from within it, as its operator would."""
        with self.inside(name):
            try:
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                with opener.open(f"http://127.0.0.1:{port}{path}", timeout=seconds) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as failure:
                return failure.code, failure.read()

    def wait_ready(self, names: str | list[str] = "all", seconds: float = 30) -> None:
        """Until every node with a process answers 200 on /ready."""
        waiting = [name for name in self.topology.names(names) if self.topology.nodes[name].command]

        def ready(name: str) -> bool:
            if not self.running(name):
                raise AssertionError(f"{name} ended:\n{self.log(name)[-3000:]}")
            try:
                return self.get(name, "/ready", seconds=2)[0] == 200
            except OSError:
                return False

        wait_until(lambda: all(ready(name) for name in waiting), seconds, f"{', '.join(waiting)} to be ready")

    def log_path(self, name: str) -> pathlib.Path:
        return self.folder / name / "log"

    def log(self, name: str) -> str:
        path = self.log_path(name)
        return path.read_text(errors="replace") if path.exists() else ""

    def save_logs(self, folder: pathlib.Path) -> None:
        """Copies what the nodes wrote, for somebody who wants to know why."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in self.folder.glob("*/log"):
            shutil.copyfile(log, folder / f"{self.topology.name}-{log.parent.name}.txt")

    # Faults.

    def cut(self, one: str | list[str], other: str | list[str] = "all", one_way: bool = False,
            seconds: float | None = None) -> None:
        """Nothing goes from `one` to `other`, nor back unless `one_way`; with `seconds` it heals by itself."""
        self.keeper.script(network.block(self._pairs(one, other, one_way), seconds))

    def partition(self, groups: list[str | list[str]], seconds: float | None = None) -> None:
        """Nothing goes between different groups; nodes of no group are cut from nobody."""
        pairs = [pair for index, one in enumerate(groups) for other in groups[index + 1:]
                 for pair in self._pairs(one, other, False)]
        self.keeper.script(network.block(pairs, seconds))

    def heal(self, one: str | list[str] | None = None, other: str | list[str] = "all", one_way: bool = False) -> None:
        """Takes back cuts and partitions; all of them without names."""
        self.keeper.script(network.unblock(None if one is None else self._pairs(one, other, one_way)))

    def lose(self, share: float, one: str | list[str] = "all", other: str | list[str] = "all",
             udp: bool = False) -> None:
        """Drops a share of the packets from `one` to `other`, UDP only or all; 0 takes back what these names said."""
        loss = Loss(self.topology.names(one), self.topology.names(other), share, udp)
        with self._state() as state:
            kept = [each for each in map(lambda each: Loss(**each), state["losses"])
                    if (each.sources, each.targets) != (loss.sources, loss.targets)]
            kept += [loss] if share > 0 else []
            self.keeper.script(network.lose(self.topology, kept))
            state["losses"] = [dataclasses.asdict(each) for each in kept]

    def limit(self, names: str | list[str], rate: int) -> None:
        """The rate of nodes' access lines in bits a second, both ways; 0 for any."""
        for name in self.topology.names(names):
            self.keeper.script(network.limit(self.topology.nodes[name], rate))

    def link(self, one: str, other: str, one_way: bool = False, **words: Any) -> None:
        """Changes the link between two regions: delay="75ms", jitter="5ms", loss="1%", rate="10Mbit"; the rest stays."""
        parsed = {key: getattr(link_of({key: value}), key) for key, value in words.items()}
        with self._state() as state:
            links = self._links(state)
            for ends in [(one, other)] if one_way else [(one, other), (other, one)]:
                if ends not in links:
                    raise Missing(f"no link between {one} and {other}")
                links[ends] = dataclasses.replace(links[ends], **parsed)
            state["links"] = [[*ends, dataclasses.asdict(link)] for ends, link in links.items()]
            self._write_links(links)
            if line := state["processes"].get(DELAY_LINE):
                Process(*line).signal(signal.SIGHUP)

    def disk(self, name: str) -> pathlib.Path:
        """A disk of the topology as this process sees it; in settings it is `{disks}/NAME`."""
        return pathlib.Path(f"/proc/{self.keeper.process.pid}/root{DISKS}/{name}")

    def room(self, name: str, size: int | None = None) -> None:
        """Lets so many bytes more be written to a disk, and no others; without a size as many as the topology says."""
        def resized() -> bool:
            disk = os.statvfs(self.disk(name))
            whole = self.topology.disks[name] if size is None else (disk.f_blocks - disk.f_bfree) * disk.f_frsize + size
            # Nodes write meanwhile: what is too small by then is refused.
            with contextlib.suppress(Missing):
                self.keeper.script(f"mount -o remount,size={whole} {DISKS}/{name}")
                return True
            return False

        wait_until(resized, 10, f"the room on {name}", every=0.001)

    def traffic(self) -> dict[str, dict[str, int]]:
        """IP packets and bytes of each node since the beginning: sent, and received behind all losses."""
        listing = self.keeper.script("nft -j list set bridge lab sent; nft -j list set bridge lab received")
        counts = {name: {"sent_packets": 0, "sent_bytes": 0, "received_packets": 0, "received_bytes": 0}
                  for name in self.topology.nodes}
        names = {node.address: node.name for node in self.topology.nodes.values()}
        for line in listing.splitlines():
            for part in json.loads(line)["nftables"]:
                for element in part.get("set", {}).get("elem", []):
                    name = names.get(element["elem"]["val"])
                    if name:
                        for unit in ("packets", "bytes"):
                            counts[name][f"{part['set']['name']}_{unit}"] = element["elem"]["counter"][unit]
        return counts

    def processor_seconds(self, name: str) -> float:
        """CPU time of the node's process so far, user and system."""
        fields = status(self.process(name).pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name: str) -> int:
        """Resident bytes of the node's process."""
        process = self.process(name)
        return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # Below.

    def _build(self) -> None:
        self.keeper.script(network.build(self.topology))
        # They go with the keeper, by whatever signal it dies. From within the lab they are seen through it.
        self.keeper.script("".join(f"mkdir -p {DISKS}/{name}; mount -t tmpfs -o size={size},mode=0700 {name} {DISKS}/{name}\n"
                                   for name, size in self.topology.disks.items()))
        if len(self.topology.regions) < 2:
            return
        links = dict(self.topology.links)
        self._write_links(links)
        folder = self.folder / DELAY_LINE
        folder.mkdir()
        command = [program("millrace-drill"), "delay-line", str(self.folder / "links")]
        line, = self.keeper.spawn([(None, command, folder / "log", dict(os.environ), folder)])
        with self._state() as state:
            state["processes"][DELAY_LINE] = [line.pid, line.began]
            state["links"] = [[*ends, dataclasses.asdict(link)] for ends, link in links.items()]
        wait_until(lambda: "forwarding" in self.log(DELAY_LINE) or not line.alive, 10, "the delay line")
        if not line.alive:
            raise Missing(f"the delay line ended: {self.log(DELAY_LINE)[-1000:]}")

    def _prepared(self, name: str, words: list[str], environment: dict[str, str]) -> tuple:
        """A folder with the node's settings, and its command with what the braces stand for."""
        node = self.topology.nodes[name]
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        seeds, remote_seeds = [], []
        for seed in (self.topology.nodes[seed] for seed in self.topology.seeds if seed != name):
            (seeds if seed.region == node.region else remote_seeds).append(f"{seed.address}:{GOSSIP_PORT}")
        meant = {"name": name, "region": node.region, "zone": node.zone, "address": node.address, "key": self.key,
                 "roles": node.roles, "seeds": seeds, "remote_seeds": remote_seeds, "folder": str(folder),
                 "settings": str(folder / "millrace.yml"),
                 # The keeper is the first process that a node sees.
                 "disks": f"/proc/1/root{DISKS}"}
        (folder / "millrace.yml").write_text(yaml.safe_dump(settings_of(node, meant)))
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("MILLRACE_")}
        first, *rest = [str(filled(word, meant)) for word in words]
        return name, [program(first), *rest], folder / "log", inherited | environment, folder

    def _pairs(self, one: str | list[str], other: str | list[str], one_way: bool) -> list[tuple]:
        nodes = self.topology.nodes
        pairs = [(nodes[a], nodes[b]) for a in self.topology.names(one) for b in self.topology.names(other) if a != b]
        back = [] if one_way else [(b, a) for a, b in pairs]
        return pairs + [pair for pair in back if pair not in pairs]

    def _links(self, state: dict) -> dict[tuple[str, str], Link]:
        return {(one, other): Link(**link) for one, other, link in state["links"]}

    def _write_links(self, links: dict[tuple[str, str], Link]) -> None:
        part = self.folder / "links.part"
        part.write_text(network.delay_line(self.topology, links))
        part.rename(self.folder / "links")

    def _gone(self, names: str | list[str], seconds: float) -> None:
        wait_until(lambda: not any(self.running(name) for name in self.topology.names(names)), seconds,
                   f"{names} to end", every=0.005)

    @contextlib.contextmanager
    def _state(self) -> Iterator[dict]:
        """What is written down of the run, for all processes that use it; changes are kept."""
        path = self.folder / "state.json"
        with open(path, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            state = json.loads(text)
            yield state
            changed = json.dumps(state)
            if changed != text:
                file.seek(0)
                file.write(changed)
                file.truncate()


def clean() -> list[str]:
    """Removes the files of runs whose keeper is dead; all else of theirs the kernel took back. The names of the runs."""
    gone = []
    for folder in runs():
        try:
            keeper = Process(*json.loads((folder / "state.json").read_text())["keeper"])
        except (OSError, ValueError, KeyError):
            # Its lab may be about to write it.
            if time.time() - folder.stat().st_mtime < 60:
                continue
            keeper = Process(0, 0)
        if not keeper.alive:
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder.name)
    return gone


def wait_until(condition: Callable[[], bool], seconds: float, what: str, every: float = 0.05) -> None:
    """Polls a condition; raises AssertionError naming it when time is up."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(every)
