# SPDX-License-Identifier: Apache-2.0
"""What a topology file says: regions, the links between them, and nodes with a place, roles and settings."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from typing import Any

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "topologies"


class TopologyFailure(Exception):
    """A topology file that can not be meant so."""


@dataclasses.dataclass
class Node:
    """One network namespace with an address of its own, and the process in it, if any."""

    name: str
    region: str
    zone: str
    region_number: int
    number: int
    roles: list[str]
    settings: dict[str, Any]
    # Empty for a bare node: a place from which publishers and viewers look, or where a test starts what it likes.
    command: list[str]

    @property
    def address(self) -> str:
        return f"10.{self.region_number}.{self.number >> 8}.{self.number & 255}"

    @property
    def mac(self) -> str:
        """The delay line finds the region in the third byte."""
        return f"02:4d:{self.region_number:02x}:00:{self.number >> 8:02x}:{self.number & 255:02x}"

    @property
    def port(self) -> str:
        """The end of its cable in the middle namespace."""
        return f"n-{self.name}"


@dataclasses.dataclass
class Link:
    """What happens to every frame from one region to another; times in seconds, rate in bits a second, 0 for any."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    rate: int = 0


@dataclasses.dataclass
class Topology:
    name: str
    about: str
    regions: dict[str, int]
    links: dict[tuple[str, str], Link]
    nodes: dict[str, Node]
    seeds: list[str]
    # The size in bytes of each disk that the nodes share.
    disks: dict[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def load(cls, name: str | pathlib.Path) -> Topology:
        """A file, or the name of one in cluster/topologies."""
        return cls.parse(*read(name))

    @classmethod
    def parse(cls, name: str, text: Any) -> Topology:
        text = of_keys(text, name, {"about", "regions", "links", "command", "settings", "seeds", "nodes", "disks"})
        regions = {region: number for number, region in enumerate(text.get("regions") or [], 1)}
        links = {}
        for one in text.get("links") or []:
            one = of_keys(one, f"{name}: link", {"between", "delay", "jitter", "loss", "rate"})
            ends = one.pop("between", [])
            if len(ends) != 2 or set(ends) - set(regions) or ends[0] == ends[1]:
                raise TopologyFailure(f"{name}: a link is between two regions, not {ends}")
            link = link_of(one)
            links[ends[0], ends[1]] = link
            links[ends[1], ends[0]] = dataclasses.replace(link)
        nodes: dict[str, Node] = {}
        for key, one in (text.get("nodes") or {}).items():
            for node in nodes_of(key, one or {}, text, regions, nodes):
                nodes[node.name] = node
        seeds = text.get("seeds") or []
        if not nodes or set(seeds) - set(nodes):
            raise TopologyFailure(f"{name}: no nodes, or seeds that are none: {seeds}")
        disks = {disk: size(amount) for disk, amount in (text.get("disks") or {}).items()}
        if bad := [disk for disk in disks if not re.fullmatch("[a-z]+", disk) or disk in nodes]:
            raise TopologyFailure(f"{name}: a disk's name is letters, and no node's, not {bad[0]}")
        return cls(name, text.get("about") or "", regions, links, nodes, seeds, disks)

    def names(self, words: str | list[str]) -> list[str]:
        """Nodes by name, by region, as region/zone, or `all`; several with commas."""
        found: list[str] = []
        for word in words.split(",") if isinstance(words, str) else words:
            matching = [node.name for node in self.nodes.values()
                        if word in ("all", node.name, node.region, f"{node.region}/{node.zone}")]
            if not matching:
                raise TopologyFailure(f"{word} is no node, region or region/zone of {self.name}")
            found += [each for each in matching if each not in found]
        return found


def read(name: str | pathlib.Path) -> tuple[str, Any]:
    """The name of a topology and what its file says, not yet understood."""
    path = pathlib.Path(name)
    if not path.suffix:
        path = FOLDER / f"{name}.yml"
    if not path.exists():
        raise TopologyFailure(f"no topology {name}; there are: {', '.join(topologies())}")
    try:
        return path.stem, yaml.safe_load(path.read_text())
    except yaml.YAMLError as failure:
        raise TopologyFailure(f"{path}: {failure}") from failure


def topologies() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


def nodes_of(key: str, one: dict, text: dict, regions: dict[str, int], before: dict[str, Node]) -> list[Node]:
    """One node, or `count` of them: key1, key2, …, their zones by turns."""
    one = of_keys(one, key, {"region", "zone", "zones", "roles", "settings", "command", "count"})
    region = one.get("region")
    if region not in regions:
        raise TopologyFailure(f"{key}: region {region} is not in the list")
    zones = one.get("zones") or [one.get("zone") or "a"]
    count = one.get("count")
    first = sum(1 for node in before.values() if node.region == region) + 1
    made = []
    for index in range(count or 1):
        node_name = f"{key}{index + 1}" if count else key
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,12}", node_name) or node_name == "all" or node_name in regions:
            raise TopologyFailure(f"{node_name}: a name is 1 to 13 of a-z, 0-9 and -, and no region's")
        command = one.get("command", text.get("command") or [])
        made.append(Node(node_name, region, zones[index % len(zones)], regions[region], first + index,
                         list(one.get("roles") or []), (text.get("settings") or {}) | (one.get("settings") or {}),
                         [str(word) for word in command]))
    return made


def link_of(words: dict[str, Any]) -> Link:
    """`delay`, `jitter`, `loss`, `rate` as people write them."""
    parse = {"delay": seconds, "jitter": seconds, "loss": share, "rate": bits}
    return Link(**{key: parse[key](value) for key, value in words.items()})


def seconds(text: object) -> float:
    """`75ms`, `2s`, `250us`, `1m`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m)", str(text))
    if not found:
        raise TopologyFailure(f"{text} is no time: 75ms, 2s, 1m")
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[found[2]]


def share(text: object) -> float:
    """`25%` as 0.25."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)%", str(text))
    if not found or float(found[1]) > 100:
        raise TopologyFailure(f"{text} is no share: 25%")
    return float(found[1]) / 100


def bits(text: object) -> int:
    """`10Mbit`, `500kbit`, `1Gbit` as bits a second; `any` as 0."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)bit", str(text))
    if not found and text != "any":
        raise TopologyFailure(f"{text} is no rate: 500kbit, 10Mbit, any")
    return int(float(found[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[found[2]]) if found else 0


def size(text: object) -> int:
    """`64KiB`, `2GiB`."""
    found = re.fullmatch(r"(\d+)([KMG])iB", str(text))
    if not found:
        raise TopologyFailure(f"{text} is no size: 64KiB, 2GiB")
    return int(found[1]) << {"K": 10, "M": 20, "G": 30}[found[2]]


def of_keys(value: Any, where: str, allowed: set[str]) -> dict:
    if not isinstance(value, dict):
        raise TopologyFailure(f"{where}: a mapping belongs here")
    if unknown := set(value) - allowed:
        raise TopologyFailure(f"{where}: unknown: {', '.join(sorted(map(str, unknown)))}")
    return dict(value)
