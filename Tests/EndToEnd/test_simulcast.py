# SPDX-License-Identifier: Apache-2.0
"""Simulcast from Chromium: variants in LL-HLS, and a layer at a time by WHEP in aiortc and Chromium."""

from __future__ import annotations

import re
import time

import pytest

import clips
import webrtc_page
from browser import Browser, Watching, moved
from conftest import seconds
from server import Server, wait_until
from test_webrtc import play

LAYERS = [{"rid": "h", "maxBitrate": 1_200_000},
          {"rid": "m", "scaleResolutionDownBy": 2, "maxBitrate": 500_000},
          {"rid": "l", "scaleResolutionDownBy": 4, "maxBitrate": 150_000}]
SIZES = {"1280x720": "main", "640x360": "m", "320x180": "l"}


def variants(server: Server, name: str) -> dict[str, str]:
    """The renditions of the multivariant playlist by their sizes; empty before there is one."""
    status, text = server.get(f"/live/{name}/index.m3u8")
    if status != 200:
        return {}
    return dict(re.findall(r"RESOLUTION=(\d+x\d+).*\n(\S+)/media.m3u8", text.decode()))


def shows(viewer: Browser, width: int, height: int) -> None:
    """Waits until the viewer's picture has a size."""
    wait_until(lambda: webrtc_page.state(viewer).get("size") == [width, height], 20,
               f"{width}x{height}, not {webrtc_page.state(viewer).get('size')}")


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_chromium_publishes_layers(binary, codec: str, figures) -> None:
    name = f"layers-{codec.lower()}"
    with Server(PAGE_HLS_JS=clips.hls_js()) as server, Browser(flags=webrtc_page.FLAGS) as publisher, \
            Browser(flags=webrtc_page.FLAGS) as viewer:
        publisher.open(server.url("/"))
        webrtc_page.start(publisher, webrtc_page.WHIP, server.url(f"/live/{name}/whip"), codec, LAYERS)
        wait_until(lambda: variants(server, name) == SIZES, 60, f"three variants, not {variants(server, name)}")
        assert server.metrics().get("millrace_webrtc_publisher_layers") == 3

        # aiortc, which reports REMB, gets the largest.
        played = play(server, name, seconds(4, 30), "--audio")
        assert played["video"]["size"] == [1280, 720] and played["video"]["frames"] > 40, played
        assert played["lost"] == {"video": 0, "audio": 0}, played

        viewer.open(server.url("/"))
        webrtc_page.start(viewer, webrtc_page.WHEP, server.url(f"/live/{name}/whep"), ["video", "audio"])
        shows(viewer, 1280, 720)
        for layer, size in (("l", (320, 180)), ("m", (640, 360)), (None, (1280, 720))):
            begun = time.monotonic()
            webrtc_page.start(viewer, webrtc_page.ASK_LAYER, layer)
            shows(viewer, *size)
            figures(name=f"{codec}: to layer {layer}", seconds=time.monotonic() - begun)
        assert webrtc_page.state(viewer)["asked"] == 200

        # The browser stops the largest layer: viewers go on with the next, also of LL-HLS, and come back with it.
        webrtc_page.start(publisher, webrtc_page.SEND_LAYER, "h", False)
        shows(viewer, 640, 360)
        wait_until(lambda: "1280x720" not in variants(server, name), 20, "the variant to be gone")
        webrtc_page.start(publisher, webrtc_page.SEND_LAYER, "h", True)
        wait_until(lambda: "1280x720" in variants(server, name), 30, "the variant to be back")
        shows(viewer, 1280, 720)
        stats = webrtc_page.stats(viewer)["inbound-rtp/video"]
        assert stats["packetsLost"] == 0 and stats["freezeCount"] <= 6, stats
        assert "EXT-X-DISCONTINUITY\n" not in server.get(f"/live/{name}/l/media.m3u8")[1].decode()


