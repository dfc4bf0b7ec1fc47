# SPDX-License-Identifier: Apache-2.0
"""Plays a stream by WHEP with aiortc and says as JSON what came: `whep_play.py URL SECONDS [--audio] [--no-delete]
[--relay]`; the last by a TURN server only, which the node names."""

from __future__ import annotations

import argparse
import array
import asyncio
import json
import re
import time
import urllib.error
import urllib.request

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection, RTCSessionDescription


def call(method: str, url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict, str]:
    """One HTTP exchange; header names come back in lower case."""
    request = urllib.request.Request(url, method=method, data=body,
                                     headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
    except urllib.error.HTTPError as failure:
        return failure.code, {k.lower(): v for k, v in failure.headers.items()}, failure.read().decode()


async def consume(track, begun: float, figures: dict) -> None:
    """Decodes a track and notes when its frames came."""
    key = track.kind
    while True:
        try:
            frame = await track.recv()
        except Exception:  # noqa: BLE001: the track has ended
            return
        now = time.monotonic()
        entry = figures.setdefault(key, {"first": now - begun, "frames": 0, "gap": 0.0, "last": now})
        entry["frames"] += 1
        (see if key == "video" else hear)(frame, entry, now)
        entry["gap"] = max(entry["gap"], now - entry["last"])
        entry["last"] = now
        if key == "video":
            entry["size"] = [frame.width, frame.height]


def see(frame, entry: dict, now: float) -> None:
    """Notes when pictures turn from dark to bright."""
    brightness = memoryview(frame.planes[0])[::997]
    note_onset(entry, sum(brightness) / len(brightness) > 128, now)


def hear(frame, entry: dict, now: float) -> None:
    """Notes when sound begins behind silence, and keeps the last two seconds of the left channel for `tone`."""
    samples = array.array("h", bytes(frame.planes[0])[:frame.samples * 4])[::2]
    kept = entry.setdefault("samples", array.array("h"))
    kept.extend(samples)
    del kept[:-2 * frame.sample_rate]
    entry["rate"] = frame.sample_rate
    loud = next((index for index, sample in enumerate(samples) if abs(sample) > 3000), None)
    note_onset(entry, loud is not None, now + (loud or 0) / frame.sample_rate)


def note_onset(entry: dict, is_on: bool, at: float) -> None:
    # A tone passes through zero; what is over for a tenth of a second is over.
    if is_on and at - entry.get("on", at - 1) > 0.1:
        entry.setdefault("onsets", []).append(at)
    if is_on:
        entry["on"] = at


def tone(entry: dict) -> float:
    """The frequency of what was last heard, by its passages through zero; 0 for silence."""
    samples = entry.pop("samples", [])
    if not samples or max(map(abs, samples)) < 500:
        return 0
    rises = [index for index in range(1, len(samples)) if samples[index - 1] < 0 <= samples[index]]
    return (len(rises) - 1) * entry["rate"] / (rises[-1] - rises[0]) if len(rises) > 1 else 0


def turn_server(link: str) -> RTCIceServer:
    """The server that a `Link` field names (RFC 9725 §4.6)."""
    words = dict(re.findall(r';\s*([\w-]+)="([^"]*)"', link))
    assert words["rel"] == "ice-server" and words["credential-type"] == "password", link
    return RTCIceServer(re.match("<([^>]*)>", link)[1], words["username"], words["credential"])


async def introduce(url: str) -> RTCConfiguration:
    """What a client goes by that may send to nobody but the TURN server: it asks once to be told of it."""
    connection = RTCPeerConnection(RTCConfiguration([]))
    connection.addTransceiver("video", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    status, headers, text = await asyncio.to_thread(
        call, "POST", url, connection.localDescription.sdp.encode(), Content_Type="application/sdp")
    await connection.close()
    assert status == 201, (status, text)
    await asyncio.to_thread(call, "DELETE", headers["location"])
    return RTCConfiguration([turn_server(headers["link"])], iceTransportPolicy=RTCIceTransportPolicy.RELAY)


async def play(url: str, seconds: float, audio: bool, delete: bool, relay: bool) -> dict:
    connection = RTCPeerConnection(await introduce(url) if relay else None)
    connection.addTransceiver("video", direction="recvonly")
    if audio:
        connection.addTransceiver("audio", direction="recvonly")
    figures: dict = {}
    tasks: list[asyncio.Task] = []
    begun = time.monotonic()

    @connection.on("track")
    def on_track(track) -> None:
        tasks.append(asyncio.ensure_future(consume(track, begun, figures)))

    @connection.on("connectionstatechange")
    def on_state() -> None:
        figures.setdefault("states", []).append([connection.connectionState, round(time.monotonic() - begun, 3)])

    await connection.setLocalDescription(await connection.createOffer())
    begun = time.monotonic()
    status, headers, text = await asyncio.to_thread(
        call, "POST", url, connection.localDescription.sdp.encode(), Content_Type="application/sdp")
    if status != 201:
        await connection.close()
        return {"status": status, "text": text, "headers": headers}
    candidates = connection.localDescription.sdp.splitlines()
    figures["candidates"] = [line for line in candidates if line.startswith("a=candidate")]
    figures |= {"status": status, "note": headers.get("x-millrace-note", ""), "location": headers["location"], "posted": time.monotonic() - begun}
    await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
    await asyncio.sleep(seconds)
    figures["lost"] = {}
    for receiver in connection.getReceivers():
        for stats in (await receiver.getStats()).values():
            if stats.type == "inbound-rtp":
                figures["lost"][stats.kind] = stats.packetsLost
                figures.setdefault("packets", {})[stats.kind] = stats.packetsReceived
    for entry in (figures.get("video"), figures.get("audio")):
        if entry:
            entry["played"] = entry["last"] - begun - entry["first"]
    if delete:
        figures["deleted"] = (await asyncio.to_thread(call, "DELETE", headers["location"]))[0]
    await connection.close()
    for task in tasks:
        task.cancel()
    if "audio" in figures:
        figures["audio"]["tone"] = tone(figures["audio"])
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--audio", action="store_true")
    parser.add_argument("--no-delete", action="store_true")
    parser.add_argument("--relay", action="store_true")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(play(
        given.url, given.seconds, given.audio, not given.no_delete, given.relay))))
