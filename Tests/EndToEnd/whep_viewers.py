# SPDX-License-Identifier: Apache-2.0
"""Viewers by WHEP that go on whatever happens, as our page does: `whep_viewers.py URL COUNT [PATIENCE]`. A viewer that gets
no picture for a second, or so many, asks at URL again, and says from which node it hears nothing. They end with standard
input.

Lines of JSON say what they felt: `["session", viewer, at, host]`, `["picture", viewer, at]` of the first picture of a
session, and `["gap", viewer, begun, seconds]` for every time of more than a quarter of a second without one; twice a second
`["last", viewer, at]` of the newest picture of each. Times are those of CLOCK_MONOTONIC. At the end `["packets", count,
repeated, backwards]` says of all RTP packets how many bore a number that their source had borne before, and how many a time
before that of an earlier number.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

PAUSE = 0.25
NOTABLE = 0.25


class Following(urllib.request.HTTPRedirectHandler):
    """POST goes on as POST."""

    def redirect_request(self, request, body, code, message, headers, url):  # noqa: ANN001, ANN201
        return urllib.request.Request(url, data=request.data, headers=request.headers, method=request.method)

    http_error_307 = urllib.request.HTTPRedirectHandler.http_error_302


def post(url: str, offer: str) -> tuple[str, str]:
    """The session's URL and the answer."""
    opener = urllib.request.build_opener(Following, urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=offer.encode(), headers={"Content-Type": "application/sdp"}, method="POST")
    with opener.open(request, timeout=2) as answer:
        return answer.headers["Location"], answer.read().decode()


class Viewer:
    def __init__(self, url: str, number: int, patience: float) -> None:
        self.url, self.number, self.patience, self.host, self.last = url, number, patience, "", None

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, ValueError):
                await self._session()
            await asyncio.sleep(PAUSE)

    async def _session(self) -> None:
        # Without the servers of STUN that are its default, for whose answers it waits five seconds.
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("video", direction="recvonly")
        seen = asyncio.Event()
        connection.on("track", lambda track: asyncio.ensure_future(self._watch(track, seen)))
        try:
            await connection.setLocalDescription(await connection.createOffer())
            query = f"?avoid={urllib.parse.quote(self.host)}" if self.host else ""
            location, answer = await asyncio.to_thread(post, self.url + query, connection.localDescription.sdp)
            self.host = urllib.parse.urlsplit(location).netloc
            say("session", self.number, time.monotonic(), self.host)
            await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            while True:
                await asyncio.wait_for(seen.wait(), self.patience)
                seen.clear()
        except (TimeoutError, asyncio.TimeoutError):
            pass
        finally:
            asyncio.ensure_future(connection.close())

    async def _watch(self, track, seen: asyncio.Event) -> None:
        is_first = True
        with contextlib.suppress(Exception):
            while True:
                await track.recv()
                now = time.monotonic()
                if is_first:
                    say("picture", self.number, now)
                if self.last and now - self.last > NOTABLE:
                    say("gap", self.number, self.last, now - self.last)
                is_first, self.last = False, now
                seen.set()


class PacketBook:
    """Holds every packet's number and time against those before it from the same source."""

    def __init__(self) -> None:
        self.count = self.repeated = self.backwards = 0
        self._sources: dict[int, tuple[int, int, set[int]]] = {}
        taken = RTCRtpReceiver._handle_rtp_packet

        async def take(receiver, packet, *rest, **named):  # noqa: ANN001, ANN202
            self._note(packet.ssrc, packet.sequence_number, packet.timestamp)
            return await taken(receiver, packet, *rest, **named)
        RTCRtpReceiver._handle_rtp_packet = take

    def _note(self, source: int, number: int, timestamp: int) -> None:
        newest, latest, seen = self._sources.get(source, (number - 1, timestamp, set()))
        number = newest + (number - newest + 0x8000) % 0x10000 - 0x8000
        self.count += 1
        self.repeated += number in seen
        seen.add(number)
        if number > newest:
            self.backwards += (timestamp - latest) % 0x1_0000_0000 >= 0x8000_0000
            newest, latest = number, timestamp
        self._sources[source] = newest, latest, seen


def say(*values: object) -> None:
    print(json.dumps(values), flush=True)


async def tell(viewers: list[Viewer]) -> None:
    """What each saw last, so that somebody who sees nothing more is told of as well."""
    while True:
        for viewer in viewers:
            if viewer.last:
                say("last", viewer.number, viewer.last)
        await asyncio.sleep(0.5)


async def main(url: str, count: int, patience: float) -> None:
    book = PacketBook()
    viewers = [Viewer(url, number, patience) for number in range(count)]
    tasks = [asyncio.ensure_future(each) for each in [*(viewer.run() for viewer in viewers), tell(viewers)]]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    say("packets", book.count, book.repeated, book.backwards)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 1.0))
