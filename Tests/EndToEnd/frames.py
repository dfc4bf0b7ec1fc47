# SPDX-License-Identifier: Apache-2.0
"""Which of the pictures that an encoder sent have arrived in segments: they are told apart by their sizes, which follow
each other as in the clip that it repeats."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading

import isobmff
import rtmp_client
from clusters import HTTP_PORT, address, get
from lab import Lab


class FrameReader(threading.Thread):
    """Takes every segment of a stream from a node, from its beginning to its end as a context manager."""

    def __init__(self, lab: Lab, place: str, node: str, stream: str, tags: list[rtmp_client.Tag]) -> None:
        super().__init__(daemon=True)
        self.lab, self.place, self.node, self.folder = lab, place, node, f"/live/{stream}/main/"
        self.clip = sizes(tags)
        # Of each media sequence number the sizes of its pictures.
        self.segments: dict[int, list[int]] = {}
        # And the version of the byte writer that wrote it: from the second on it says when its media was.
        self.versions: dict[int, int] = {}
        # And the term that its name bears.
        self.terms: dict[int, str] = {}
        self._init: isobmff.InitSection | None = None
        self._ended = threading.Event()

    def __enter__(self) -> FrameReader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(15)

    def run(self) -> None:
        with self.lab.inside(self.place):
            while not self._ended.is_set():
                node = self.node
                connection = http.client.HTTPConnection(address(self.lab, node), HTTP_PORT, timeout=5)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    while not self._ended.is_set() and node == self.node:
                        self._round(connection)
                        self._ended.wait(0.5)
                connection.close()
                self._ended.wait(0.2)

    def _round(self, connection: http.client.HTTPConnection) -> None:
        status, playlist = get(connection, self.folder + "media.m3u8")
        if status != 200:
            return
        text = playlist.decode()
        if self._init is None:
            self._init = isobmff.parse_init(get(connection, self.folder + re.search(r'MAP:URI="([^"]+)"', text)[1])[1])
        for name in re.findall(r"^[^#\s]\S*\.m4s$", text, re.MULTILINE):
            number = int(re.search(r"/(\d+)\.m4s$", name)[1])
            if number in self.segments:
                continue
            status, body = get(connection, self.folder + name)
            if status == 200:
                runs = [fragment.run(self._init.video.id) for fragment in isobmff.parse_fragments(body, self._init)]
                self.terms[number] = name.split("/")[-2]
                self.versions[number] = 2 if isobmff.find(body, "prft") else 1
                self.segments[number] = [sample.size for run in runs if run for sample in run.samples]

    def compared(self) -> tuple[int, int, int]:
        """Pictures that arrived; how many of those sent between the first and the last did not; how many came twice."""
        came = [size for _, segment in sorted(self.segments.items()) for size in segment]
        at, lost, twice = place(came, 0, self.clip, None), 0, 0
        for index, size in enumerate(came):
            if size == self.clip[at % len(self.clip)]:
                at += 1
                continue
            found = place(came, index, self.clip, at)
            lost, twice = lost + max(0, found - at), twice + max(0, at - found)
            at = found + 1
        return len(came), lost, twice


def sizes(tags: list[rtmp_client.Tag]) -> list[int]:
    """Of the clip's pictures in the order in which they are sent; H.264's last tag may say only that it ends."""
    return [len(tag.payload) - 5 for tag in tags
            if tag.kind == rtmp_client.VIDEO and not tag.is_header and tag.payload[1] == 1]


def place(came: list[int], index: int, clip: list[int], near: int | None) -> int:
    """Where in the endlessly repeated clip it goes on: nearest to `near` of all places where so much follows alike."""
    wanted = came[index:index + 12]
    places = [start for start in range(len(clip))
              if all(clip[(start + offset) % len(clip)] == size for offset, size in enumerate(wanted))]
    assert places, f"{wanted} is nowhere in the clip"
    if near is None:
        return places[0]
    turn = near // len(clip) * len(clip)
    return min((each + lap for each in places for lap in (turn - len(clip), turn, turn + len(clip))),
               key=lambda each: abs(each - near))
