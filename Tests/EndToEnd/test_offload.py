# SPDX-License-Identifier: Apache-2.0
"""nginx as a CDN before a node: what it saves the node, and how viewers are led there and back."""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request

from cdn import SECRET, Cdn, Crowd, hit_ratio, upstream_requests
from clips import FULL
from conftest import seconds
from publishers import Publisher
from server import Server, wait_until
from stores import Listing, low_port

VIEWERS = 1000 if FULL else 160


def test_a_crowd_costs_the_node_one_request_a_url(binary, figures) -> None:
    """Blocking requests for the same part wait at the CDN, and one of them at the node."""
    port = low_port()
    # Parts of a second: who counts is one process, and is not to be what is measured.
    with Server(CDN_URL=f"http://127.0.0.1:{port}", CDN_OFFLOAD="never", HLS_PART="1s") as server, \
            Cdn(server.url(""), port) as cdn, Publisher("default", server.publish_url("crowd")):
        server.wait_live("crowd")
        before = server.metrics()
        crowd = Crowd(f"{cdn.url}/live/crowd/main/media.m3u8", VIEWERS).run(seconds(16, 60))
        after = server.metrics()
        asked = cdn.asked()
    counts = upstream_requests(asked)
    segments, ratio = hit_ratio(asked)
    blocking = sum("_HLS_msn=" in each.uri for each in asked)
    served = sum(after[name] - before.get(name, 0) for name in after
                 if name.startswith("millrace_hls_decisions_total") and '"segment"' in name)
    figures(kind="crowd", viewers=VIEWERS, requests=len(asked), blocking=blocking, urls=len(counts),
            most=max(counts.values()), segments=segments, ratio=ratio, served=served, seconds=seconds(16, 60))
    assert not crowd.complaints, crowd.complaints.most_common(5)
    assert blocking > VIEWERS * 5 and segments > VIEWERS * 3, (blocking, segments)
    assert max(counts.values()) == 1, [each for each in counts.items() if each[1] > 1][:5]
    assert ratio >= 0.99, ratio


def test_segments_go_to_the_cdn_and_back(binary, figures) -> None:
    """By the number of viewers; what was listed keeps its URL, and the CDN lets in only who bears what the playlist says."""
    port = low_port()
    settings = {"CDN_URL": f"http://127.0.0.1:{port}", "CDN_VIEWERS": 2, "CDN_CALM": "1s", "CDN_SIGNER": "secure_link",
                "CDN_KEY": SECRET}
    with Server(**settings) as server, Cdn(server.url(""), port, signed=True), \
            Publisher("default", server.publish_url("show")):
        server.wait_live("show")
        reader = Uris(server)
        reader.read(lambda: bool(reader.uris), 10, "a segment")
        assert not any(reader.is_offloaded(number) for number in reader.uris)
        begun = time.monotonic()
        # One more viewer than this one.
        reader.read(lambda: reader.is_offloaded(max(reader.uris)), 20, "segments of the CDN",
                    lambda: ask(server.url("/live/show/main/media.m3u8"), "other"))
        there = time.monotonic() - begun
        url = reader.uris[max(reader.uris)]
        own = server.url("/live/show/" + url.partition("/live/show/")[2])
        assert fetch(url) == (200, fetch(own)[1])
        grant, _, name = url.partition("/live/show/")
        assert fetch(f"{grant}/live/other/{name}")[0] == 403, "the grant opens another stream"
        assert fetch(f"{grant[:-1]}{(int(grant[-1]) + 1) % 10}/live/show/{name}")[0] == 403, "the grant can be prolonged"
        assert fetch(f"http://127.0.0.1:{port}/live/show/{name}")[0] == 403, "the CDN is open"
        begun = time.monotonic()
        # The other is forgotten fifteen seconds after it last asked.
        reader.read(lambda: not reader.is_offloaded(max(reader.uris)), 60, "segments of the edge")
        back = time.monotonic() - begun
        switches = server.metric("millrace_cdn_switches_total")
        figures(kind="offload", there=there, back=back, segments=len(reader.uris), switches=switches,
                offloaded=sum(reader.is_offloaded(number) for number in reader.uris))
        assert switches == 2
        assert SECRET not in server.log()


class Uris:
    """What a stream's playlist calls its segments, by number: never anything else than before."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.uris: dict[int, str] = {}

    def read(self, condition, limit: float, what: str, meanwhile=lambda: None) -> None:
        def poll() -> bool:
            meanwhile()
            listing = Listing(ask(self.server.url("/live/show/main/media.m3u8"), "reader").decode())
            for number, uri in zip(listing.numbers, listing.segments):
                assert self.uris.setdefault(number, uri) == uri, f"{number} was {self.uris[number]} and is {uri}"
            return condition()
        wait_until(poll, limit, what, every=0.3)

    def is_offloaded(self, number: int) -> bool:
        return self.uris[number].startswith("http://")


def ask(url: str, agent: str) -> bytes:
    """Viewers without a session are told apart by what they say of themselves."""
    request = urllib.request.Request(url, headers={"User-Agent": agent})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as failure:
        return failure.code, b""