def test_chromium_publishes_layers_where_not_all_nodes_write_them(binary) -> None:
    """One rendition, the largest layer; what is left out is counted."""
    with Server(CLUSTER_PACKAGING=2) as server, Browser(flags=webrtc_page.FLAGS) as publisher:
        publisher.open(server.url("/"))
        webrtc_page.start(publisher, webrtc_page.WHIP, server.url("/live/folded/whip"), "H264", LAYERS)
        wait_until(lambda: variants(server, "folded") == {"1280x720": "main"}, 60,
                   f"the largest alone, not {variants(server, 'folded')}")
        refused = server.metrics().get('millrace_feed_mendings_total{kind="unit_of_refused_layer"}', 0)
        wait_until(lambda: server.metrics()['millrace_feed_mendings_total{kind="unit_of_refused_layer"}'] > refused + 50, 20,
                   "what is left out to be counted")


def test_a_player_of_hls_goes_on_where_a_layer_stops(binary, figures) -> None:
    """hls.js plays the largest variant while the browser stops to send it, and goes on with another."""
    with Server(PAGE_HLS_JS=clips.hls_js()) as server, Browser(flags=webrtc_page.FLAGS) as publisher, \
            Browser(flags=webrtc_page.FLAGS) as viewer:
        publisher.open(server.url("/"))
        webrtc_page.start(publisher, webrtc_page.WHIP, server.url("/live/gone/whip"), "H264", LAYERS)
        wait_until(lambda: variants(server, "gone") == SIZES, 60, "three variants")
        watching = Watching(viewer, server.url("/watch/live/gone")).start()
        assert watching.stats()["engine"] == "hls.js"
        webrtc_page.start(publisher, webrtc_page.SEND_LAYER, "h", False)
        samples = watching.sample(seconds(12, 60))
        figures(name="hls.js where a layer stops", moved=moved(samples))
        assert moved(samples) > 0.75, samples
        assert watching.sample(4)[-1]["currentTime"] > samples[-1]["currentTime"] + 2


def test_the_page_has_a_menu_of_layers(binary, figures) -> None:
    """A viewer by WebRTC chooses a layer on the page, and again what its line carries."""
    with Server() as server, Browser(flags=webrtc_page.FLAGS) as publisher, \
            Browser(flags=webrtc_page.FLAGS) as viewer:
        publisher.open(server.url("/"))
        webrtc_page.start(publisher, webrtc_page.WHIP, server.url("/live/menu/whip"), "VP8", LAYERS)
        wait_until(lambda: variants(server, "menu") == SIZES, 60, f"three variants, not {variants(server, 'menu')}")
        watching = Watching(viewer, server.url("/watch/live/menu?engine=webrtc")).start(30)

        def menu() -> list[str]:
            return viewer.evaluate("""const menu = document.getElementById("quality");
                return menu.hidden ? [] : [...menu.options].map(option => option.label);""")
        wait_until(lambda: menu() == ["Auto", "720p", "360p", "180p"], 20, f"the menu, not {menu()}")
        for label, height in (("180p", 180), ("360p", 360), ("Auto", 720)):
            begun = time.monotonic()
            viewer.evaluate(f"""const menu = document.getElementById("quality");
                menu.value = [...menu.options].find(option => option.label === "{label}").value;
                menu.dispatchEvent(new Event("change"));""")
            wait_until(lambda: watching.stats().get("height") == height, 20,
                       f"{height} lines, not {watching.stats().get('height')}")
            figures(name=f"the page: to {label}", seconds=time.monotonic() - begun)
        # A layer that the publisher stops leaves the menu, and comes back into it.
        webrtc_page.start(publisher, webrtc_page.SEND_LAYER, "h", False)
        wait_until(lambda: menu() == ["Auto", "360p", "180p"], 30, f"a shorter menu, not {menu()}")
        wait_until(lambda: watching.stats().get("height") == 360, 20, "the next layer")
