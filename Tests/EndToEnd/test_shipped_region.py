# SPDX-License-Identifier: Apache-2.0
"""A region behind the files of infra: dashboards show what it does, nginx stands in front, coturn relays, HAProxy is reloaded
and nodes are restarted under viewers, an alert comes of a real fault and goes."""

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
import time

import pytest

import clips
import rtmp_client
from chaos.encoders import Encoder, Moving
from clusters import address
from conftest import FULL, seconds
from lab.keeper import obstacle
from lab.settings import program
from server import ROOT, wait_until
from shipped_region import ShippedRegion
from shipped_viewers import Follower, RealTime, ended, left, offered, watch
from test_infra import panels
from test_webrtc import check_video

HERE = pathlib.Path(__file__).parent
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
        # One that does as it is asked where an origin drains, and one that is cut off, and comes again.
        region.encoders = [publishing(region, Moving, "room", "small"), publishing(region, Encoder, "talk", "audio-only")]
        try:
            wait_until(lambda: all(plays(region, name) for name in ("room", "talk")), 40, "both to play")
            yield region
        finally:
            for encoder in region.encoders:
                encoder.end()
                encoder.join(5)


def publishing(region: ShippedRegion, kind: type[Encoder], name: str, clip: str) -> Encoder:
    """A publisher by way of HAProxy, however often it comes."""
    encoder = kind(region.lab, "person", ["haproxy"], name, rtmp_client.read_flv(clips.path(clip, "flv")), 0)
    encoder.start()
    return encoder


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
    for path in OPERATORS:
        assert re.match("HTTP/2 404.*<center>nginx", fetch(path, "--path-as-is"), re.S), path


OPERATORS = ("/metrics", "//metrics", "/metrics/", "/%6detrics", "/api/v1/cluster/keys", "/api//v1/cluster/keys",
             "/api/v1/cluster/whip")


def test_haproxy_keeps_its_doors(region) -> None:
    """What is the operator's it does not pass on, however it is written; viewers are sent to HTTPS, but by PLAIN_HTTP."""
    def asked(url: str) -> str:
        return region.lab.run("person", ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "--path-as-is",
                                         url]).stdout
    proxy, before = address(region.lab, "haproxy"), region.denied()
    assert {path: asked(f"http://{proxy}{path}") for path in OPERATORS} == dict.fromkeys(OPERATORS, "404 ")
    assert region.denied() - before == len(OPERATORS)
    assert "EXT-X-PART" in region.ask("person", f"https://{proxy}/live/room/main/media.m3u8")
    own, place = region.balancer("person", "elsewhere"), address(region.lab, "person")
    try:
        path = "/live/room/index.m3u8?token=secret"
        wait_until(lambda: asked(f"http://{place}{path}") == f"308 https://{place}{path}", 20, "the way to HTTPS")
        assert asked(f"http://{place}/metrics") == "404 "
    finally:
        own.kill()
        own.wait()


