# SPDX-License-Identifier: Apache-2.0
"""Real players: ffprobe, ffmpeg, gstreamer's playbin3."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from typing import BinaryIO

import clips


@dataclasses.dataclass
class Probe:
    """What ffprobe says of a URL."""

    video: dict | None
    audio: dict | None

    @property
    def rate(self) -> float:
        """Frames a second; by the stream's base rate where too few frames were read for an average."""
        rates = [self.video[name].split("/") for name in ("avg_frame_rate", "r_frame_rate")]
        return next(int(numerator) / int(denominator) for numerator, denominator in rates if int(denominator))


def ffprobe(url: str, timeout: float = 40) -> Probe:
    """Opens a URL as a viewer and reads its streams; raises AssertionError with ffprobe's words."""
    done = subprocess.run(["ffprobe", "-v", "error", "-show_streams", "-of", "json", "-rw_timeout", "20000000", url],
                          capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"ffprobe {url}: {done.stderr[-1500:]}"
    streams = json.loads(done.stdout).get("streams", [])
    kinds = {stream["codec_type"]: stream for stream in reversed(streams)}
    return Probe(kinds.get("video"), kinds.get("audio"))


def decode(url: str, seconds: float, program: str = "ffmpeg", timeout: float = 90) -> str:
    """Decodes some seconds and returns what ffmpeg complained of: an empty string is good."""
    executable = clips.ffmpeg9() if program == "ffmpeg9" else "ffmpeg"
    done = subprocess.run([executable, "-hide_banner", "-nostdin", "-v", "warning", "-err_detect", "explode", "-i", url,
                           "-t", str(seconds), "-f", "null", "-"], capture_output=True, text=True, timeout=timeout)
    complaints = [line for line in done.stderr.splitlines() if line.strip() and not _HARMLESS.search(line)]
    return "\n".join(complaints) if done.returncode == 0 else f"status {done.returncode}\n{done.stderr[-1500:]}"


def playbin(url: str, seconds: float = 6, timeout: float = 45) -> tuple[list[float], str]:
    """Plays with gstreamer's playbin3; returns the stream positions it reported in seconds, and its other words."""
    report = "progressreport update-freq=1 silent=false do-query=false name={0} ! fakesink sync=true"
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            ["gst-launch-1.0", "playbin3", f"uri={url}", f"video-sink={report.format('video')}",
             f"audio-sink={report.format('audio')}"], stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT)
        end = time.monotonic() + timeout
        try:
            while time.monotonic() < end and process.poll() is None and len(positions(_text(words))) <= seconds:
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        output = _text(words)
    return positions(output), output


def positions(output: str) -> list[float]:
    """Positions in progressreport's lines, video before audio where both report."""
    found: dict[str, list[float]] = {"video": [], "audio": []}
    for match in re.finditer(r"(video|audio) \(\d\d:\d\d:\d\d\): (\d+) ", output):
        found[match.group(1)].append(float(match.group(2)))
    return found["video"] or found["audio"]


def _text(file: BinaryIO) -> str:
    """All of a file that another process still writes, without moving the offset they share."""
    return os.pread(file.fileno(), 1 << 24, 0).decode(errors="replace")


_HARMLESS = re.compile(
    r"Skip \('#EXT-X-|keepalive request failed|Opening '|Consider increasing|deprecated|Could not find codec parameters"
    r"|Found duplicated MOOV Atom|Last message repeated|max_analyze_duration|Stream #.*not enough frames")
