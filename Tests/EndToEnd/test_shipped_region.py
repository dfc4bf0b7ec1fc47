# SPDX-License-Identifier: Apache-2.0
"""A region behind the files of infra: dashboards show what it does, nginx stands in front, edges are restarted under
viewers, an alert comes of a real fault and goes."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

import pytest

from clusters import Publishing, address
from conftest import FULL, seconds
from lab.keeper import obstacle
from lab.settings import program
from server import ROOT, wait_until
from shipped_region import ShippedRegion
from test_infra import panels

pytestmark = pytest.mark.skipif(obstacle() is not None, reason=f"a cluster {obstacle()}")

RTP = """
import time, types
from test_rtp import *
with plain(types.SimpleNamespace(grpc=50051)) as call, udp() as (source, place), udp() as (viewer, address):
    session = call("CreateSession", source_address=place, ssrc=12345, media_type="video")["session_id"]
    call("AddSubscriber", session_id=session, subscriber_address=address)
    number = 0
    while True:
        source.sendto(packet(12345, number), ("127.0.0.1", 5004))
        viewer.recv(2048)
        number = (number + 1) % 65536
        time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def region(binary, tmp_path_factory):
    with ShippedRegion(tmp_path_factory.mktemp("region")) as region:
        proxy = address(region.lab, "haproxy")
        with Publishing(region.lab, "person", "haproxy", "room", "small"), \
                Publishing(region.lab, "person", "haproxy", "talk", "audio-only"):
            wait_until(lambda: all(plays(region, name) for name in ("room", "talk")), 40, f"both to play from {proxy}")
            yield region


def plays(region: ShippedRegion, name: str) -> bool:
    try:
        return "EXT-X-PART" in region.ask("person", f"http://{address(region.lab, 'haproxy')}/live/{name}/main/media.m3u8", 5)
    except OSError:
        return False


def test_every_panel_shows_data(region, figures) -> None:
    """While people watch by HLS and WebRTC, through HAProxy and a router, and RTP is forwarded."""
    proxy, router = address(region.lab, "haproxy"), address(region.lab, "r")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    load = program("millrace-load")
    people = [
        region.lab.popen("person", [load, "watch", "hls", "--url", f"http://{proxy}/live/room/index.m3u8", "--viewers", "20",
                                    "--connections", "1", "--seconds", "90"], **quiet),
        region.lab.popen("person", [load, "watch", "hls", "--url", f"http://{router}:8080/live/talk/index.m3u8", "--viewers",
                                    "5", "--connections", "1", "--seconds", "90"], **quiet),
        region.lab.popen("person", [load, "watch", "whep", "--url", f"http://{proxy}/live/room/whep", "--viewers", "3",
                                    "--stay", "4s", "--seconds", "90"], **quiet),
        region.lab.popen("o1", [sys.executable, "-c", RTP],
                         cwd=ROOT / "Tests/EndToEnd", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=open(region.folder / "rtp.log", "wb"))]
    try:
        empty, begun, before = dict.fromkeys(panels()), time.monotonic(), answered(region)
        count = len(empty)

        def full() -> bool:
            for panel in list(empty):
                found = region.query(asked(panel[2]))
                if any(math.isfinite(value) for _, value in found):
                    del empty[panel]
            return not empty

        try:
            wait_until(full, 60, "every panel", every=2)
        except AssertionError:
            raise AssertionError("no data: " + "\n".join(map(str, empty))) from None
        figures(kind="dashboards", queries=count, took=time.monotonic() - begun)
        # Who leaves does so at the edge that has the session, whichever HAProxy would have chosen: no other knows it.
        left = 'sum(millrace_webrtc_sessions_ended_total{reason="deleted"})'
        wait_until(lambda: region.query(left)[0][1] >= 3, 30, "WebRTC viewers to leave through HAProxy", every=1)
        assert answered(region)["4xx"] == before["4xx"]
    finally:
        for person in people:
            person.kill()
            person.wait()


def asked(expression: str) -> str:
    """A panel's expression as Grafana asks it, with everything chosen."""
    return expression.replace("$region", ".*").replace("$instance", ".*").replace("$__rate_interval", "30s")


def test_segments_come_through_the_cdn(region) -> None:
    """nginx takes what a node signs, once for all, and nothing else."""
    lab, cdn = region.lab, address(region.lab, "cdn")
    grant = signed("/live/room/")
    listing = region.ask("person", f"http://{cdn}{grant}main/media.m3u8")
    segment = next(line for line in listing.splitlines() if line.endswith(".m4s") and not line.startswith("#"))
    heads = [lab.run("person", ["curl", "-s", "-o", "/dev/null", "-D", "-", f"http://{cdn}{grant}main/{segment}"]).stdout
             for _ in range(2)]
    assert "200 OK" in heads[0] and "X-Cache: HIT" in heads[1], heads
    for path in ("/live/room/main/media.m3u8", signed("/live/room/", key="another") + "main/media.m3u8", "/metrics"):
        assert " 403 " in lab.run("person", ["curl", "-s", "-o", "/dev/null", "-D", "-", f"http://{cdn}{path}"]).stdout, path


def test_nginx_stands_in_front(region) -> None:
    """With TLS: playlists and media of the edges, offers of publishers to origins, nothing of the operator's."""
    def fetch(path: str, *words: str) -> str:
        return region.lab.run("person", ["curl", "-sk", "--http2", "-D", "-", *words,
                                         f"https://{address(region.lab, 'front')}{path}"]).stdout
    listing = fetch("/live/room/main/media.m3u8")
    assert listing.startswith("HTTP/2 200") and "EXT-X-PART" in listing
    part = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', listing)[-1]
    assert fetch(f"/live/room/main/{part}", "-o", "/dev/null").startswith("HTTP/2 200")
    assert fetch("/live/room/whip", "-X", "POST", "-H", "Content-Type: text/plain", "-d", "x").startswith("HTTP/2 415")
    for path in ("/metrics", "/api/v1/cluster/keys"):
        assert fetch(path).startswith("HTTP/2 404"), path


