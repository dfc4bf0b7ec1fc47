# SPDX-License-Identifier: Apache-2.0
"""Runs a scenario of loadtests/scenarios: publishers and viewers beside a cluster on loopback, what breaks meanwhile, and
one file of all that came of it."""

from __future__ import annotations

import dataclasses
import http.client
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
from loopback import HTTP_PORT, LoopbackCluster, Usage, ask, clip, load_program
from server import wait_until

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "loadtests"
TROUBLES = {"slow", "half", "silent"}
RECEIVED = "millrace_relay_received_bytes_total"
# How late publishers may be, p95, in milliseconds: what they send is stamped with the time when it was due.
LATE = 500
# Nodes on one core, publishers and viewers on the other, so that they do not take each other's time.
NODE_CORES, LOAD_CORES = {0}, {1}


@dataclasses.dataclass
class Scenario:
    name: str
    about: str
    topology: str
    # From the first viewer on.
    seconds: int
    # `clip`, `streams`, `ramp`, `at`: the nodes that are published to, `again`: after how long a lost one comes back, all by
    # RTMP; `whip` and `rtp`: how many streams more come by those, of pictures alone, their numbers behind those of RTMP.
    publish: dict[str, Any]
    # By a name of their own: `kind`, hls, whep, rtmp, flv, or slow, half and silent, who are nobody's friends; and options of
    # `millrace-load watch`, or of `trouble`.
    watch: dict[str, dict[str, Any]]
    # `at` a time, `kill` a node.
    faults: list[dict[str, Any]]
    settings: dict[str, Any]
    # `memory_kib_per_viewer`, `memory_growth_percent`, `copies`, `received`: what nodes may take at most.
    nodes: dict[str, float]
    # What edges must have counted together at least by then, by their metrics.
    counted: dict[str, float]

    @classmethod
    def load(cls, name: str) -> Scenario:
        text = yaml.safe_load((FOLDER / f"scenarios/{name}.yml").read_text())
        text = of_keys(text, name, {field.name for field in dataclasses.fields(cls)} - {"name"})
        defaults = {"topology": "load", "faults": [], "settings": {}, "nodes": {}, "counted": {}}
        return cls(name=name, **(defaults | text))

    @property
    def streams(self) -> int:
        """Of all kinds of publishers together."""
        return sum(self.publish.get(kind, 0) for kind in ("streams", "whip", "rtp"))

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
        # By what their results are called.
        self.publishers: dict[str, subprocess.Popen] = {}

    def result(self) -> dict[str, Any]:
        scenario = self.scenario
        # What an earlier run has told must not be taken for this one's.
        for path in self.folder.glob(f"{scenario.name}-*"):
            path.unlink()
        try:
            self._publish()
            self._wait_live()
            time.sleep(3)
            begun = time.monotonic()
            watches = {name: self._watch(name, one) for name, one in scenario.watch.items()}
            killed = self._break(begun)
            copies, received = self._copies(begun)
            counted = {family: sum(self.cluster.metric(name, family) for name in copies) for family in scenario.counted}
            ends = {name: process.wait(scenario.seconds + 120) for name, process in watches.items()}
            crashed = [name for name, process in self.cluster.processes.items()
                       if process.poll() is not None and name not in {fault["kill"] for fault in scenario.faults}]
        finally:
            for publisher in self.publishers.values():
                publisher.terminate()
            for publisher in self.publishers.values():
                publisher.wait(20)
        reports = {name: self._report(name) for name in self.publishers}
        silent = [f"{name}: {self._log(name)}" for name, report in reports.items() if not report]
        assert not silent, f"publishers told nothing: {silent}"
        published = together(list(reports.values()))
        result = {
            "scenario": scenario.name, "about": scenario.about, "viewers": scenario.viewers, "seconds": scenario.seconds,
            "streams": scenario.streams, "killed": killed, "copies": copies,
            "received": {name: rate * published["seconds"] / published["bytes"] for name, rate in received.items()},
            "publish": published, "watch": {name: self._report(name) for name in watches},
            "nodes": self._nodes(begun), "broken": [],
        }
        result["broken"] = [*(f"{name}: {line}" for name, end in ends.items() for line in self._complaints(name, end)),
                            *self._misled(published), *(f"{name} ended by itself" for name in crashed),
                            *(f"{family} is {counted[family]:.0f}, at least {least}"
                              for family, least in scenario.counted.items() if counted[family] < least),
                            *self._overruns(result)]
        (self.folder / f"{scenario.name}.json").write_text(json.dumps(result, indent=2) + "\n")
        return result

    # Publishers and viewers.

    def _publish(self) -> None:
        what, origins = self.scenario.publish, self.cluster.names("origin")
        words = ["--name", "load-{n}", "--streams", what["streams"], "--ramp", what.get("ramp", "0s")]
        for node in what.get("at", origins):
            words += ["--url", self.cluster.publish_url(node)]
        words += ["--again", what["again"]] if "again" in what else []
        self._start("publish", "rtmp", *words)
        if "whip" in what:
            self._start("publish-whip", "whip", "--url", self.cluster.url(origins[-1], "/live/load-{n}/whip"), "--first",
                        what["streams"] + 1, "--streams", what["whip"])
        if "rtp" in what:
            self._feed(origins[0], what["streams"] + what.get("whip", 0), what["rtp"])

    def _start(self, name: str, kind: str, *words: object) -> None:
        file = self.folder / f"{self.scenario.name}-{name}"
        command = [load_program(), "publish", kind, "--file", clip(self.scenario.publish["clip"]), "--stamp", *words,
                   "--seconds", self.scenario.seconds + 300, "--result", file.with_suffix(".json")]
        with open(file.with_suffix(".log"), "wb") as log:
            self.publishers[name] = self.cluster.popen(command, self.cores, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _feed(self, node: str, before: int, count: int) -> None:
        """Plain RTP that a node makes streams of, by what the publisher says of them."""
        files = [self.folder / f"{self.scenario.name}-rtp-{number}.sdp" for number in range(1, count + 1)]
        self._start("publish-rtp", "rtp", "--url", f"rtp://{self.cluster.address(node)}", "--source", 7000, "--streams", count,
                    "--describe", self.folder / f"{self.scenario.name}-rtp-{{n}}.sdp")
        for number, file in enumerate(files, before + 1):
            wait_until(file.exists, 20, f"{file}")
            with self.cluster.inside():
                status, body = post(self.cluster.address(node), HTTP_PORT, f"/api/v1/streams/load-{number}/rtp",
                                    file.read_bytes(), "application/sdp")
            assert status == 201, f"load-{number} by RTP: {status} {body[:300]!r}"

    def _wait_live(self) -> None:
        """Until each router names edges for the last stream of each kind, and those have its media."""
        def plays(router: str, path: str) -> bool:
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

        last, lasts = 0, []
        for kind in ("streams", "whip", "rtp"):
            last += self.scenario.publish.get(kind, 0)
            lasts.append(f"/live/load-{last}/index.m3u8")
        for router in self.cluster.names("router"):
            for path in dict.fromkeys(lasts):
                wait_until(lambda router=router, path=path: plays(router, path), 60 + self.scenario.streams / 4,
                           f"{path} at {router}")

    def _watch(self, name: str, what: dict[str, Any]) -> subprocess.Popen:
        what = dict(what)
        kind = what.pop("kind")
        streams, viewers = self.scenario.streams, what.pop("viewers")
        thresholds = FOLDER / f"thresholds/{what.pop('thresholds')}.json"
        file = self.folder / f"{self.scenario.name}-{name}"
        words = [load_program(), *(["trouble", "--kind", kind] if kind in TROUBLES else ["watch", kind]), "--streams", streams,
                 "--viewers", -(-viewers // streams), "--seconds", self.scenario.seconds, "--result",
                 file.with_suffix(".json"), "--thresholds", thresholds]
        words += [word for url in self._places(kind) for word in ("--url", url)]
        if kind not in TROUBLES:
            words += ["--page", file.with_suffix(".html"), "--progress"]
        if kind != "whep":
            words += ["--from", "127.1.0.1", "--sources", 64]
        for key, value in what.items():
            words += [f"--{key}"] if value is True else [f"--{key}", value]
        with open(file.with_suffix(".log"), "wb") as log:
            return self.cluster.popen(words, self.cores, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _places(self, kind: str) -> list[str]:
        """Where viewers of a kind are sent first: those of HTTP to routers, and who behaves badly to where it hurts."""
        routers, edges = self.cluster.names("router"), self.cluster.names("edge")
        match kind:
            case "hls": return [self.cluster.url(name, "/live/load-{n}/index.m3u8") for name in routers]
            case "whep": return [self.cluster.url(routers[0], "/live/load-{n}/whep")]
            case "flv": return [self.cluster.url(name, "/live/load-{n}.flv") for name in routers]
            case "rtmp": return [self.cluster.publish_url(name) + "/load-{n}" for name in edges]
            case _: return [self.cluster.url(name, "/live/load-{n}.flv") for name in edges]

    # What happens meanwhile.

    def _break(self, begun: float) -> list[str]:
        killed = []
        for fault in sorted(self.scenario.faults, key=lambda fault: seconds(fault["at"])):
            time.sleep(max(0.0, begun + seconds(fault["at"]) - time.monotonic()))
            self.cluster.kill(fault["kill"])
            killed.append(f"{fault['kill']} at {fault['at']}")
        return killed

    def _copies(self, begun: float) -> tuple[dict[str, float], dict[str, float]]:
        """How many streams each edge that lives takes from others, shortly before the end, and how many bytes a second."""
        time.sleep(max(0.0, begun + self.scenario.seconds * 0.8 - time.monotonic()))
        edges = [name for name in self.cluster.names("edge") if self.cluster.processes[name].poll() is None]
        upstreams = {name: self.cluster.metric(name, "millrace_relay_upstreams") for name in edges}
        before = {name: (time.monotonic(), self.cluster.metric(name, RECEIVED)) for name in edges}
        time.sleep(self.scenario.seconds * 0.15)
        return upstreams, {name: (self.cluster.metric(name, RECEIVED) - count) / (time.monotonic() - at)
                           for name, (at, count) in before.items()}

    # What came of it.

    def _report(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{self.scenario.name}-{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def _log(self, name: str) -> str:
        return (self.folder / f"{self.scenario.name}-{name}.log").read_text(errors="replace")

    def _complaints(self, name: str, end: int) -> list[str]:
        if end == 0:
            return []
        log = self._log(name)
        lines = [line.removeprefix("NOT MET: ") for line in log.splitlines() if line.startswith("NOT MET: ")]
        return lines or [f"ended with {end}: {log[-500:]}"]

    def _misled(self, published: dict[str, Any]) -> list[str]:
        """What makes the viewers' figures worth nothing: publishers that failed unasked, that did not notice what was broken,
        or that were late themselves."""
        lines = []
        failed = sum(published["failures"].values())
        if published["published"] < self.scenario.streams or failed and not self.scenario.faults:
            lines.append(f"published: {published['published']}, failures {published['failures']}")
        origins = {fault["kill"] for fault in self.scenario.faults} & set(self.scenario.publish.get("at", []))
        if origins and not failed:
            lines.append(f"no publisher noticed the death of {', '.join(sorted(origins))}")
        if published["latenessMilliseconds"]["p95"] > LATE:
            lines.append(f"publishers were late: {published['latenessMilliseconds']}")
        return lines

    def _nodes(self, begun: float) -> dict[str, dict[str, float]]:
        """Of each node: the share of a core that it took in the middle of the run, and its memory before, then and at the
        end, in MiB."""
        middle, end = begun + self.scenario.seconds * 0.5, begun + self.scenario.seconds
        found = {}
        for name, samples in self.cluster.usage.items():
            steady = [one for one in samples if middle <= one.at < end]
            if self.cluster.processes[name].poll() is not None:
                continue
            assert len(steady) >= 2, f"{name} was not looked at"
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
                 "copies": max(result["copies"].values(), default=0.0),
                 "received": max(result["received"].values(), default=0.0)}
        nothing = [f"{name} of the nodes was not measured" for name in ("copies", "received")
                   if name in limits and found[name] == 0]
        return nothing + [f"{name} of the nodes is {found[name]:.2f}, at most {limit}" for name, limit in limits.items()
                if found[name] > limit]


def together(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """What all kinds of publishers did; late as those who were latest."""
    failures: dict[str, int] = {}
    for report in reports:
        for reason, count in report["failures"].items():
            failures[reason] = failures.get(reason, 0) + count
    sums = {key: sum(report[key] for report in reports) for key in ("published", "bytes", "messages")}
    lateness = max((report["latenessMilliseconds"] for report in reports), key=lambda times: times["p95"])
    return {**reports[0], **sums, "failures": failures, "latenessMilliseconds": lateness}


def post(host: str, port: int, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def mebibytes(samples: list[Usage]) -> float:
    return statistics.median(one.memory for one in samples) / 2**20 if samples else 0.0
