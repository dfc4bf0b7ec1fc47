# SPDX-License-Identifier: Apache-2.0
"""Who publishes by WHIP and who watches by WHEP, each with each: at least 95 % of the pictures, nothing lost. `make test` has
those pairs that no other test has; `make prove rtp` all of them."""

from __future__ import annotations

import contextlib
import time

import pytest

import webrtc_page
from browser import Browser
from conftest import FULL, seconds
from server import Server, wait_until
from test_pion import pion_whep, pion_whip, tracks  # noqa: F401: a fixture
from test_simulcast import LAYERS
from test_webrtc import aiortc_whip, codecs, ffmpeg_whip, play

# The clip that is not encoded anew has so many pictures a second; how many a browser makes is this machine's affair.
CLIP_RATE = 30


@contextlib.contextmanager
def chromium(server: Server, name: str, codec: str, layers: list[dict] | None = None):
    """A browser publishing its camera and microphone; gives what counts the pictures it has sent of the largest layer."""
    with Browser(flags=webrtc_page.FLAGS) as browser:
        browser.open(server.url("/"))
        webrtc_page.start(browser, webrtc_page.WHIP, server.url(f"/live/{name}/whip"), codec, layers)
        key = "outbound-rtp/video" + (f"/{layers[0]['rid']}" if layers else "")

        def count() -> tuple[float, float]:
            sent = webrtc_page.stats(browser)[key]
            return sent["timestamp"] / 1000, sent["framesSent"]
        yield count


@contextlib.contextmanager
def clip(publisher):
    """A program publishing the clip, from its own manager."""
    with publisher:
        yield lambda: (time.monotonic(), CLIP_RATE * time.monotonic())


PUBLISHERS = {
    "aiortc": ("h264", lambda server, name, tracks: clip(aiortc_whip(server, name))),
    "ffmpeg 9, passive": ("h264", lambda server, name, tracks: clip(ffmpeg_whip(server, name))),
    "ffmpeg 9, active": ("h264", lambda server, name, tracks: clip(
        ffmpeg_whip(server, name, "-whip_flags", "dtls_active"))),
    "pion": ("h264", lambda server, name, tracks: clip(pion_whip(server, name, tracks, 600))),
    "Chromium H.264": ("h264", lambda server, name, tracks: chromium(server, name, "H264")),
    "Chromium VP8": ("vp8", lambda server, name, tracks: chromium(server, name, "VP8")),
    "Chromium AV1": ("av1", lambda server, name, tracks: chromium(server, name, "AV1")),
    "Chromium simulcast": ("h264", lambda server, name, tracks: chromium(server, name, "H264", LAYERS)),
}


def in_aiortc(server: Server, name: str, length: float) -> dict:
    played = play(server, name, length, "--audio")
    assert played.get("status") == 201 and "video" in played and "audio" in played, played
    return played["video"] | {"lost": sum(played["lost"].values())}


def in_pion(server: Server, name: str, length: float) -> dict:
    watched = pion_whep(server, name, length)
    assert set(watched) == {"video", "audio"}, watched
    return watched["video"] | {"frames": watched["video"]["units"], "lost": sum(track["lost"] for track in watched.values())}


def in_chromium(server: Server, name: str, length: float) -> dict:
    with Browser(flags=webrtc_page.FLAGS) as viewer:
        viewer.open(server.url("/"))
        webrtc_page.start(viewer, webrtc_page.WHEP, server.url(f"/live/{name}/whep"), ["video", "audio"])
        wait_until(lambda: webrtc_page.state(viewer).get("first"), 20, "the first frame")
        before = webrtc_page.stats(viewer)["inbound-rtp/video"]
        time.sleep(length)
        stats = webrtc_page.stats(viewer)
        after = stats["inbound-rtp/video"]
        return {"first": webrtc_page.state(viewer)["first"] / 1000,
                "frames": after["framesDecoded"] - before["framesDecoded"],
                "played": (after["timestamp"] - before["timestamp"]) / 1000,
                "lost": sum(stats[f"inbound-rtp/{kind}"]["packetsLost"] for kind in ("video", "audio"))}


VIEWERS = {"aiortc": in_aiortc, "Chromium": in_chromium, "pion": in_pion}
# aiortc has no AV1.
PAIRS = ({name: [viewer for viewer in VIEWERS if (name, viewer) != ("Chromium AV1", "aiortc")] for name in PUBLISHERS}
         if FULL else {"pion": ["Chromium"], "Chromium VP8": ["pion"]})


@pytest.mark.parametrize("publisher", PAIRS)
def test_each_with_each(server: Server, tracks, publisher: str, figures) -> None:  # noqa: F811
    codec, begin = PUBLISHERS[publisher]
    name = "".join(letter for letter in publisher.lower() if letter.isalnum())
    wrong = []
    with begin(server, name, tracks) as count:
        server.wait_live(name)
        assert codecs(server, name) == {codec, "opus"}
        for viewer in PAIRS[publisher]:
            began, sent = count()
            seen = VIEWERS[viewer](server, name, seconds(4, 30))
            ended, sent_now = count()
            expected = (sent_now - sent) / (ended - began) * seen["played"]
            figures(kind="interop", publisher=publisher, viewer=viewer, first=seen["first"], frames=seen["frames"],
                    expected=expected, lost=seen["lost"])
            # How many a browser made while it was watched is known to a few of them.
            if seen["frames"] < 0.95 * expected - 3 or seen["frames"] < 20 or seen["lost"] or seen["first"] >= 2:
                wrong.append((viewer, expected, seen))
    assert not wrong, wrong
