# SPDX-License-Identifier: Apache-2.0
"""WebRTC viewers by the hundred, each a whole one (`millrace-load watch whep`): how soon they see something, how long
pictures are on their way, and what is left of them when they are gone."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import ssl
import statistics
import subprocess
import time
import urllib.error
import urllib.request

import clips
import pytest
from conftest import FULL, seconds
from server import BINARY, Server, bound, wait_until
from test_rtp import feed, plain

LOAD = pathlib.Path(BINARY).with_name("millrace-load")
SERVER_CORE, LOAD_CORE = {0}, {1}
# Of the test of delay: how many streams, and of how many viewers one opens what it gets.
STREAMS, WHOLE = (20, 5) if FULL else (4, 5)


@contextlib.contextmanager
def pinned(core: set[int]):
    """What is started meanwhile runs on this core only, so that server and load do not take each other's time."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core if core <= before else before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def server(binary: str):
    """One node on one core, with one UDP thread and a stream of RTMP with 2 s from one random access point to the next."""
    with contextlib.ExitStack() as stack:
        with pinned(SERVER_CORE):
            node = stack.enter_context(Server(WEBRTC_THREADS=1, RTP_ENABLED="false", RTMP_HOST="127.0.0.1"))
        length = seconds(1800, 3600)
        publisher = start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", "swarm", "--stamp",
                          "--file", clips.path("real-time", "flv"), "--seconds", length)
        stack.callback(end, publisher)
        node.wait_live("swarm")
        yield node


