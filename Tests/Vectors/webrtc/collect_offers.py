#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the offers of the clients that are installed here, as they send them, into this folder.

    collect_offers.py [aiortc] [chromium] [ffmpeg=/path/to/ffmpeg]

Needs aiohttp; aiortc for aiortc; selenium, chromium and chromedriver for chromium. The addresses within are replaced by
those of RFC 5737 and RFC 3849, so that the files say nothing about the machine.
"""

import asyncio
import re
import sys
from pathlib import Path

from aiohttp import web

HERE = Path(__file__).resolve().parent
PORT = 18941

PAGE = """<!doctype html><script>
async function offer(name, build) {
  const peer = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  await build(peer);
  await peer.setLocalDescription();
  if (peer.iceGatheringState != "complete") {
    await new Promise(done => {
      peer.onicegatheringstatechange = () => { if (peer.iceGatheringState == "complete") done(); };
      setTimeout(done, 2000);
    });
  }
  await fetch("/" + name, {method: "POST", headers: {"Content-Type": "application/sdp"},
    body: peer.localDescription.sdp});
  peer.close();
}
const layers = [{rid: "h"}, {rid: "m", scaleResolutionDownBy: 2}, {rid: "l", scaleResolutionDownBy: 4}];
async function run() {
  const camera = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  const send = {direction: "sendonly", streams: [camera]};
  await offer("chromium-publish", peer => {
    peer.addTransceiver(camera.getAudioTracks()[0], send);
    peer.addTransceiver(camera.getVideoTracks()[0], send);
  });
  await offer("chromium-simulcast", peer => {
    peer.addTransceiver(camera.getAudioTracks()[0], send);
    peer.addTransceiver(camera.getVideoTracks()[0], {...send, sendEncodings: layers});
  });
  await offer("chromium-view", peer => {
    peer.addTransceiver("audio", {direction: "recvonly"});
    peer.addTransceiver("video", {direction: "recvonly"});
  });
  document.title = "done";
}
run().catch(error => { document.title = "failed: " + error; });
</script>"""


def save(name, text):
    """The text with its line ends, its addresses replaced."""
    names = {}

    def v4(found):
        address = found[0]
        if address in ("0.0.0.0", "127.0.0.1"):
            return address
        return names.setdefault(address, f"192.0.2.{len(names) + 1}")

    def v6(found):
        return names.setdefault(found[0], f"2001:db8::{len(names) + 1:x}")

    def line(found):
        text = re.sub(r"\b\d+\.\d+\.\d+\.\d+\b", v4, found[0])
        return re.sub(r"(?<= )[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?= )", v6, text)

    text = re.sub(r"^(?:a=candidate|c=|o=|a=rtcp:).*$", line, text, flags=re.M)
    (HERE / f"{name}.sdp").write_bytes(text.encode())
    print(name, len(text), "bytes")


async def serve():
    async def post(request):
        save(request.match_info["name"], (await request.read()).decode())
        return web.Response(status=400, text="only collecting")

    async def page(_):
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/page", page), web.post("/{name}", post)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", PORT).start()
    return runner


async def ffmpeg(program):
    for name, flags in (("ffmpeg-publish", []), ("ffmpeg-publish-active", ["-whip_flags", "dtls_active"])):
        process = await asyncio.create_subprocess_exec(
            program, "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=3",
            "-f", "lavfi", "-i", "sine=440:r=48000:d=3", "-c:v", "libx264", "-profile:v", "baseline", "-pix_fmt", "yuv420p",
            "-g", "30", "-c:a", "libopus", "-ac", "2", *flags, "-f", "whip", f"http://127.0.0.1:{PORT}/{name}",
            stderr=asyncio.subprocess.DEVNULL)
        await asyncio.wait_for(process.wait(), 30)


async def aiortc():
    from aiortc import RTCPeerConnection
    from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

    for name, direction in (("aiortc-publish", "sendonly"), ("aiortc-view", "recvonly")):
        peer = RTCPeerConnection()
        if direction == "sendonly":
            peer.addTransceiver(VideoStreamTrack(), direction)
            peer.addTransceiver(AudioStreamTrack(), direction)
        else:
            peer.addTransceiver("video", direction)
            peer.addTransceiver("audio", direction)
        await peer.setLocalDescription(await peer.createOffer())
        save(name, peer.localDescription.sdp)
        await peer.close()


async def chromium():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--use-fake-device-for-media-stream", "--disable-gpu",
                 "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
                 "--disable-features=WebRtcHideLocalIpsWithMdns"):
        options.add_argument(flag)

    def drive():
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            driver.get(f"http://127.0.0.1:{PORT}/page")
            for _ in range(200):
                if driver.title:
                    break
                driver.execute_async_script("setTimeout(arguments[0], 100)")
            print("chromium", driver.title)
        finally:
            driver.quit()

    await asyncio.to_thread(drive)


async def main(arguments):
    runner = await serve()
    for argument in arguments:
        name, _, value = argument.partition("=")
        await {"aiortc": aiortc, "chromium": chromium, "ffmpeg": lambda: ffmpeg(value or "ffmpeg")}[name]()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
