# SPDX-License-Identifier: Apache-2.0
"""Proof 1 and 3: every kind of publisher, read by ffprobe, playbin3 and the lint with its box walker."""

from __future__ import annotations

import re
import subprocess

import pytest

import clips
import players
import publishers
from conftest import seconds
from linting import LintProcess
from publishers import ROWS, Publisher, Row
from server import Server

IN_EVERY_RUN = {"1080p30-b-frames", "gop-4", "29.97", "variable", "irregular", "hevc", "av1", "vp9",
                "audio-only"}


def rows() -> list:
    chosen = [row for row in ROWS if clips.FULL or row.clip in IN_EVERY_RUN or row.program == "gstreamer"]
    return [pytest.param(row, id=re.sub(r"[^A-Za-z0-9.]+", "-", row.name)) for row in chosen]


class Table:
    """Publishes the rows in batches: those of one batch run side by side, each with a lint of its own."""

    batch = 5

    def __init__(self, server: Server) -> None:
        self.server, self.rows = server, [parameter.values[0] for parameter in rows()]
        self.first = -1
        self.running: dict[str, tuple[Publisher, LintProcess]] = {}

    def start(self, row: Row) -> tuple[Publisher, LintProcess]:
        """The row's publisher and lint; the batch before is over when the first row of another is asked for."""
        index = self.rows.index(row)
        if index // self.batch != self.first:
            self.end()
            self.first = index // self.batch
            for each in self.rows[self.first * self.batch:(self.first + 1) * self.batch]:
                publisher = Publisher(each.clip, self.server.publish_url(name(each)), each.program)
                lint = LintProcess(self.server.playlist(name(each)), seconds(15, 60) + each.first_segments, *each.lint)
                self.running[each.name] = (publisher.__enter__(), lint)
        return self.running[row.name]

    def end(self) -> None:
        for publisher, lint in self.running.values():
            publisher.__exit__()
            lint.kill()
        self.running = {}


def name(row: Row) -> str:
    """The stream a row is published as."""
    return re.sub(r"\W+", "-", row.name.lower()).strip("-")


@pytest.fixture(scope="module")
def running(server: Server):
    """The table, ended whatever happens."""
    table = Table(server)
    yield table
    table.end()


@pytest.mark.parametrize("row", rows())
def test_plays_everywhere(running: Table, row: Row, figures) -> None:
    """ffprobe and playbin3 play it; playlists, boxes and times are right."""
    publisher, lint = running.start(row)
    url = running.server.wait_live(name(row), seconds=45 + 2 * row.first_segments)
    check_probe(players.ffprobe(url), row)
    positions, words = players.playbin(url, seconds=3)
    if clips.FULL:
        assert players.decode(url, 5) == ""
        assert players.decode(url, 5, "ffmpeg9") == ""
    summary = lint.summary
    figures(kind="publisher", name=row.name, **summary, findings=lint.rules)
    assert publisher.alive, publisher.log()
    assert len(positions) >= 3 and positions[-1] > positions[0], f"playbin3: {positions}\n{words[-1500:]}"
    assert not lint.errors, "\n".join(lint.errors[:20])
    assert summary["segments"] >= 2 and summary["parts"] >= 2, summary


def check_probe(probe: players.Probe, row: Row) -> None:
    """The codecs, size and rate that were sent."""
    assert (probe.video or {}).get("codec_name") == row.video, probe
    assert (probe.audio or {}).get("codec_name") == row.audio, probe
    if row.video:
        assert f"{probe.video['width']}x{probe.video['height']}" == clips.CLIPS[row.clip].size, probe.video
    if row.video and row.rate:
        assert abs(probe.rate - row.rate) < 0.03 * row.rate, probe.video


def test_decodes_without_complaint(server: Server) -> None:
    """Both ffmpegs decode every frame of the stream with errors made fatal."""
    with Publisher("1080p30-b-frames", server.publish_url("decode")):
        url = server.wait_live("decode")
        assert players.decode(url, 5) == ""
        assert players.decode(url, 5, "ffmpeg9") == ""


def test_sound_and_picture_are_in_step(server: Server, figures) -> None:
    """A flash and a beep that were sent together are shown together, to 45 ms (ITU-R BT.1359 detectability)."""
    with Publisher("flash-and-beep", server.publish_url("sync")):
        offsets = flash_to_beep(server.wait_live("sync"), seconds(9, 30))
    assert len(offsets) >= 2, offsets
    source = flash_to_beep(clips.path("flash-and-beep"), 20)
    added = max(abs(offset) for offset in offsets) - min(abs(offset) for offset in source)
    figures(kind="sync", worst=max(map(abs, offsets)), source=max(map(abs, source)), flashes=len(offsets))
    assert max(map(abs, offsets)) < 0.045, f"{offsets}, in the source {source}, added {added}"


def flash_to_beep(url: str, length: float) -> list[float]:
    """Seconds from each flash to its beep, by ffmpeg's own detectors."""
    done = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostdin", "-i", url, "-t", str(length), "-vf", "blackdetect=d=0.3:pix_th=0.2:pic_th=0.9",
         "-af", "silencedetect=n=-30dB:d=0.3", "-f", "null", "-"], capture_output=True, text=True, timeout=length + 60)
    flashes = [float(time) for time in re.findall(r"black_end:([\d.]+)", done.stderr)]
    beeps = [float(time) for time in re.findall(r"silence_end: ([\d.]+)", done.stderr)]
    # The last black may end only because the reading did.
    return [min((beep - flash for beep in beeps), key=abs) for flash in flashes[:-1] if beeps]


def test_rtmp_and_flv_viewers(server: Server, figures) -> None:
    """RTMP play and HTTP-FLV from the last random access point."""
    with Publisher("default", server.publish_url("direct")):
        server.wait_live("direct")
        for url in (server.publish_url("direct"), server.url("/live/direct.flv")):
            probe = players.ffprobe(url)
            assert probe.video["codec_name"] == "h264" and probe.audio["codec_name"] == "aac", (url, probe)
            assert probe.video["profile"] == "High" and probe.video["width"] == 640, probe.video
            complaints = players.decode(url, 4)
            assert complaints == "", f"{url}: {complaints}"
            figures(kind="direct", name=url.split(":")[0], codec=probe.video["codec_name"])


def test_flat_playlist(server: Server) -> None:
    """/{app}/{name}.m3u8 plays as /{app}/{name}/index.m3u8 does."""
    with Publisher("default", server.publish_url("flat")):
        server.wait_live("flat")
        assert players.ffprobe(server.url("/live/flat.m3u8")).video["codec_name"] == "h264"


def test_publisher_commands_differ() -> None:
    """Each row has a command line of its own program."""
    programs = {row.program for row in ROWS}
    assert programs == {"ffmpeg", "ffmpeg9", "gstreamer"}
    assert publishers.command("default", "rtmp://host/live/x", "gstreamer")[0] == "gst-launch-1.0"
