# SPDX-License-Identifier: Apache-2.0
"""WHIP and WHEP with aiortc, ffmpeg 9 and Chromium, and the ways between them and the other protocols."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import pytest

import clips
import webrtc_page
from browser import Browser, Watching, moved
from conftest import seconds
from publishers import Publisher
from server import Server, wait_until

HERE = pathlib.Path(__file__).parent


def play(server: Server, name: str, length: float, *flags: str) -> dict:
    """What aiortc gets of a stream by WHEP."""
    done = subprocess.run([sys.executable, str(HERE / "whep_play.py"), server.url(f"/live/{name}/whep"), str(length),
                           *flags], capture_output=True, text=True, timeout=length + 60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def check_video(played: dict, rate: float = 30) -> None:
    """At least 95 % of the frames, none lost, the first at once."""
    assert played.get("status") == 201, played
    assert "video" in played, played
    video = played["video"]
    assert video["frames"] >= 0.95 * rate * video["played"], played
    assert played["lost"]["video"] == 0, played
    assert video["first"] < 1.5, played


@contextlib.contextmanager
def ffmpeg_whip(server: Server, name: str, *flags: str):
    """ffmpeg 9 publishing a clip by WHIP, without encoding."""
    command = [clips.ffmpeg9(), "-hide_banner", "-nostdin", "-v", "warning", "-re", "-stream_loop", "-1", "-i",
               clips.path("real-time-opus"), "-map", "0", "-c", "copy", "-f", "whip", *flags,
               server.url(f"/live/{name}/whip")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        print(process.communicate(timeout=20)[1][-1500:])


@contextlib.contextmanager
def aiortc_whip(server: Server, name: str):
    """aiortc publishing a clip by WHIP, without encoding."""
    source = clips.path("real-time-opus")
    stream = pathlib.Path(source).with_suffix(".ts")
    if not stream.exists():
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, "-map", "0", "-c", "copy", "-f", "mpegts",
                        str(stream)], check=True)
    process = subprocess.Popen([sys.executable, str(HERE / "whip_publish.py"), server.url(f"/live/{name}/whip"),
                                str(stream)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.terminate()
        print(process.communicate(timeout=20)[0][-1500:])


def codecs(server: Server, name: str) -> set[str]:
    """The codecs that ffprobe finds in the stream's playlists."""
    done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
                           server.playlist(name)], capture_output=True, text=True, timeout=30)
    return set(done.stdout.replace(",", "\n").split())


def test_rtmp_plays_by_whep_in_aiortc(server: Server, figures) -> None:
    with Publisher("real-time", server.publish_url("rtmp")):
        server.wait_live("rtmp")
        played = play(server, "rtmp", seconds(6, 60), "--audio")
        check_video(played)
        check_sound(played)
        figures(name="WHEP of RTMP in aiortc", first=played["video"]["first"], gap=played["video"]["gap"],
                sound=played["audio"]["first"], tone=played["audio"]["tone"],
                connected=dict(played["states"]).get("connected"))


def check_sound(played: dict, frequency: float = 440) -> None:
    """The tone of the clip, without a hole."""
    assert played["note"] == "" and "audio" in played, played
    audio = played["audio"]
    assert audio["frames"] >= 0.9 * 50 * audio["played"], played
    assert played["lost"]["audio"] == 0, played
    assert abs(audio["tone"] - frequency) < 3, played


def offset(server: Server, clip: str, name: str, program: str) -> float:
    """How long after its flash a beep is there in aiortc, the median of several."""
    with Publisher(clip, server.publish_url(name), program):
        server.wait_live(name)
        played = play(server, name, seconds(13, 60), "--audio")
    flashes, beeps = (played[kind].get("onsets", []) for kind in ("video", "audio"))
    pairs = [beep - flash for flash in flashes for beep in beeps if abs(beep - flash) < 0.9]
    assert len(pairs) > 3, played
    return statistics.median(pairs)