def test_coturn_relays_to_viewers(region) -> None:
    """A viewer whom nothing but the TURN server hears, which it knows from the node's answer by way of HAProxy."""
    done = region.lab.run("person", [
        sys.executable, str(HERE / "whep_play.py"), f"http://{address(region.lab, 'haproxy')}/live/room/whep",
        str(seconds(4, 30)), "--relay"], timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    played = json.loads(done.stdout)
    check_video(played, rate=15)
    assert {re.search(r" typ (\w+)", line)[1] for line in played["candidates"]} == {"relay"}, played["candidates"]
    assert played["deleted"] == 200


def signed(place: str, key: str = "write the secret here") -> str:
    """As nginx's secure_link_md5 has it."""
    end = int(time.time()) + 600
    code = base64.urlsafe_b64encode(hashlib.md5(f"{end}{place} {key}".encode()).digest()).decode().rstrip("=")
    return f"/~s/{code}/{end}{place}"


def test_haproxy_is_reloaded_under_viewers(region) -> None:
    """As each renewal of a certificate does it. The new process knows the servers, though no name is resolved, and which
    edge has which session."""
    proxy, viewers = address(region.lab, "haproxy"), 100
    watching = watch(region, viewers)
    with Follower(region, f"https://{proxy}/live/room/main/media.m3u8") as follower:
        began, sessions, bound = region.began(), offered(region, 6), region.bound()
        region.names_answer.clear()
        try:
            region.reload()
            wait_until(lambda: region.began() > began, 15, "the new process")
            assert region.up("edges") == region.up("origins") == 2
            wait_until(lambda: region.bound() >= bound, 5, "the sessions in the new process' table")
            assert left(region, sessions) == [200] * 6
            follower.goes_on(12)
        finally:
            region.names_answer.set()
        report = ended(watching)
    assert not follower.failures, follower.failures[:5]
    assert set(report["faults"]) <= {"missed"} and report["started"] == viewers, report["faults"]
    assert answered(region)["5xx"] == 0


def test_nodes_are_restarted_under_viewers(region, figures) -> None:
    """HAProxy sends nobody to a node that drains, and what came to it before HAProxy asked it again it serves: not one request
    fails, neither here nor at nginx. A session of WebRTC is found at an edge that drains. Publishers go on at the other
    origin. At full length it is all nodes in turn, and each is gone for so long that Prometheus says so."""
    proxy, front, viewers = address(region.lab, "haproxy"), address(region.lab, "front"), 500
    watching, before, rounds = watch(region, viewers), answered(region), []
    accepted = [len(encoder.began) for encoder in region.encoders]
    with Follower(region, f"https://{proxy}/live/talk/main/media.m3u8") as follower, \
            RealTime(region, f"http://{proxy}/live/room/whep") as seen, \
            Follower(region, f"https://{front}/live/room/main/media.m3u8") as behind_nginx:
        for node in ("e1", "e2", "r", "o1", "o2") if FULL else ("e1", "o1"):
            rounds.append(restarted(region, node, follower))
            follower.goes_on(4)
            behind_nginx.goes_on(4)
            seen.goes_on()
    report, after = ended(watching), answered(region)
    failures = follower.failures + behind_nginx.failures
    missed = report["faults"].pop("missed", 0)
    failed = len(failures) + sum(report["faults"].values()) + report["redirects"]
    figures(kind="rolling restart", nodes=len(rounds), viewers=viewers, requests=report["playlists"] + report["parts"],
            missed=missed, followed=follower.requests + behind_nginx.requests, failed=failed, paused=seen.longest,
            told=slowest(rounds, "told"), cleared=slowest(rounds, "cleared"))
    assert not failures, failures[:5]
    # `missed` is what they themselves were too slow for.
    assert report["faults"] == {} and report["redirects"] == 0 and report["started"] == viewers, report["faults"]
    assert {code: after[code] - before[code] for code in ("3xx", "4xx", "5xx")} == {"3xx": 0, "4xx": 0, "5xx": 0}
    assert sum(len(encoder.began) for encoder in region.encoders) > sum(accepted), "no publisher had to move"
    assert seen.longest < 10


def slowest(rounds: list[dict[str, float]], what: str) -> str:
    return f"{max(each[what] for each in rounds):.0f} s" if FULL else "not waited for"


def restarted(region: ShippedRegion, node: str, follower: Follower) -> dict[str, float]:
    """Drains a node and starts it anew. Sessions of WebRTC that edges have are ended while one of them drains."""
    backend = {"e": "edges", "o": "origins"}.get(node[0])
    sessions = offered(region, 6) if backend == "edges" else []
    # As systemd would, by the script that is shipped.
    drained = region.lab.popen(node, [str(ROOT / "deployments/systemd/drain"), str(seconds(15, 30))],
                               env=drain_environment(region, node), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    if backend:
        wait_until(lambda: region.up(backend) == 1, 10, f"HAProxy to take {node} out")
    if sessions:
        # So long that HAProxy's checks would have found it dead.
        follower.goes_on(10)
        assert left(region, sessions) == [200] * 6
    wait_until(lambda: not region.lab.running(node), 45, f"{node} to end")
    assert drained.wait(20) == 0, drained.stderr.read()
    if FULL:
        return told(region, node, backend)
    back(region, node, backend)
    return {}


def back(region: ShippedRegion, node: str, backend: str | None) -> None:
    region.lab.start(node)
    region.lab.wait_ready(node)
    wait_until(lambda: backend is None or region.up(backend) == 2, 30, f"HAProxy to take {node} back")


def told(region: ShippedRegion, node: str, backend: str | None) -> dict[str, float]:
    """Waits until Prometheus says that a node is gone, starts it, and waits until all is well: how long both took."""
    down = f'ALERTS{{alertname="MillraceNodeDown", alertstate="firing", instance="{address(region.lab, node)}:8080"}}'
    begun = time.monotonic()
    wait_until(lambda: len(region.query(down)) == 1, 60, "the alert")
    fired = time.monotonic()
    back(region, node, backend)
    wait_until(lambda: not region.query(down), 30, "the alert to clear")
    return {"told": fired - begun, "cleared": time.monotonic() - fired}


def answered(region: ShippedRegion) -> dict[str, int]:
    """Answers that HAProxy gave viewers, by their class."""
    text = region.ask("haproxy", "http://127.0.0.1:8404/metrics")
    found = re.findall(r'^haproxy_frontend_http_responses_total{proxy="viewers",code="(\w+)"} (\d+)', text, re.M)
    return {code: int(count) for code, count in found}


def drain_environment(region: ShippedRegion, node: str) -> dict[str, str]:
    """As systemd would call the script: with the settings' file and the number of the process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    return clean | {"MILLRACE_CONFIG": str(region.lab.folder / node / "millrace.yml"),
                    "MAINPID": str(region.lab.process(node).pid),
                    "PATH": f"{pathlib.Path(program('millrace')).parent}:{os.environ['PATH']}"}