def start(*words: object) -> subprocess.Popen:
    with pinned(LOAD_CORE):
        return subprocess.Popen([LOAD, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(20)


def watch(server: Server, tmp_path: pathlib.Path, *words: object) -> subprocess.Popen:
    """Viewers; what they saw stands in `seen` once they are gone."""
    return start("watch", "whep", "--url", server.url("/live/swarm/whep"), "--result", tmp_path / "seen.json", *words)


def seen(process: subprocess.Popen, tmp_path: pathlib.Path, length: float) -> dict:
    process.wait(length + 60)
    return json.loads((tmp_path / "seen.json").read_text())


def sound(result: dict) -> None:
    """Nobody failed, and whatever never came was dropped by the sockets of the viewers that looked for it."""
    assert result["faults"] == {}, result
    assert result["started"] > 0, result
    assert result["lostPackets"] + result["repairedPackets"] <= result["overrunPackets"], result
    assert result["badPackets"] == 0, result
    # Who never saw anything has no time to the first picture that could be too long.
    assert result["unserved"] == 0, result
    assert result["started"] + result["cutShort"] == result["joins"], result


def test_viewers_join_at_once(server: Server, tmp_path: pathlib.Path, figures) -> None:
    """80 joins a second with 250 present: the places of those who leave are taken by others."""
    present, joins, length = (250, 80, 60) if FULL else (50, 20, 8)
    stay = f"{1000 * present // joins}ms"
    load = watch(server, tmp_path, "--viewers", present, "--joins", joins, "--stay", stay, "--seconds", length)
    result = seen(load, tmp_path, length)
    sound(result)
    figures(kind="joins", present=present, rate=result["joins"] / length, joins=result["joins"],
            **{name: result[f"{name}Milliseconds"] for name in ("answer", "connect", "start")})
    if FULL:
        assert result["joins"] >= 0.95 * joins * length, result
        assert result["connectMilliseconds"]["p95"] <= 100, result
        assert result["startMilliseconds"]["p95"] <= 300, result
    else:
        # From one random access point to the next it is two seconds, and a viewer stays for two and a half.
        assert result["startMilliseconds"]["p50"] <= 1000, result
        assert result["started"] >= 0.8 * result["joins"], result


@pytest.fixture
def many(binary: str):
    """One node on one core, with one UDP thread and streams whose pictures do not come at once, without sound."""
    with contextlib.ExitStack() as stack:
        with pinned(SERVER_CORE):
            node = stack.enter_context(
                Server(WEBRTC_THREADS=1, RTP_ENABLED="false", RTMP_HOST="127.0.0.1", WEBRTC_TRANSCODER=""))
        publisher = start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", "swarm-{n}", "--stamp",
                          "--streams", STREAMS, "--ramp", "2s", "--file", clips.path("real-time", "flv"), "--seconds", 600)
        stack.callback(end, publisher)
        for number in range(STREAMS):
            node.wait_live(f"swarm-{number + 1}")
        yield node


def watch_many(server: Server, tmp_path: pathlib.Path, viewers: int, length: int) -> tuple[float, dict]:
    """So many viewers over all streams; how busy they kept the server's core once all were there, and what they saw."""
    load = start("watch", "whep", "--url", server.url("/live/swarm-{n}/whep"), "--streams", STREAMS,
                 "--viewers", max(1, round(viewers / STREAMS)), "--whole", WHOLE, "--joins", max(20, viewers // 5),
                 "--seconds", length, "--result", tmp_path / "seen.json")
    time.sleep(length * 0.5)
    before, begun = server.processor_seconds(), time.monotonic()
    time.sleep(length * 0.3)
    busy = (server.processor_seconds() - before) / (time.monotonic() - begun)
    return busy, seen(load, tmp_path, length)


def test_pictures_go_on_at_once(many: Server, tmp_path: pathlib.Path, figures) -> None:
    """From the publisher's write to the viewer's last packet of a picture, at half of what a core can do. One stream with so
    many viewers would have its last viewer wait for the sending to all others; a node has many. One viewer of five opens
    what it gets: all of them together would have no core left to tell the time on."""
    viewers, length = (200, 20) if FULL else (40, 8)
    busy, result = watch_many(many, tmp_path, viewers, length)
    if FULL:
        viewers, length = min(1000, round(viewers * 0.5 / busy)), 60
        busy, result = watch_many(many, tmp_path, viewers, length)
    sound(result)
    figures(kind="delay", streams=STREAMS, viewers=result["joins"], busy=busy, pictures=result["pictures"],
            freezes=result["freezes"], delay=result["delayMilliseconds"])
    assert result["delayMilliseconds"]["count"] > 0, result
    # Those who are not whole are sent what the others are.
    assert 0 < result["whole"] < result["joins"] and result["wholePackets"] > 0, result
    assert result["packets"] >= 0.9 * result["joins"] / result["whole"] * result["wholePackets"], result
    if FULL:
        assert 0.4 <= busy <= 0.65, busy
        assert result["delayMilliseconds"]["p99"] <= 5, result
        assert result["freezes"] == 0, result


def test_leaving_viewers_leave_nothing(server: Server, tmp_path: pathlib.Path, figures) -> None:
    """500 viewers come and go for ten minutes: memory, descriptors and threads stay what they are."""
    places, length, stay = (500, 600, 10) if FULL else (40, 12, 2)
    idle = holds(server)
    load = watch(server, tmp_path, "--viewers", places, "--joins", places // stay, "--stay", f"{stay}s", "--seconds", length,
                 "--whole", WHOLE)
    samples, begun = [], time.monotonic()
    while time.monotonic() - begun < length - 1:
        time.sleep(max(0.5, length / 200))
        samples.append(holds(server))
    result = seen(load, tmp_path, length)
    sound(result)
    quarter = len(samples) // 4
    first, last = ({key: statistics.median(sample[key] for sample in part) for key in idle}
                   for part in (samples[quarter:2 * quarter], samples[-quarter:]))
    figures(kind="churn", places=places, joins=result["joins"], seconds=length, idle=idle, first=first, last=last)
    assert result["left"] >= result["joins"] - places, result
    assert last["threads"] == first["threads"], (first, last)
    # Of the connections that ask and leave, some are always there.
    assert last["descriptors"] <= first["descriptors"] + places / 2, (first, last)
    if FULL:
        assert last["memory"] <= first["memory"] * 1.03, (first, last)
    wait_until(lambda: server.metric("millrace_webrtc_sessions") == 0, 40, "all sessions to be over")
    wait_until(lambda: holds(server)["descriptors"] <= idle["descriptors"] + 5, 40, "descriptors to be given back")


@pytest.mark.parametrize("kind", ["rtmp", "flv"])
def test_viewers_of_whole_messages(server: Server, tmp_path: pathlib.Path, figures, kind: str) -> None:
    """RTMP and FLV, each with viewers that stay and with some that come and go."""
    viewers, length = (200, 60) if FULL else (20, 8)
    url = {"rtmp": f"rtmp://127.0.0.1:{server.rtmp}/live/swarm", "flv": server.url("/live/swarm.flv")}[kind]
    page = tmp_path / "page.html"
    load = start("watch", kind, "--url", url, "--viewers", viewers, "--ramp", "2s", "--seconds", length, "--page", page,
                 "--result", tmp_path / "seen.json")
    guests = start("watch", kind, "--url", url, "--viewers", viewers // 4, "--stay", "1s", "--seconds", length, "--result",
                   tmp_path / "guests.json")
    result = seen(load, tmp_path, length)
    guests.wait(30)
    gone = json.loads((tmp_path / "guests.json").read_text())
    assert load.returncode == 0 and result["started"] == viewers, result
    assert result["faults"] == {} and gone["faults"] == {}, (result, gone)
    assert result["delayMilliseconds"]["count"] > viewers * 30 * (length - 6), result
    assert gone["joins"] > viewers // 4 * (length / 2) and gone["started"] + gone["cutShort"] == gone["joins"], gone
    assert "On the way" in page.read_text() and len(result["samples"]) >= length - 2, result
    figures(kind="whole", protocol=kind, viewers=viewers, start=result["startMilliseconds"], freezes=result["freezes"],
            delay=result["delayMilliseconds"])
    if FULL:
        assert result["delayMilliseconds"]["p99"] <= 50 and result["freezes"] == 0, result


class SecuredServer(Server):
    """A node whose port of HTTP speaks TLS, by a certificate that nobody knows."""

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.http}{path}"

    def get(self, path: str, timeout: float = 20) -> tuple[int, bytes]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(self.url(path), timeout=timeout, context=context) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as failure:
            return failure.code, failure.read()


def test_viewers_over_tls(binary: str, tmp_path: pathlib.Path, figures) -> None:
    """Each connection shakes hands: viewers of HLS with parts, some with whole segments that come and go, and offers of WHEP."""
    viewers, length = (1000, 60) if FULL else (40, 12)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    with contextlib.ExitStack() as stack:
        with pinned(SERVER_CORE):
            node = stack.enter_context(SecuredServer(
                HTTP_TLS_CERTIFICATE=certificate, HTTP_TLS_KEY=key, RTMP_TLS_PORT=0, RTP_ENABLED="false", WEBRTC_THREADS=1,
                RTMP_HOST="127.0.0.1"))
        stack.callback(end, start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{node.rtmp}/live", "--name", "secure", "--stamp",
                                  "--file", clips.path("load-300k", "flv"), "--seconds", 600))
        node.wait_live("secure")
        words = ["watch", "hls", "--url", node.url("/live/secure/index.m3u8"), "--seconds", length, "--result"]
        loads = {"seen": start(*words, tmp_path / "seen.json", "--viewers", viewers, "--ramp", "5s" if FULL else "2s"),
                 "legacy": start(*words, tmp_path / "legacy.json", "--viewers", viewers // 4, "--legacy", "--stay", "3s")}
        loads["whep"] = start("watch", "whep", "--url", node.url("/live/secure/whep"), "--viewers", 10, "--stay", "4s",
                              "--seconds", length, "--result", tmp_path / "whep.json")
        for load in loads.values():
            load.wait(length + 60)
        # One that speaks no TLS is told so by its faults, and does not wait for ever.
        plain = start("watch", "hls", "--url", node.url("/live/secure/index.m3u8").replace("https", "http"), "--seconds", 3,
                      "--result", tmp_path / "plain.json")
        plain.wait(30)
    result, legacy, whep, none = (json.loads((tmp_path / f"{name}.json").read_text())
                                  for name in ("seen", "legacy", "whep", "plain"))
    assert whep["started"] >= 10 and whep["faults"] == {} and whep["left"] > 0, whep
    assert result["started"] == viewers and result["faults"] == {}, result
    assert result["latencyMilliseconds"]["count"] >= viewers and result["parts"] > viewers, result
    assert legacy["faults"] == {} and legacy["segments"] > 0 and legacy["joins"] > viewers // 4, legacy
    assert plain.returncode == 1 and none["started"] == 0, none
    figures(kind="tls", viewers=viewers, start=result["startMilliseconds"], latency=result["latencyMilliseconds"],
            unstalled=result["unstalledPercent"], lag=result["lagMilliseconds"])


def test_viewers_of_plain_rtp(binary: str, tmp_path: pathlib.Path, figures) -> None:
    """Stamped pictures of one source go to subscribers that are asked whether they want them, and as a stream to viewers of HLS."""
    viewers, length, first = (500, 30, 21_000) if FULL else (20, 10, 21_000)
    with contextlib.ExitStack() as stack:
        with pinned(SERVER_CORE):
            node = stack.enter_context(Server(RTP_MAX_SUBSCRIBERS=viewers, RTP_WILLING="192.0.2.0/24", WEBRTC_ENABLED="false"))
        stack.callback(end, start("publish", "rtp", "--url", f"rtp://127.0.0.1:{node.rtp}", "--source", 7000, "--stamp", "--file",
                                  clips.path("load-300k", "flv"), "--describe", tmp_path / "stream.sdp", "--seconds", 600))
        wait_until((tmp_path / "stream.sdp").exists, 20, "the description")
        status, answer = feed(node, "plain", (tmp_path / "stream.sdp").read_bytes())
        assert status == 201, answer
        node.wait_live("plain")
        load = start("watch", "rtp", "--port", first, "--viewers", viewers, "--seconds", length, "--result",
                     tmp_path / "seen.json")
        watch = start("watch", "hls", "--url", node.playlist("plain"), "--viewers", 5, "--seconds", length, "--result",
                      tmp_path / "hls.json")
        wait_until(lambda: bound(first + viewers - 1), 20, "the viewers' ports")
        call = stack.enter_context(plain(node))
        for number in range(viewers):
            call("AddSubscriber", session_id=answer["tracks"][0]["sessionId"], subscriber_address=f"127.0.0.1:{first + number}")
        result = seen(load, tmp_path, length)
        watch.wait(60)
    hls = json.loads((tmp_path / "hls.json").read_text())
    assert result["started"] == viewers and result["faults"] == {} and result["badPackets"] == 0, result
    assert result["lostPackets"] <= result["overrunPackets"], result
    assert result["delayMilliseconds"]["count"] > viewers * 30 * 2, result
    assert hls["started"] == 5 and hls["latencyMilliseconds"]["count"] > 0, hls
    figures(kind="rtp", viewers=viewers, delay=result["delayMilliseconds"], lost=result["lostPackets"],
            latency=hls["latencyMilliseconds"])


def test_publishers_by_whip(binary: str, tmp_path: pathlib.Path, figures) -> None:
    """Stamped pictures go in over WebRTC and out over it, and over HLS; publishers that are asked to end say so to the node."""
    streams, viewers, length = (20, 10, 60) if FULL else (3, 4, 10)
    with contextlib.ExitStack() as stack:
        with pinned(SERVER_CORE):
            node = stack.enter_context(Server(WEBRTC_THREADS=1, RTP_ENABLED="false", RTMP_HOST="127.0.0.1"))
        publishers = start("publish", "whip", "--url", node.url("/live/camera-{n}/whip"), "--streams", streams, "--ramp", "1s",
                           "--stamp", "--file", clips.path("real-time", "flv"), "--seconds", 600, "--result",
                           tmp_path / "published.json")
        stack.callback(publishers.kill)
        for number in range(streams):
            node.wait_live(f"camera-{number + 1}")
        load, hls = (start("watch", kind, "--url", node.url(f"/live/camera-{{n}}/{path}"), "--streams", streams, "--viewers",
                           count, "--seconds", length, "--result", tmp_path / f"{name}.json")
                     for kind, path, count, name in (("whep", "whep", viewers, "seen"), ("hls", "index.m3u8", 1, "hls")))
        result = seen(load, tmp_path, length)
        hls.wait(60)
        assert publishers.poll() is None, (tmp_path / "published.json").read_text()
        lost = node.metric("millrace_webrtc_packets_lost_total")
        end(publishers)
        # Long before a node ends by itself a session of which it hears nothing.
        wait_until(lambda: node.metric("millrace_webrtc_sessions") == 0, 10, "all sessions to be over")
    published, watched = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("published", "hls"))
    sound(result)
    assert result["started"] == streams * viewers, result
    assert result["delayMilliseconds"]["count"] > streams * viewers * 30 * (length - 6), result
    assert watched["started"] == streams and watched["latencyMilliseconds"]["count"] > 0, watched
    assert publishers.returncode == 0 and published["published"] == streams and published["failures"] == {}, published
    assert published["messages"] > streams * 30 * length and lost == 0, (published, lost)
    figures(kind="whip", streams=streams, viewers=result["joins"], delay=result["delayMilliseconds"], freezes=result["freezes"],
            late=published["latenessMilliseconds"])
    if FULL:
        assert result["delayMilliseconds"]["p99"] <= 50 and result["freezes"] == 0, result


def test_publishers_that_are_refused_say_why(server: Server, tmp_path: pathlib.Path) -> None:
    """One at a name that somebody with another token has, and one at a place where nobody publishes."""
    for path in ("/live/swarm/whip", "/nowhere"):
        file = tmp_path / "published.json"
        publisher = start("publish", "whip", "--url", server.url(path), "--file", clips.path("real-time", "flv"), "--seconds", 3,
                          "--token", "another", "--result", file)
        assert publisher.wait(30) == 1, path
        told = json.loads(file.read_text())
        assert told["published"] == 0 and told["failures"] == {"refused": 1}, (path, told)


def test_a_picture_that_stays_is_a_freeze(server: Server, tmp_path: pathlib.Path) -> None:
    """Also where none follows it, and the viewers themselves are well."""
    publisher = start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{server.rtmp}/live", "--name", "gone", "--file",
                      clips.path("real-time", "flv"), "--result", tmp_path / "published.json")
    try:
        server.wait_live("gone")
        load = start("watch", "whep", "--url", server.url("/live/gone/whep"), "--viewers", 5, "--seconds", 12, "--result",
                     tmp_path / "seen.json")
        time.sleep(8)
    finally:
        publisher.kill()
        publisher.wait()
    result = seen(load, tmp_path, 12)
    assert result["started"] == 5, result
    assert result["freezes"] >= 5 and result["frozenSeconds"] >= 5 * 2, result


