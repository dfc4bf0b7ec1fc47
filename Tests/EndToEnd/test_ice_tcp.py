# SPDX-License-Identifier: Apache-2.0
"""ICE over TCP in Chromium, which is told of no address for UDP: a network that lets none through."""

from __future__ import annotations

import time

import webrtc_page
from browser import Browser
from conftest import FULL, seconds
from publishers import Publisher
from server import Server, free_port, wait_until

# Of the answer only what is of TCP is told to the browser.
ONLY_TCP = ("sdp: text", r'sdp: text.replace(/^a=candidate:\S+ \d+ udp .*\r\n/gim, "")')


def way(browser: Browser) -> set[str]:
    """The protocols of the pairs that carry the connection, as the browser says."""
    browser.evaluate("""
        window.__rtc.way = null;
        window.__pc.getStats().then(report => {
            const pairs = [...report.values()].filter(entry => entry.type === "candidate-pair" && entry.nominated);
            window.__rtc.way = pairs.map(pair => report.get(pair.remoteCandidateId).protocol);
        });""")
    wait_until(lambda: webrtc_page.state(browser).get("way") is not None, 10, "getStats", every=0.05)
    return set(webrtc_page.state(browser)["way"])


def test_chromium_plays_and_publishes_over_tcp(binary, figures) -> None:
    """Every frame both ways, over connections alone: the UDP port has sent nothing."""
    with Server(WEBRTC_TCP_PORT=free_port()) as server, Publisher("real-time", server.publish_url("cam")), \
            Browser(flags=webrtc_page.FLAGS) as viewer, Browser(flags=webrtc_page.FLAGS) as camera:
        server.wait_live("cam")
        viewer.open(server.url("/"))
        webrtc_page.start(viewer, webrtc_page.WHEP.replace(*ONLY_TCP), server.url("/live/cam/whep"), ["video", "audio"])
        wait_until(lambda: webrtc_page.state(viewer).get("first"), 20, "the first frame")
        before = webrtc_page.stats(viewer)["inbound-rtp/video"]
        time.sleep(seconds(5, 60))
        after = webrtc_page.stats(viewer)["inbound-rtp/video"]
        # By the browser's own time: how long it takes to say so is this machine's affair, and so are, where others run
        # beside it, pictures that came and are not decoded yet.
        took = (after["timestamp"] - before["timestamp"]) / 1000
        came, shown = (after[name] - before[name] for name in ("framesReceived", "framesDecoded"))
        assert after["packetsLost"] == 0 and came >= 0.95 * 30 * took - 2, (came, shown, took, after)
        assert shown >= (0.95 if FULL else 0.5) * came, (came, shown, took, after)
        assert way(viewer) == {"tcp"}

        camera.open(server.url("/"))
        webrtc_page.start(camera, webrtc_page.WHIP.replace(*ONLY_TCP), server.url("/live/camera/whip"), "H264")
        server.wait_live("camera")
        sent = webrtc_page.stats(camera)["outbound-rtp/video"]["framesSent"]
        wait_until(lambda: webrtc_page.stats(camera)["outbound-rtp/video"]["framesSent"] > sent + seconds(10, 300), 60,
                   "the browser to send")
        assert way(camera) == {"tcp"}
        # A browser opens one for each pair of addresses, and nominates one of them.
        assert server.metrics()['millrace_connections{listener="webrtc"}'] >= 2
        assert server.metrics().get('millrace_datagrams_sent_total{port="webrtc"}', 0) == 0
        figures(name="WHEP over TCP in Chromium", first=webrtc_page.state(viewer)["first"] / 1000, frames=shown / took)


def test_no_candidate_of_tcp_where_it_is_off(server: Server) -> None:
    """It is off unless told otherwise."""
    with Publisher("real-time", server.publish_url("off")), Browser(flags=webrtc_page.FLAGS) as browser:
        server.wait_live("off")
        browser.open(server.url("/"))
        webrtc_page.start(browser, webrtc_page.WHEP, server.url("/live/off/whep"), ["video"])
        wait_until(lambda: webrtc_page.state(browser).get("first"), 20, "the first frame")
        answer = browser.evaluate("return window.__pc.remoteDescription.sdp")
        assert " udp " in answer and " tcp " not in answer.lower(), answer
