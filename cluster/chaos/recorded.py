# SPDX-License-Identifier: Apache-2.0
"""The object store of a lab, a folder: looked at while it grows, and read whole at the end."""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
import re
import threading
from collections.abc import Callable

from .listing import Unreadable
from .swarm import digest_of

# The disk of a topology that is the store of its origins, and the one on which they keep what waits for it.
DISK, SPILL = "objects", "spill"
# Where the store writes what has no name yet.
WORKSHOP = ".millrace-store"
SEGMENT = re.compile(r"[0-9a-f]+-[0-9a-f]+/(\d+)\.m4s$")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A segment as a stored playlist lists it."""

    number: int
    name: str
    is_gap: bool
    # Whether it begins a new timeline; its number may be far above the last.
    begins: bool


class Recorded(threading.Thread):
    """Streams are named by the second part of their keys, `{app}/{name}/{rendition}/…`. `problem` is told what is wrong and
    where; `every`: seconds from one look to the next."""

    def __init__(self, folder: pathlib.Path, problem: Callable[[str, str], None], every: float = 1) -> None:
        super().__init__(daemon=True)
        self.folder, self.problem, self.every = folder, problem, every
        # Of every object that was listed, what it held then.
        self.digests: dict[str, str] = {}
        self.playlists: dict[str, list[Entry]] = {}
        # Which playlist lists a number, by the folder of a rendition.
        self._listed: dict[tuple[str, int], str] = {}
        self._versions: dict[str, tuple[int, int]] = {}
        self._ended = threading.Event()

    @property
    def gaps(self) -> int:
        return sum(entry.is_gap for entries in self.playlists.values() for entry in entries)

    def run(self) -> None:
        while not self._ended.wait(self.every):
            self.look()

    def end(self) -> None:
        self._ended.set()
        if self.is_alive():
            self.join(20)

    def look(self) -> None:
        """Every media playlist that is not the one that was looked at last."""
        for path in sorted(self.folder.glob("*/*/*/*.m3u8")):
            key = str(path.relative_to(self.folder))
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                version = status.st_ino, status.st_mtime_ns
                if key.startswith("recordings/") or self._versions.get(key) == version:
                    continue
                self._versions[key] = version
                self._hold(key, file.read().decode())

    def numbers(self) -> dict[str, set[int]]:
        """Of every stream the numbers that are listed, gaps as well."""
        found: dict[str, set[int]] = collections.defaultdict(set)
        for key, entries in list(self.playlists.items()):
            found[key.split("/")[1]].update(entry.number for entry in entries)
        return found

    def gap_numbers(self) -> dict[str, set[int]]:
        """Of every stream the numbers that are listed as gaps."""
        found: dict[str, set[int]] = collections.defaultdict(set)
        for key, entries in self.playlists.items():
            found[key.split("/")[1]].update(entry.number for entry in entries if entry.is_gap)
        return found

    def compare(self, names: dict[str, str]) -> int:
        """Reads all there is against what it was and against what nodes gave, by path; how many of those are stored."""
        stored = 0
        for path in self.folder.rglob("*"):
            key = str(path.relative_to(self.folder))
            if not path.is_file() or key.startswith(f"{WORKSHOP}/"):
                continue
            body = path.read_bytes()
            if path.suffix == ".m3u8":
                self._refers(path, body.decode())
                continue
            if not is_whole(body):
                self.problem("a stored object that is cut off", f"{key}: {len(body)} bytes")
            digest = digest_of(body)
            known, given = self.digests.setdefault(key, digest), names.get(f"/{key}", digest)
            if digest != known or digest != given:
                self.problem("one name, two contents", f"{key} is {digest} in the store, was {known} there, and a node "
                             f"gave {given}")
            stored += f"/{key}" in names
        return stored

    def _hold(self, key: str, text: str) -> None:
        """A playlist against what it was, and against what is stored."""
        try:
            entries, maps, ended = understood(text)
        except Unreadable as failure:
            return self.problem("a stored playlist that breaks its rules", f"{key}: {failure}")
        before = self.playlists.get(key, [])
        same = [entry.name for entry in entries[:len(before)]] == [entry.name for entry in before]
        filled = [entry.name for entry, other in zip(before, entries) if entry.is_gap != other.is_gap]
        if not same or filled and not ended:
            self.problem("a stored playlist that changed", f"{key}: {len(before)} segments and then {len(entries)}, "
                         f"gaps {filled[:5]}")
        folder = key.rpartition("/")[0]
        for entry in entries:
            if self._listed.setdefault((folder, entry.number), key + entry.name) != key + entry.name:
                self.problem("a number that is stored twice", f"{key}: {entry.name}, and {self._listed[folder, entry.number]}")
        for last, entry in zip(entries, entries[1:]):
            if entry.number <= last.number or entry.number != last.number + 1 and not entry.begins:
                self.problem("stored numbers that are skipped", f"{key}: {last.number} and then {entry.number}")
        self.playlists[key] = entries
        for name in [*maps, *(entry.name for entry in entries if not entry.is_gap)]:
            if f"{folder}/{name}" not in self.digests:
                self._take(f"{folder}/{name}", key)

    def _take(self, key: str, playlist: str) -> None:
        try:
            self.digests[key] = digest_of((self.folder / key).read_bytes())
        except OSError:
            self.problem("listed and not stored", f"{key} in {playlist}")

    def _refers(self, path: pathlib.Path, text: str) -> None:
        """Of a multivariant playlist, that its media playlists are stored."""
        for line in text.splitlines():
            if line.endswith(".m3u8") and not (path.parent / line).exists():
                self.problem("listed and not stored", f"{line} in {path.relative_to(self.folder)}")


def waiting(folder: pathlib.Path) -> list[str]:
    """What nodes keep on their disks, whole or not, but for the marks by which they keep each other out."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() and path.name not in ("lock", "owner")]


def understood(text: str) -> tuple[list[Entry], list[str], bool]:
    """The segments and the init sections of a stored playlist, and whether it is ended."""
    lines = text.splitlines()
    if lines[:1] != ["#EXTM3U"] or not text.endswith("\n"):
        raise Unreadable("it is no playlist")
    entries, maps, tags = [], [], set()
    for line in lines:
        if line.startswith("#EXT-X-MAP:"):
            maps.append(line.split('"')[1])
        elif line.startswith("#"):
            tags.add(line)
        elif found := SEGMENT.match(line):
            entries.append(Entry(int(found[1]), line, "#EXT-X-GAP" in tags, "#EXT-X-DISCONTINUITY" in tags))
            tags.clear()
        else:
            raise Unreadable(f"{line} is no segment")
    return entries, maps, "#EXT-X-ENDLIST" in tags


def is_whole(body: bytes) -> bool:
    """Whether the last of the boxes ends where the file does (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while 8 <= (size := int.from_bytes(body[at:at + 4], "big")):
        at += size
    return 0 < at == len(body)
