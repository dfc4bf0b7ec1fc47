# SPDX-License-Identifier: Apache-2.0
"""Real encoders as publishers: ffmpeg of Debian, ffmpeg 9, gstreamer. Each is a process that is always ended."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import tempfile
import time

import clips


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the table: a clip, who sends it, and what a reader of the stream must find."""

    name: str
    clip: str
    program: str = "ffmpeg"  # ffmpeg, ffmpeg9, gstreamer
    video: str | None = "h264"
    audio: str | None = "aac"
    rate: float | None = None  # frames a second, None where it varies
    first_segments: float = 0  # seconds the first segments last beyond the default
    lint: tuple[str, ...] = ()  # what the lint has to know


ROWS = [
    Row("1080p30 High, B-frames, keyframes over 64 KiB", "1080p30-b-frames", rate=30),
    Row("GOP 1 s", "gop-1", rate=30),
    Row("GOP 2 s", "default", rate=30),
    Row("GOP 4 s", "gop-4", rate=30, first_segments=4),
    Row("GOP 10 s", "gop-10", rate=30, first_segments=16),
    Row("23.976 frames a second", "23.976", rate=24000 / 1001),
    Row("25 frames a second", "25", rate=25),
    Row("29.97 frames a second", "29.97", rate=30000 / 1001),
    Row("60 frames a second", "60", rate=60),
    Row("variable frame rate", "variable"),
    Row("irregular keyframes", "irregular", rate=30, lint=("--any-start",)),
    Row("HEVC and AAC by Enhanced RTMP", "hevc", "ffmpeg9", video="hevc", rate=30),
    Row("AV1 and Opus by Enhanced RTMP", "av1", "ffmpeg9", video="av1", audio="opus", rate=30),
    Row("VP9 and Opus by Enhanced RTMP", "vp9", "ffmpeg9", video="vp9", audio="opus", rate=30),
    Row("H.264 and Opus by Enhanced RTMP", "opus", "ffmpeg9", audio="opus", rate=30),
    Row("gstreamer rtmp2sink", "long", "gstreamer", rate=30),
    Row("audio only", "audio-only", video=None),
    Row("video only", "video-only", audio=None, rate=30),
]


class Publisher:
    """A publishing process, as a context manager."""

    def __init__(self, clip: str, url: str, program: str = "ffmpeg") -> None:
        self.command = command(clip, url, program)
        self.process: subprocess.Popen | None = None
        self._log = tempfile.TemporaryFile()

    def __enter__(self) -> Publisher:
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self.begun = time.monotonic()
        return self

    def __exit__(self, failure: object = None, *_: object) -> None:
        self.stop()
        if failure is not None:
            print(f"--- {' '.join(self.command)}\n{self.log()[-2000:]}")
        self._log.close()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")

    def stop(self) -> None:
        """SIGINT, with which ffmpeg says goodbye; SIGKILL where that does not help."""
        if self.alive:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL: no goodbye, the kernel closes the connection."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


def command(clip: str, url: str, program: str = "ffmpeg") -> list[str]:
    """The command line; copies a prepared clip at its own pace, again and again."""
    if program == "gstreamer":
        return ["gst-launch-1.0", "-q", "filesrc", f"location={clips.path(clip)}", "!", "qtdemux", "name=d",
                "flvmux", "name=m", "streamable=true", "!", "clocksync", "!", "rtmp2sink", f"location={url}",
                "d.video_0", "!", "queue", "!", "h264parse", "!", "m.", "d.audio_0", "!", "queue", "!", "aacparse", "!",
                "m."]
    executable = clips.ffmpeg9() if program == "ffmpeg9" else "ffmpeg"
    pace = ["-re", "-readrate_initial_burst", "0.001"] if program == "ffmpeg9" else ["-re"]  # else it begins with half a second at once
    return [executable, "-hide_banner", "-nostdin", "-v", "warning", *pace, "-stream_loop", "-1", "-i",
            clips.path(clip), "-map", "0", "-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", url]