def test_transcoding_adds_at_most_150_ms(server: Server, figures) -> None:
    opus = offset(server, "real-time-flashes-opus", "beeps-opus", "ffmpeg9")
    aac = offset(server, "real-time-flashes", "beeps-aac", "ffmpeg")
    samples = server.metrics()
    delays = {float(name.split('"')[1]): value for name, value in samples.items()
              if name.startswith("millrace_webrtc_transcoder_delay_seconds_bucket") and "Inf" not in name}
    count = samples["millrace_webrtc_transcoder_delay_seconds_count"]
    mean = samples["millrace_webrtc_transcoder_delay_seconds_sum"] / count
    within = delays[0.15] / count
    figures(name="AAC to Opus", opus=opus, aac=aac, added=aac - opus, mean=mean, within=within)
    assert aac - opus <= 0.15, (aac, opus)
    assert within > 0.95, delays


def transcoders(server: Server) -> list[int]:
    """The programs that the node has started, by their numbers."""
    children = pathlib.Path(f"/proc/{server.pid}/task").glob("*/children")
    return [int(number) for path in children for number in path.read_text().split()]


def test_one_program_a_stream_that_ends_with_its_last_viewer_or_its_node(binary) -> None:
    with Server() as server, Publisher("real-time", server.publish_url("shared")):
        server.wait_live("shared")
        assert transcoders(server) == []
        with contextlib.ExitStack() as viewers:
            for _ in range(3):
                viewers.enter_context(watching(server, "shared", 60))
            wait_until(lambda: server.metrics().get('millrace_webrtc_sessions{protocol="whep"}') == 3, 30, "three")
            wait_until(lambda: len(transcoders(server)) == 1, 20, "one program")
        first = transcoders(server)[0]
        wait_until(lambda: not transcoders(server), 60, "the program to end with its viewers")
        wait_until(lambda: is_gone(first), 10, "it to be gone")
        with watching(server, "shared", 60):
            wait_until(lambda: len(transcoders(server)) == 1, 30, "another program")
            second = transcoders(server)[0]
            server.process.kill()
            wait_until(lambda: is_gone(second), 10, "the program to end with its node")


