# SPDX-License-Identifier: Apache-2.0
"""What tests of whole clusters share: publishers, viewers and readers in the network of a lab's node."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.client
import json
import re
import subprocess
import threading
import time
import urllib.parse

import clips
from lab import Lab
from lab.lab import HTTP_PORT
from lab.settings import program
from lab.topology import read
from publishers import Publisher
from server import wait_until


class Publishing(Publisher):
    """ffmpeg at a place of the lab, publishing to a node as /live/NAME."""

    def __init__(self, lab: Lab, place: str, node: str, name: str, clip: str = "default") -> None:
        super().__init__(clip, f"rtmp://{address(lab, node)}/live/{name}")
        self.command = ["nsenter", f"--net={lab.keeper.network(place)}", *self.command]


@contextlib.contextmanager
def publishing_many(lab: Lab, place: str, node: str, count: int, clip: str = "audio-only"):
    """Streams /live/many-1 … many-COUNT of one small clip."""
    process = lab.popen(place, [
        program("millrace-load"), "publish", "rtmp", "--url", f"rtmp://{address(lab, node)}/live", "--name", "many-{n}",
        "--file", clips.path(clip, "flv"), "--streams", str(count), "--ramp", "2s", "--seconds", "900"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def topology(name: str, **changes: object) -> dict:
    """The text of a topology with further settings (`page.hls_js`, dots as two underscores)."""
    _, text = read(name)
    more = {key.replace("__", "."): value for key, value in changes.items()}
    return text | {"settings": text["settings"] | {"page.hls_js": clips.hls_js()} | more}


def address(lab: Lab, node: str) -> str:
    return lab.topology.nodes[node].address


def base(lab: Lab, node: str) -> str:
    return f"http://{address(lab, node)}:{HTTP_PORT}"


def ask(lab: Lab, node: str, path: str) -> object:
    """What a node's API answers to its operator."""
    status, body = lab.get(node, f"/api/v1{path}")
    assert status == 200, f"{node} {path}: {status} {body[:300]!r}"
    return json.loads(body)


def command(lab: Lab, node: str, *words: str) -> subprocess.CompletedProcess:
    """`millrace cluster …` on a node."""
    return lab.run(node, [program("millrace"), "cluster", *words], timeout=30)


def metric(lab: Lab, node: str, family: str, labels: str = "") -> float:
    """The sum of a family's samples whose labels contain a text; 0 where it has none yet."""
    total = 0.0
    for line in lab.get(node, "/metrics")[1].decode().splitlines():
        name, _, value = line.rpartition(" ")
        if name.partition("{")[0] == family and labels in name:
            total += float(value)
    return total


def members(lab: Lab, node: str) -> dict[str, str]:
    """Member and health, as a node believes."""
    lines = command(lab, node, "members").stdout.splitlines()
    return {line.split()[0]: re.search(r"health=(\S+)", line)[1] for line in lines if "health=" in line}


def wait_members(lab: Lab, node: str, names: set[str], seconds: float = 20) -> None:
    """Until a node believes that these are alive, and nobody else."""
    def alike() -> bool:
        return {name for name, health in members(lab, node).items() if health == "alive"} == names
    try:
        wait_until(alike, seconds, f"{node} to see {names}")
    except AssertionError as failure:
        raise AssertionError(f"{failure}; it sees {members(lab, node)}") from failure


def watch(lab: Lab, place: str, url: str, seconds: float = 5) -> tuple[int, dict[str, str], str]:
    """One GET without following redirects, from a place of the lab."""
    parts = urllib.parse.urlsplit(url)
    with lab.inside(place):
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
        try:
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
            return answer.status, {key.lower(): value for key, value in answer.getheaders()}, body
        finally:
            connection.close()


def wait_live(lab: Lab, place: str, router: str, name: str, seconds: float = 40) -> str:
    """Until a router answers for a stream and the edge that it names has the media; the router's URL of the stream."""
    url = f"{base(lab, router)}/live/{name}/index.m3u8"

    def plays() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _, body = watch(lab, place, url)
            first = pathways(body)
            return status == 200 and bool(first) and watch(lab, place, first[0][1])[0] == 200
        return False

    wait_until(plays, seconds, f"{url} to play")
    return url


def pathways(playlist: str) -> list[tuple[str, str]]:
    """(PATHWAY-ID, URL) of each variant."""
    return re.findall(r'#EXT-X-STREAM-INF:[^\n]*PATHWAY-ID="([^"]+)"[^\n]*\n(\S+)', playlist)


@dataclasses.dataclass
class Reading:
    """What a reader has of one node."""

    hashes: dict[str, str] = dataclasses.field(default_factory=dict)
    # What was listed and yet not given, with what was answered.
    refused: dict[str, int] = dataclasses.field(default_factory=dict)
    # Attempts that found nobody at home.
    failures: int = 0

    @property
    def segments(self) -> set[str]:
        return {name for name in self.hashes if re.search(r"/\d+\.m4s$", name)}

    @property
    def parts(self) -> set[str]:
        return {name for name in self.hashes if re.search(r"/\d+\.\d+\.m4s$", name)}


class Reader(threading.Thread):
    """Takes every init section, part and segment that a node lists, and keeps their hashes by name. A node that drains
    sends it to another."""

    def __init__(self, lab: Lab, place: str, node: str, path: str) -> None:
        super().__init__(daemon=True)
        self.lab, self.place, self.node, self.path = lab, place, node, path
        self.host = address(lab, node)
        self.reading = Reading()
        self._ended = threading.Event()

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(15)

    def run(self) -> None:
        with self.lab.inside(self.place):
            while not self._ended.is_set():
                host = self.host
                connection = http.client.HTTPConnection(host, HTTP_PORT, timeout=8)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    while not self._ended.is_set() and host == self.host:
                        self._round(connection)
                        self._ended.wait(0.3)
                connection.close()
                self.reading.failures += host == self.host
                self._ended.wait(0.3)

    def _round(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", self.path)
        answer = connection.getresponse()
        playlist = answer.read()
        if answer.status == 302:
            self.host = urllib.parse.urlsplit(answer.headers["Location"]).hostname
        if answer.status != 200:
            return
        for name in listed(playlist.decode(), self.path):
            if name in self.reading.hashes or self._ended.is_set():
                continue
            status, body = get(connection, name)
            if status == 200:
                self.reading.hashes[name] = hashlib.sha256(body).hexdigest()
                self.reading.refused.pop(name, None)
            else:
                self.reading.refused[name] = status


def listed(playlist: str, path: str) -> list[str]:
    """The init sections, parts and segments of a media playlist as paths."""
    found = re.findall(r'#EXT-X-(?:MAP|PART):[^\n]*URI="([^"]+)"|^([^#\s]\S*)$', playlist, re.MULTILINE)
    return [urllib.parse.urljoin(path, tagged or plain) for tagged, plain in found]


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def load(lab: Lab, place: str, url: str, viewers: int, seconds: float) -> subprocess.Popen:
    """millrace-load's viewers; its standard output is the result as JSON."""
    return lab.popen(place, [program("millrace-load"), "watch", "hls", "--url", url, "--viewers", str(viewers),
                             "--connections", "1", "--ramp", "2s", "--seconds", str(seconds)],
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