def signed(place: str, key: str = "write the secret here") -> str:
    """As nginx's secure_link_md5 has it."""
    end = int(time.time()) + 600
    code = base64.urlsafe_b64encode(hashlib.md5(f"{end}{place} {key}".encode()).digest()).decode().rstrip("=")
    return f"/~s/{code}/{end}{place}"


def test_edges_are_restarted_under_viewers(region, figures) -> None:
    """HAProxy sends nobody to an edge that drains, and not one request fails: what came to the edge before HAProxy asked it
    again is sent back to HAProxy once, by a redirect. At full length the edge is gone for so long that Prometheus says so,
    and is started anew, and then the other."""
    lab, proxy, viewers = region.lab, address(region.lab, "haproxy"), 500
    watching = lab.popen("person", [
        program("millrace-load"), "watch", "hls", "--url", f"http://{proxy}/live/talk/index.m3u8", "--viewers", str(viewers),
        "--connections", "1", "--ramp", "3s", "--seconds", str(seconds(18, 240))],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: region.connections() > viewers * 0.95, 20, "the viewers")
    before, alert = answered(region), {}
    with Follower(region, "talk") as follower:
        for node in ("e1", "e2") if FULL else ("e1",):
            drain(region, node)
            alert = told(region, node) if FULL else {"told": "not waited for", "cleared": "not waited for"}
        said, complaint = watching.communicate(timeout=300)
    report, after = json.loads(said), answered(region)
    redirects = after["3xx"] - before["3xx"]
    figures(kind="restarts", edges=2 if FULL else 1, viewers=viewers, requests=report["playlists"] + report["parts"],
            redirects=redirects, followed=follower.requests, failed=len(follower.failures), **alert)
    assert not follower.failures and follower.requests > 50, follower.failures[:5]
    # Until HAProxy asks again it may send a viewer back to the same edge; after five times the load's viewers wait a moment.
    # `missed` is what they themselves were too slow for.
    assert set(report["faults"]) <= {"redirects", "missed"}, f"{report['faults']} {complaint[-500:]}"
    assert 5 * report["faults"].get("redirects", 0) <= redirects <= 10 * viewers * (2 if FULL else 1), f"{redirects} {report['faults']}"
    assert report["started"] == viewers
    assert {code: after[code] - before[code] for code in ("4xx", "5xx")} == {"4xx": 0, "5xx": 0}


def drain(region: ShippedRegion, node: str) -> None:
    """As systemd would, by the script that is shipped; returns when the process has ended."""
    drained = region.lab.popen(node, [str(ROOT / "deployments/systemd/drain"), "30"], env=drain_environment(region, node),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: region.up("edges") == 1, 10, "HAProxy to take the edge out")
    wait_until(lambda: not region.lab.running(node), 45, "the edge to end")
    assert drained.wait(20) == 0, drained.stderr.read()


def told(region: ShippedRegion, node: str) -> dict[str, str]:
    """Waits until Prometheus says that a node is gone, starts it, and waits until all is well: how long both took."""
    down = f'ALERTS{{alertname="MillraceNodeDown", alertstate="firing", instance="{address(region.lab, node)}:8080"}}'
    begun = time.monotonic()
    wait_until(lambda: len(region.query(down)) == 1, 60, "the alert")
    fired = time.monotonic()
    region.lab.start(node)
    region.lab.wait_ready(node)
    wait_until(lambda: not region.query(down) and region.up("edges") == 2, 30,
               "the alert to clear, and HAProxy to take the edge back")
    return {"told": f"{fired - begun:.0f} s", "cleared": f"{time.monotonic() - fired:.0f} s"}


def answered(region: ShippedRegion) -> dict[str, int]:
    """Answers that HAProxy gave viewers, by their class."""
    text = region.ask("haproxy", "http://127.0.0.1:8404/metrics")
    found = re.findall(r'^haproxy_frontend_http_responses_total{proxy="viewers",code="(\w+)"} (\d+)', text, re.M)
    return {code: int(count) for code, count in found}


class Follower(threading.Thread):
    """A viewer that follows redirects, as players do: it asks for the playlist and its newest part, four times a second."""

    def __init__(self, region: ShippedRegion, name: str) -> None:
        super().__init__(daemon=True)
        self.region, self.url = region, f"http://{address(region.lab, 'haproxy')}/live/{name}/main/media.m3u8"
        self.requests, self.failures, self._ended = 0, [], threading.Event()

    def __enter__(self) -> Follower:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(20)

    def run(self) -> None:
        while not self._ended.wait(0.25):
            try:
                listing = self.region.ask("person", self.url)
                part = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', listing)[-1]
                with self.region.lab.inside("person"):
                    with urllib.request.urlopen(urllib.parse.urljoin(self.url, part), timeout=10) as answer:
                        assert answer.read()
                self.requests += 2
            except Exception as failure:
                self.failures.append(repr(failure))


def drain_environment(region: ShippedRegion, node: str) -> dict[str, str]:
    """As systemd would call the script: with the settings' file and the number of the process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    return clean | {"MILLRACE_CONFIG": str(region.lab.folder / node / "millrace.yml"),
                    "MAINPID": str(region.lab.process(node).pid),
                    "PATH": f"{pathlib.Path(program('millrace')).parent}:{os.environ['PATH']}"}