def test_who_is_asked_to_end_says_what_it_saw(server: Server, tmp_path: pathlib.Path) -> None:
    """SIGTERM, of a publisher and of viewers, long before their time."""
    publisher = start("publish", "rtmp", "--url", f"rtmp://127.0.0.1:{server.rtmp}/live", "--name", "asked", "--file",
                      clips.path("small", "flv"), "--seconds", 600, "--result", tmp_path / "published.json")
    server.wait_live("asked")
    whep, hls = (start("watch", kind, "--url", server.url(f"/live/asked/{path}"), "--seconds", 600, "--result",
                       tmp_path / f"{kind}.json") for kind, path in (("whep", "whep"), ("hls", "index.m3u8")))
    # Their ends are told by their own figures, but not before there are any.
    wait_until(lambda: server.metric("millrace_webrtc_sessions") >= 1, 20, "the viewer to be there")
    time.sleep(3)
    for process in (whep, hls, publisher):
        end(process)
    results = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whep", "hls", "published")}
    assert all(results[name]["started"] == 1 and 2 <= results[name]["seconds"] < 60 for name in ("whep", "hls")), results
    assert results["published"]["published"] == 1 and results["published"]["messages"] > 50, results


def test_a_run_says_how_it_goes(server: Server, tmp_path: pathlib.Path) -> None:
    """A line a second while viewers come and watch, whose sums are those of the result."""
    said = tmp_path / "said"
    with pinned(LOAD_CORE), open(said, "wb") as file:
        load = subprocess.Popen(
            [LOAD, "watch", "whep", "--url", server.url("/live/swarm/whep"), "--viewers", "10", "--joins", "5",
             "--seconds", "6", "--progress", "--result", tmp_path / "seen.json"],
            stdout=subprocess.DEVNULL, stderr=file)
    wait_until(lambda: re.search(r"^\d+ s: \d+ present", said.read_text(), re.M), 20, "the first line", every=0.05)
    assert load.poll() is None, "it said nothing before its end"
    result = seen(load, tmp_path, 6)
    lines = re.findall(r"^(\d+) s: (\d+) present, (\d+) joins/s, .* (\d+) packets/s", said.read_text(), re.M)
    assert len(lines) >= 4 and max(int(present) for _, present, _, _ in lines) == 10, said.read_text()
    assert sum(int(joins) for _, _, joins, _ in lines) >= 8 and int(lines[-1][3]) > 100, said.read_text()
    assert result["joins"] == 10, result


def holds(server: Server) -> dict[str, float]:
    """What the node holds."""
    process = pathlib.Path(f"/proc/{server.pid}")
    return {"memory": server.memory() / 2**20, "descriptors": len(list((process / "fd").iterdir())),
            "threads": len(list((process / "task").iterdir()))}
