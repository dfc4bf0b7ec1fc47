# SPDX-License-Identifier: Apache-2.0
"""What one media playlist lists."""

from __future__ import annotations

import dataclasses
import functools
import re

NAME = re.compile(r"([0-9a-f]+-[0-9a-f]+)/(?:init-\d+\.mp4|(\d+)(?:\.\d+)?\.m4s)$")


class Unreadable(Exception):
    """A playlist that breaks its own rules."""


@dataclasses.dataclass(frozen=True)
class Listing:
    # Media sequence number of the first segment, and of the one that is not whole yet.
    first: int
    open: int
    # Parts of that one.
    parts: int
    discontinuity: int
    # Everything that can be asked for, as it is written, in order.
    names: tuple[str, ...]
    # (number, name) of each whole segment; the name is empty where it is a gap.
    segments: tuple[tuple[int, str], ...]
    discontinuities: int
    ended: bool

    @property
    def newest(self) -> tuple[int, int]:
        """How far it goes; the same pair is what the next request asks for."""
        return self.open, self.parts

    @property
    def next(self) -> str:
        return f"?_HLS_msn={self.open}&_HLS_part={self.parts}"


@functools.lru_cache(maxsize=1024)
def understood(body: bytes) -> Listing:
    """All viewers of a moment get the same bytes, so they are read once."""
    lines = body.decode().splitlines()
    if not lines or lines[0] != "#EXTM3U":
        raise Unreadable("it is no playlist")
    first = discontinuity = parts = discontinuities = 0
    names, segments, gap, ended = [], [], False, False
    for line in lines:
        tag, _, value = line.partition(":")
        if tag == "#EXT-X-MEDIA-SEQUENCE":
            first = int(value)
        elif tag == "#EXT-X-DISCONTINUITY-SEQUENCE":
            discontinuity = int(value)
        elif tag == "#EXT-X-DISCONTINUITY":
            discontinuities += 1
        elif tag == "#EXT-X-GAP":
            gap = True
        elif tag == "#EXT-X-ENDLIST":
            ended = True
        elif tag in ("#EXT-X-PART", "#EXT-X-MAP"):
            name = re.search(r'URI="([^"]+)"', value)[1]
            parts += tag == "#EXT-X-PART"
            if "GAP=YES" not in value:
                names.append(name)
                check(name, first + len(segments))
        elif line and not line.startswith("#"):
            segments.append((first + len(segments), "" if gap else line))
            if not gap:
                names.append(line)
                check(line, segments[-1][0])
            gap, parts = False, 0
    return Listing(first, first + len(segments), parts, discontinuity, tuple(names), tuple(segments), discontinuities,
                   ended)


def check(name: str, number: int) -> None:
    """A name bears the number of its place."""
    found = NAME.match(name)
    if not found or found[2] not in (None, str(number)):
        raise Unreadable(f"{name} stands at {number}")