@contextlib.contextmanager
def watching(server: Server, name: str, length: float):
    """A viewer that is ended with its block."""
    process = subprocess.Popen([sys.executable, str(HERE / "whep_play.py"), server.url(f"/live/{name}/whep"),
                                str(length), "--audio"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def is_gone(process: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("program", ["", "/nowhere/ffmpeg"], ids=["off", "missing"])
def test_without_ffmpeg_there_are_pictures_and_a_word_about_it(binary, program: str) -> None:
    with Server(WEBRTC_TRANSCODER=program) as server, Publisher("real-time", server.publish_url("silent")):
        server.wait_live("silent")
        played = play(server, "silent", 3, "--audio")
        check_video(played)
        assert "audio" not in played and "ffmpeg" in played["note"], played
        assert "WHEP viewers do not hear a stream" in server.log()
        assert server.metric("millrace_webrtc_answers_without_sound_total") == 1


def test_a_killed_program_is_followed_by_another(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(Publisher("real-time", server.publish_url("mortal")))
        server.wait_live("mortal")
        stack.enter_context(watching(server, "mortal", 60))
        wait_until(lambda: len(transcoders(server)) == 1, 40, "a program")
        first = transcoders(server)[0]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: transcoders(server) not in ([], [first]), 20, "another")
        check_sound(play(server, "mortal", 4, "--audio"))


def test_b_frames_are_refused_with_a_reason(server: Server) -> None:
    with Publisher("default", server.publish_url("b-frames")):
        server.wait_live("b-frames")
        wait_until(lambda: play(server, "b-frames", 2).get("status") == 422, 30, "422", every=0.5)
        assert "B-frames" in play(server, "b-frames", 1)["text"]
    assert "publish without B-frames" in server.log()


@pytest.mark.parametrize("flags", [(), ("-whip_flags", "dtls_active")], ids=["passive", "active"])
def test_whip_of_ffmpeg_plays_everywhere(server: Server, flags: tuple[str, ...]) -> None:
    name = "ffmpeg" + ("-active" if flags else "")
    with ffmpeg_whip(server, name, *flags):
        server.wait_live(name)
        played = play(server, name, seconds(5, 60), "--audio")
        check_video(played)
        assert played["audio"]["frames"] >= 0.95 * 50 * played["audio"]["played"]
        assert played["lost"]["audio"] == 0
        assert codecs(server, name) == {"h264", "opus"}


def test_whip_of_aiortc_plays_everywhere(server: Server) -> None:
    with aiortc_whip(server, "aiortc"):
        server.wait_live("aiortc")
        check_video(play(server, "aiortc", seconds(5, 60), "--audio"))
        assert codecs(server, "aiortc") == {"h264", "opus"}


def test_chromium_watches_rtmp_by_whep(server: Server, figures) -> None:
    with Publisher("real-time", server.publish_url("browser")), Browser(flags=webrtc_page.FLAGS) as browser:
        server.wait_live("browser")
        browser.open(server.url("/"))
        webrtc_page.start(browser, webrtc_page.WHEP, server.url("/live/browser/whep"), ["video", "audio"])
        wait_until(lambda: webrtc_page.state(browser).get("first"), 15, "the first frame")
        wait_until(lambda: abs((webrtc_page.state(browser).get("tone") or 0) - 440) < 15, 15, "the tone to be heard")
        before = webrtc_page.stats(browser)["inbound-rtp/video"]
        begun = time.monotonic()
        time.sleep(seconds(5, 60))
        after, passed = webrtc_page.stats(browser)["inbound-rtp/video"], time.monotonic() - begun
        sound = webrtc_page.stats(browser)["inbound-rtp/audio"]
        assert sound["packetsLost"] == 0 and sound["totalSamplesReceived"] > 0, sound
        assert after["packetsLost"] == 0
        assert after["framesDecoded"] - before["framesDecoded"] >= 0.95 * 30 * passed - 2
        first = webrtc_page.state(browser)["first"] / 1000
        figures(name="WHEP of RTMP in Chromium", first=first,
                concealed=sound["concealedSamples"] / sound["totalSamplesReceived"])
        assert first < 1.5


def test_chromium_publishes_by_whip(server: Server) -> None:
    with Browser(flags=webrtc_page.FLAGS) as browser, Browser() as viewer:
        browser.open(server.url("/"))
        webrtc_page.start(browser, webrtc_page.WHIP, server.url("/live/camera/whip"), "H264")
        server.wait_live("camera")
        played = play(server, "camera", seconds(5, 60), "--audio")
        assert played["lost"] == {"video": 0, "audio": 0}, played
        assert played["video"]["first"] < 1.5 and played["video"]["frames"] > 50, played
        assert codecs(server, "camera") == {"h264", "opus"}
        Watching(viewer, server.url("/watch/live/camera")).start()


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1"])
def test_what_browsers_also_send_plays_where_it_can(binary, codec: str) -> None:
    """By WebRTC in Chromium, and in aiortc where that has the codec; as the playlists name it in ffprobe; and on the page
    over LL-HLS where MSE takes it, else, as with VP8, by WebRTC."""
    name = codec.lower()
    with Server(PAGE_HLS_JS=clips.hls_js()) as server, Browser(flags=webrtc_page.FLAGS) as browser, \
            Browser(flags=webrtc_page.FLAGS) as viewer:
        browser.open(server.url("/"))
        webrtc_page.start(browser, webrtc_page.WHIP, server.url(f"/live/{name}/whip"), codec)
        server.wait_live(name)
        assert codecs(server, name) == {name, "opus"}
        viewer.open(server.url("/"))
        webrtc_page.start(viewer, webrtc_page.WHEP, server.url(f"/live/{name}/whep"), ["video", "audio"])
        wait_until(lambda: webrtc_page.state(viewer).get("first"), 15, "the first frame")
        pages = [(browser, "outbound"), (viewer, "inbound")]
        # How many pictures its encoder makes is this machine's affair.
        sent, before = (webrtc_page.stats(page)[f"{way}-rtp/video"] for page, way in pages)
        time.sleep(seconds(4, 60))
        sent_now, after = (webrtc_page.stats(page)[f"{way}-rtp/video"] for page, way in pages)
        made, shown = sent_now["framesSent"] - sent["framesSent"], after["framesDecoded"] - before["framesDecoded"]
        assert after["packetsLost"] == 0 and shown >= 0.95 * made - 3 > 10, (made, shown, after)
        watching = Watching(viewer, server.url(f"/watch/live/{name}")).start(20)
        assert watching.stats()["engine"] == ("webrtc" if codec == "VP8" else "hls.js")
        if codec == "VP8":
            played = play(server, name, seconds(3, 30), "--audio")
            assert played["lost"] == {"video": 0, "audio": 0} and played["video"]["frames"] > 30, played


def test_the_page_publishes_a_camera(server: Server, figures) -> None:
    with Browser(flags=webrtc_page.FLAGS) as browser:
        browser.open(server.url("/publish?stream=from-the-page"))
        browser.evaluate("document.querySelector('[value=camera]').click()")
        wait_until(lambda: browser.evaluate("return window.__stats?.state") == "live", 20, "the page to be live")
        server.wait_live("from-the-page")
        played = play(server, "from-the-page", seconds(4, 30), "--audio")
        assert played["video"]["frames"] > 50 and played["lost"] == {"video": 0, "audio": 0}, played
        assert codecs(server, "from-the-page") == {"h264", "opus"}
        stats = browser.evaluate("return window.__stats")
        assert stats["bitrate"] > 10_000 and stats["width"] > 0 and stats["frames"] > 30, stats
        assert stats["roundTrip"] is not None and stats["lost"] == 0, stats
        assert not browser.evaluate("return document.getElementById('watch').hidden")
        browser.evaluate("document.getElementById('stop').click()")
        wait_until(lambda: server.metrics().get('millrace_webrtc_sessions{protocol="whip"}') == 0, 10, "the end")
        figures(name="the page publishes", bitrate=stats["bitrate"], roundTrip=stats["roundTrip"])


def test_the_page_says_that_there_is_no_sound(binary) -> None:
    with Server(WEBRTC_TRANSCODER="") as server, Publisher("real-time", server.publish_url("mute")), \
            Browser(flags=webrtc_page.FLAGS) as browser:
        server.wait_live("mute")
        browser.open(server.url("/watch/live/mute?engine=webrtc"))
        wait_until(lambda: "ffmpeg" in browser.evaluate("return document.getElementById('note')?.textContent ?? ''"), 20,
                   "the page to say why")


def test_the_page_says_why_it_may_not_publish(binary) -> None:
    with Server(ACCESS_TRUST_LOOPBACK="false") as server, Browser(flags=webrtc_page.FLAGS) as browser:
        browser.open(server.url("/publish?stream=refused"))
        browser.evaluate("document.getElementById('token').value = 'millrace_nonsense'")
        browser.evaluate("document.querySelector('[value=camera]').click()")
        wait_until(lambda: browser.evaluate("return window.__stats?.state") == "refused", 20, "the page to be refused")
        assert "token" in browser.evaluate("return document.getElementById('problem').textContent").lower()
        assert browser.evaluate("return document.getElementById('video').srcObject") is None, "the camera goes on"


def test_the_page_plays_by_webrtc(server: Server, figures) -> None:
    with Publisher("real-time", server.publish_url("page")), Browser(flags=webrtc_page.FLAGS) as browser:
        server.wait_live("page")
        watching = Watching(browser, server.url("/watch/live/page?engine=webrtc")).start(20)
        samples = watching.sample(seconds(6, 60), settle=1)
        assert samples[-1]["engine"] == "webrtc" and samples[-1]["state"] == "playing", samples[-1]
        assert moved(samples) > 0.9, samples[-1]
        assert 0 < samples[-1]["latency"] < 0.5, samples[-1]
        assert not browser.console()
        figures(name="the page by WebRTC", latency=samples[-1]["latency"], startup=watching.startup,
                stalls=samples[-1]["stalls"] - samples[0]["stalls"])
