# SPDX-License-Identifier: Apache-2.0
"""Proof 5: five hundred viewers blocked on one part are one rendering."""

from __future__ import annotations

import dataclasses
import selectors
import socket
import time

from browser import percentile
from conftest import seconds
from lint.findings import Report
from lint.playlist import parse
from publishers import Publisher
from server import Server

VIEWERS = 500
RENDERINGS = "millrace_hls_playlist_renderings_total"


@dataclasses.dataclass
class Viewer:
    """One connection with one request under way."""

    socket: socket.socket
    answer: bytes = b""
    first_byte: float = 0

    @property
    def is_whole(self) -> bool:
        head, separator, body = self.answer.partition(b"\r\n\r\n")
        return bool(separator) and len(body) >= content_length(head)

    @property
    def status(self) -> int:
        return int(self.answer.split(b" ", 2)[1])

    @property
    def body(self) -> bytes:
        return self.answer.partition(b"\r\n\r\n")[2]


def content_length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next(int(value) for name, _, value in lines if name == b"content-length")


def block(port: int, target: str, count: int) -> list[Viewer]:
    """Opens the connections and sends one request on each; returns when all are sent."""
    request = f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    viewers = [Viewer(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
    for viewer in viewers:
        viewer.socket.sendall(request)
    return viewers


def collect(viewers: list[Viewer], timeout: float) -> None:
    """Reads every answer in one loop, cheap enough not to measure itself."""
    end = time.monotonic() + timeout
    with selectors.EpollSelector() as selector:
        for viewer in viewers:
            viewer.socket.setblocking(False)
            selector.register(viewer.socket, selectors.EVENT_READ, viewer)
        open_viewers = len(viewers)
        while open_viewers and time.monotonic() < end:
            for key, _ in selector.select(0.5):
                viewer: Viewer = key.data
                piece = viewer.socket.recv(1 << 18)
                viewer.first_byte = viewer.first_byte or time.monotonic()
                viewer.answer += piece
                if not piece or viewer.is_whole:
                    selector.unregister(viewer.socket)
                    viewer.socket.close()
                    open_viewers -= 1


def test_five_hundred_on_one_part(binary: str, figures) -> None:
    """All are answered alike, p99 within 50 ms of the first, and nothing is rendered twice."""
    # All five hundred come from one address at once, far above what one viewer's address may open by default.
    with Server() as server:
        with Publisher("low-latency", server.publish_url("crowd")):
            server.wait_live("crowd")
            media = "/live/crowd/main/media.m3u8"
            for _ in range(int(seconds(2, 20))):
                # The first part of the segment after the open one: by then every request stands.
                msn, _ = parse(server.get(media)[1], Report()).next_part()
                before = server.metric(RENDERINGS)
                viewers = block(server.http, f"{media}?_HLS_msn={msn + 1}&_HLS_part=0", VIEWERS)
                collect(viewers, 12)
                renderings = server.metric(RENDERINGS) - before
                check(viewers, renderings, figures)


def check(viewers: list[Viewer], renderings: float, figures) -> None:
    """The birth of the part is the first byte that any viewer gets of it."""
    assert all(viewer.answer for viewer in viewers), sum(not viewer.answer for viewer in viewers)
    assert {viewer.status for viewer in viewers} == {200}
    assert len({viewer.body for viewer in viewers}) == 1
    birth = min(viewer.first_byte for viewer in viewers)
    spread = [1000 * (viewer.first_byte - birth) for viewer in viewers]
    figures(kind="blocking", viewers=len(viewers), p50=percentile(spread, 0.5), p99=percentile(spread, 0.99),
            worst=max(spread), renderings=renderings)
    assert renderings == 1, f"{renderings} renderings for {len(viewers)} viewers"
    assert percentile(spread, 0.99) <= 50, f"p99 {percentile(spread, 0.99):.1f} ms"
