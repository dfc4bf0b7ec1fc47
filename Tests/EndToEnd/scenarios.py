# SPDX-License-Identifier: Apache-2.0
"""Runs a scenario of loadtests/scenarios: publishers and viewers beside a cluster on loopback, what breaks meanwhile, and
one file of all that came of it."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import statistics
import subprocess
import time
import urllib.parse
from typing import Any

import yaml
from lab.topology import of_keys, seconds
from loopback import LoopbackCluster, Usage, ask, clip, load_program
from server import wait_until

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "loadtests"
# Nodes on one core, publishers and viewers on the other, so that they do not take each other's time.
NODE_CORES, LOAD_CORES = {0}, {1}


@dataclasses.dataclass
class Scenario:
    name: str
    about: str
    topology: str
    # From the first viewer on.
    seconds: int
    # `clip`, `streams`, `ramp`, `at`: the nodes that are published to, `again`: after how long a lost one comes back.
    publish: dict[str, Any]
    # By a name of their own: `kind`, hls or whep, and options of `millrace-load watch`.
    watch: dict[str, dict[str, Any]]
    # `at` a time, `kill` a node.
    faults: list[dict[str, Any]]
    settings: dict[str, Any]
    # `memory_kib_per_viewer`, `memory_growth_percent`, `copies`: what nodes may take at most.
    nodes: dict[str, float]

    @classmethod
    def load(cls, name: str) -> Scenario:
        text = yaml.safe_load((FOLDER / f"scenarios/{name}.yml").read_text())
        text = of_keys(text, name, {field.name for field in dataclasses.fields(cls)} - {"name"})
        defaults = {"topology": "load", "faults": [], "settings": {}, "nodes": {}}
        return cls(name=name, **(defaults | text))

    @property
    def viewers(self) -> int:
        """Of all kinds together."""
        return sum(one["viewers"] for one in self.watch.values())


def names() -> list[str]:
    return sorted(path.stem for path in (FOLDER / "scenarios").glob("*.yml"))


def run(name: str, folder: pathlib.Path) -> dict[str, Any]:
    """Runs a scenario; what came of it stands in `{folder}/{name}.json` too, and a page of each lot of viewers there."""
    scenario = Scenario.load(name)
    folder.mkdir(parents=True, exist_ok=True)
    apart = (os.cpu_count() or 1) > 1
    changes = {key.replace(".", "__"): value for key, value in scenario.settings.items()}
    with LoopbackCluster(scenario.topology, NODE_CORES if apart else None, **changes) as cluster:
        return Run(scenario, cluster, folder, LOAD_CORES if apart else None).result()


class Run:
    def __init__(self, scenario: Scenario, cluster: LoopbackCluster, folder: pathlib.Path, cores: set[int] | None) -> None:
        self.scenario, self.cluster, self.folder, self.cores = scenario, cluster, folder, cores
        self.publishers: subprocess.Popen | None = None

    def result(self) -> dict[str, Any]:
        scenario = self.scenario
        self._publish()
        try:
            self._wait_live()
            time.sleep(3)
            begun = time.monotonic()
            watches = {name: self._watch(name, one) for name, one in scenario.watch.items()}
            broken = self._break(begun)
            copies = self._copies(begun)
            ends = {name: process.wait(scenario.seconds + 120) for name, process in watches.items()}
        finally:
            self.publishers.terminate()
            self.publishers.wait(20)
        result = {
            "scenario": scenario.name, "about": scenario.about, "viewers": scenario.viewers, "seconds": scenario.seconds,
            "streams": scenario.publish["streams"], "killed": broken, "copies": copies,
            "watch": {name: self._report(name) for name in watches},
            "nodes": self._nodes(begun), "broken": [],
        }
        result["broken"] = [*(f"{name}: {line}" for name, end in ends.items() for line in self._complaints(name, end)),
                            *self._overruns(result)]
        (self.folder / f"{scenario.name}.json").write_text(json.dumps(result, indent=2) + "\n")
        return result

    # Publishers and viewers.

    def _publish(self) -> None:
        what = self.scenario.publish
        words = [load_program(), "publish", "rtmp", "--file", clip(what["clip"]), "--name", "load-{n}", "--stamp",
                 "--streams", what["streams"], "--ramp", what.get("ramp", "0s"), "--seconds", self.scenario.seconds + 300]
        for node in what.get("at", self.cluster.names("origin")):
            words += ["--url", self.cluster.publish_url(node)]
        words += ["--again", what["again"]] if "again" in what else []
        with open(self.folder / f"{self.scenario.name}-publish.log", "wb") as log:
            self.publishers = self.cluster.popen(words, self.cores, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _wait_live(self) -> None:
        """Until each router names edges for the last stream, and those have its media."""
        path = f"/live/load-{self.scenario.publish['streams']}/index.m3u8"

        def plays(router: str) -> bool:
            with self.cluster.inside():
                try:
                    status, body = ask(self.cluster.address(router), 8080, path, 5)
                    found = re.findall(r"^http://\S+", body.decode(), re.MULTILINE)
                    parts = [urllib.parse.urlsplit(one) for one in found]
                    # Another region's router sends on to an edge.
                    return status == 200 and bool(found) and all(
                        ask(one.hostname, one.port, one.path, 5)[0] in (200, 302) for one in parts)
                except OSError:
                    return False

        for router in self.cluster.names("router"):
            wait_until(lambda router=router: plays(router), 60 + self.scenario.publish["streams"] / 4, f"{path} at {router}")

    def _watch(self, name: str, what: dict[str, Any]) -> subprocess.Popen:
        what = dict(what)
        kind = what.pop("kind")
        streams, viewers = self.scenario.publish["streams"], what.pop("viewers")
        path = {"hls": "/live/load-{n}/index.m3u8", "whep": "/live/load-{n}/whep"}[kind]
        thresholds = FOLDER / f"thresholds/{what.pop('thresholds')}.json"
        file = self.folder / f"{self.scenario.name}-{name}"
        words = [load_program(), "watch", kind, "--streams", streams, "--viewers", -(-viewers // streams), "--seconds",
                 self.scenario.seconds, "--result", file.with_suffix(".json"), "--thresholds", thresholds]
        routers = self.cluster.names("router")
        for router in routers if kind == "hls" else routers[:1]:
            words += ["--url", self.cluster.url(router, path)]
        if kind == "hls":
            words += ["--page", file.with_suffix(".html"), "--from", "127.1.0.1", "--sources", 64, "--progress"]
        for key, value in what.items():
            words += [f"--{key}"] if value is True else [f"--{key}", value]
        with open(file.with_suffix(".log"), "wb") as log:
            return self.cluster.popen(words, self.cores, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    # What happens meanwhile.

    def _break(self, begun: float) -> list[str]:
        killed = []
        for fault in sorted(self.scenario.faults, key=lambda fault: seconds(fault["at"])):
            time.sleep(max(0.0, begun + seconds(fault["at"]) - time.monotonic()))
            self.cluster.kill(fault["kill"])
            killed.append(f"{fault['kill']} at {fault['at']}")
        return killed

    def _copies(self, begun: float) -> dict[str, float]:
        """How many streams each edge that lives takes from others, shortly before the end."""
        time.sleep(max(0.0, begun + self.scenario.seconds * 0.8 - time.monotonic()))
        return {name: self.cluster.metric(name, "millrace_relay_upstreams") for name in self.cluster.names("edge")
                if self.cluster.processes[name].poll() is None}

    # What came of it.

    def _report(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{self.scenario.name}-{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def _complaints(self, name: str, end: int) -> list[str]:
        if end == 0:
            return []
        log = (self.folder / f"{self.scenario.name}-{name}.log").read_text(errors="replace")
        lines = [line.removeprefix("NOT MET: ") for line in log.splitlines() if line.startswith("NOT MET: ")]
        return lines or [f"ended with {end}: {log[-500:]}"]

    def _nodes(self, begun: float) -> dict[str, dict[str, float]]:
        """Of each node: the share of a core that it took in the middle of the run, and its memory before, then and at the
        end, in MiB."""
        middle, end = begun + self.scenario.seconds * 0.5, begun + self.scenario.seconds
        found = {}
        for name, samples in self.cluster.usage.items():
            steady = [one for one in samples if middle <= one.at < end]
            if self.cluster.processes[name].poll() is not None or len(steady) < 2:
                continue
            found[name] = {
                "cores": (steady[-1].seconds - steady[0].seconds) / (steady[-1].at - steady[0].at),
                "memory_before": mebibytes([one for one in samples if one.at < begun][-2:]),
                "memory_middle": mebibytes(steady[:max(2, len(steady) // 4)]),
                "memory_end": mebibytes(steady[-max(2, len(steady) // 4):]),
            }
        return found

    def _overruns(self, result: dict[str, Any]) -> list[str]:
        limits, nodes = self.scenario.nodes, result["nodes"].values()
        before, middle, end = (sum(node[f"memory_{when}"] for node in nodes) for when in ("before", "middle", "end"))
        result["kib_per_viewer"] = (end - before) * 1024 / self.scenario.viewers
        result["growth_percent"] = 100 * (end - middle) / middle if middle else 0.0
        found = {"memory_kib_per_viewer": result["kib_per_viewer"], "memory_growth_percent": result["growth_percent"],
                 "copies": max(result["copies"].values(), default=0.0)}
        return [f"{name} of the nodes is {found[name]:.2f}, at most {limit}" for name, limit in limits.items()
                if found[name] > limit]


def mebibytes(samples: list[Usage]) -> float:
    return statistics.median(one.memory for one in samples) / 2**20 if samples else 0.0
