# SPDX-License-Identifier: Apache-2.0
"""Publishes a file of Annex B, as an MPEG transport stream is, by WHIP with aiortc, again and again until it is ended:
`whip_publish.py URL FILE`. Nothing is encoded; how the session goes is said line by line."""

from __future__ import annotations

import asyncio
import signal
import sys

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer

from whep_play import call


async def publish(url: str, path: str) -> None:
    connection = RTCPeerConnection()
    player = MediaPlayer(path, format="mpegts", decode=False, loop=True)
    for track in (player.audio, player.video):
        if track:
            connection.addTrack(track)

    @connection.on("connectionstatechange")
    def on_state() -> None:
        print(connection.connectionState, flush=True)

    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await connection.setLocalDescription(await connection.createOffer())
    status, headers, text = await asyncio.to_thread(
        call, "POST", url, connection.localDescription.sdp.encode(), Content_Type="application/sdp")
    print(status, text if status != 201 else "", flush=True)
    if status == 201:
        await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
        await over.wait()
        await asyncio.to_thread(call, "DELETE", headers["location"])
    await connection.close()


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], sys.argv[2]))
