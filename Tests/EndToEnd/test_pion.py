# SPDX-License-Identifier: Apache-2.0
"""WHIP and WHEP with pion, as Debian has it: every frame, none lost. The client is Tests/EndToEnd/pion, which scripts/setup
builds."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess

import pytest

import clips
from conftest import seconds
from server import Server
from test_webrtc import aiortc_whip, check_video, codecs, ffmpeg_whip, play

PION = clips.TOOLS / "pion"


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, pathlib.Path]:
    """The clip's pictures as Annex B, and its sound with a packet on each page of Ogg."""
    folder, clip = tmp_path_factory.mktemp("pion"), clips.path("real-time-opus")
    video, audio = folder / "video.h264", folder / "audio.ogg"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", clip, "-map", "0:v", "-c", "copy", "-bsf", "h264_mp4toannexb",
                    str(video), "-map", "0:a", "-c", "copy", "-page_duration", "20000", str(audio)], check=True)
    return video, audio


@contextlib.contextmanager
def pion_whip(server: Server, name: str, tracks: tuple[pathlib.Path, pathlib.Path], length: float):
    """pion publishing the clip, without encoding, for so long."""
    process = subprocess.Popen([PION, "publish", server.url(f"/live/{name}/whip"), *map(str, tracks), str(length)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        print(process.communicate(timeout=20)[1][-1500:])


def pion_whep(server: Server, name: str, length: float) -> dict:
    """What pion gets of a stream."""
    done = subprocess.run([PION, "watch", server.url(f"/live/{name}/whep"), str(length)], capture_output=True, text=True,
                          timeout=length + 60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def check(watched: dict) -> None:
    """At least 95 % of the pictures and of the sound, nothing lost, both at once."""
    for kind, rate in (("video", 30), ("audio", 50)):
        track = watched[kind]
        assert track["units"] >= 0.95 * rate * track["played"] and track["played"] > 2, watched
        assert track["lost"] == 0 and track["first"] < 2, watched


def test_pion_publishes_and_watches(server: Server, tracks, figures) -> None:
    length = seconds(6, 60)
    with pion_whip(server, "pion", tracks, length + 30) as publisher:
        server.wait_live("pion")
        assert codecs(server, "pion") == {"h264", "opus"}
        watched = pion_whep(server, "pion", length)
        check(watched)
        played = play(server, "pion", seconds(4, 30), "--audio")
        check_video(played)
        assert publisher.poll() is None
    figures(name="pion to pion", first=watched["video"]["first"], packets=watched["video"]["packets"])


def test_a_publisher_in_pion_is_gone_when_it_leaves(server: Server, tracks) -> None:
    deleted = 'millrace_webrtc_sessions_ended_total{reason="deleted"}'
    before = server.metrics().get(deleted, 0)
    with pion_whip(server, "brief", tracks, 4) as publisher:
        server.wait_live("brief")
        said, problem = publisher.communicate(timeout=30)
    assert publisher.returncode == 0, problem
    sent = json.loads(said)
    # A thirtieth of a second is a little less in whole nanoseconds.
    assert sent["pictures"] == 121 and sent["sounds"] == 200 and sent["connected"] < 5, sent
    assert server.metrics()[deleted] == before + 1


@pytest.mark.parametrize("publisher", [ffmpeg_whip, aiortc_whip], ids=["ffmpeg", "aiortc"])
def test_others_publish_and_pion_watches(server: Server, publisher, figures) -> None:
    name = publisher.__name__.replace("_", "-")
    with publisher(server, name):
        server.wait_live(name)
        watched = pion_whep(server, name, seconds(6, 60))
        check(watched)
    figures(name=f"{name} to pion", first=watched["video"]["first"], packets=watched["video"]["packets"])
