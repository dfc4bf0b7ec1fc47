# SPDX-License-Identifier: Apache-2.0
"""Test clips, encoded once into `.tools/clips`: a moving pattern with its own clock and a tone.

Publishing then only copies, so that an encoder never competes with the server under test for the processor.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import pathlib
import subprocess
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(os.environ.get("MILLRACE_TOOLS", ROOT / ".tools"))
FULL = os.environ.get("PROVE") == "1"


@dataclasses.dataclass(frozen=True)
class Clip:
    """A recipe. `rate` is a fraction as ffmpeg writes it; `gop` is in seconds, 0 means no fixed one."""

    name: str
    size: str = "640x360"
    rate: str = "30"
    gop: float = 2
    seconds: float = 32
    keyframes: str = ""  # where they stand, as ffmpeg takes it, where they stand irregularly
    codec: str = "h264"
    audio: str = "aac"
    bitrate: str = "800k"
    b_frames: int = 2
    video_filter: str = ""
    source: str = "testsrc2"
    audio_source: str = "sine=frequency=440:sample_rate=48000"
    variable: bool = False
    minimum_keyframe: int = 0  # bytes that the largest keyframe has to have

    @property
    def frames_a_second(self) -> float:
        numerator, _, denominator = self.rate.partition("/")
        return int(numerator) / int(denominator or 1)


DEFAULT = Clip("default")
# Every two seconds a white picture and a beep at the same instant.
FLASHES = dict(source="color=black", video_filter="drawbox=color=white:t=fill:enable='lt(mod(t,2),0.2)'",
               audio_source="aevalsrc='if(lt(mod(t,2),0.2),0.8*sin(2*PI*1000*t),0)':sample_rate=48000")
LARGE = dict(size="1920x1080", bitrate="5M") if FULL else {}
CLIPS = {clip.name: clip for clip in (
    DEFAULT,
    Clip("1080p30-b-frames", size="1920x1080", bitrate="6M", b_frames=3, minimum_keyframe=64 * 1024),
    Clip("gop-1", gop=1, **LARGE),
    Clip("gop-4", gop=4, **LARGE),
    Clip("gop-10", gop=10, seconds=60, **LARGE),
    Clip("23.976", rate="24000/1001", seconds=32.032),
    Clip("25", rate="25"),
    Clip("29.97", rate="30000/1001", seconds=32.032),
    Clip("60", rate="60"),
    Clip("variable", variable=True, video_filter="select='not(eq(mod(n,7),3))*not(eq(mod(n,11),5))*lt(mod(n,90),81)'"),
    Clip("long", seconds=128),
    Clip("irregular", gop=10, keyframes=",".join(str(at) for at in (1.4, 3.1, 5, 5.5, 8.2, 9, 11.7, 14, 16.9, 18, 20.5))),
    Clip("hevc", codec="hevc", b_frames=2),
    Clip("av1", codec="av1", size="480x270", audio="opus"),
    Clip("vp9", codec="vp9", size="480x270", audio="opus"),
    Clip("opus", audio="opus"),
    Clip("audio-only", codec="none"),
    Clip("video-only", audio="none"),
    Clip("low-latency", gop=1, b_frames=0, bitrate="600k", seconds=64),
    Clip("small", size="320x180", rate="15", gop=1, b_frames=0, bitrate="100k"),
    Clip("load-300k", b_frames=0, bitrate="200k", size="480x270"),
    Clip("load-100k", rate="15", b_frames=0, bitrate="100k", size="320x180", audio="none"),
    # Whole parts of half a second, of two pictures each.
    Clip("load-40k", rate="4", b_frames=0, bitrate="40k", size="320x180", audio="none"),
    Clip("real-time", b_frames=0, bitrate="1500k", size="1280x720"),
    Clip("real-time-opus", b_frames=0, bitrate="1500k", size="1280x720", audio="opus",
         audio_source="sine=frequency=440:sample_rate=48000,aformat=channel_layouts=stereo"),
    Clip("real-time-flashes", b_frames=0, bitrate="1500k", **FLASHES),
    Clip("real-time-flashes-opus", b_frames=0, bitrate="1500k", audio="opus", **FLASHES),
    Clip("flash-and-beep", b_frames=2, **FLASHES),
)}


def ffmpeg9() -> str:
    """The static ffmpeg of the imageio-ffmpeg wheel, for Enhanced RTMP; raises where `scripts/setup test` did not run."""
    if "MILLRACE_FFMPEG9" in os.environ:
        return os.environ["MILLRACE_FFMPEG9"]
    found = sorted(TOOLS.glob("venv/lib/python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-linux-*"))
    if found:
        os.chmod(found[-1], 0o755)
        return str(found[-1])
    for wheel in sorted(TOOLS.glob("wheels/imageio_ffmpeg-*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if "/binaries/ffmpeg-linux-" in name)
            if not (TOOLS / "imageio" / name).exists():
                os.chmod(archive.extract(name, TOOLS / "imageio"), 0o755)
            return str(TOOLS / "imageio" / name)
    raise FileNotFoundError("no ffmpeg of imageio-ffmpeg: run scripts/setup test")


def hls_js() -> str:
    """hls.js 1.6 out of the gradio wheel; raises where `scripts/setup test` did not run."""
    if "MILLRACE_HLS_JS" in os.environ:
        return os.environ["MILLRACE_HLS_JS"]
    if (TOOLS / "hls/hls.js").exists():
        return str(TOOLS / "hls/hls.js")
    found = sorted(TOOLS.glob("hls*.js")) + sorted(
        TOOLS.glob("venv/lib/python3*/site-packages/gradio/templates/frontend/assets/hls-*.js"))
    if found:
        return str(found[0])
    for wheel in sorted(TOOLS.glob("wheels/gradio-*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if "/frontend/assets/hls-" in name and name.endswith(".js"))
            (TOOLS / "hls.js").write_bytes(archive.read(name))
        return str(TOOLS / "hls.js")
    raise FileNotFoundError("no hls.js: run scripts/setup test")


def path(name: str, container: str = "mp4") -> str:
    """The clip as a file, encoded at the first wish for it."""
    clip = CLIPS[name]
    recipe = _command(clip)
    digest = hashlib.sha256(" ".join(recipe).encode()).hexdigest()[:12]
    folder = TOOLS / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{digest}.mp4"
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            part = target.with_suffix(".part.mp4")
            _run([_encoder(clip), *recipe, str(part)])
            _check(clip, str(part))
            part.rename(target)
        if container == "mp4":
            return str(target)
        other = target.with_suffix(f".{container}")
        if not other.exists():
            part = other.with_suffix(f".part.{container}")
            _run(["ffmpeg", "-hide_banner", "-v", "error", "-y", "-i", str(target), "-c", "copy", str(part)])
            part.rename(other)
        return str(other)


def largest_packet(file: str) -> int:
    """Bytes of the largest video packet."""
    sizes = _run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=size", "-of",
                  "default=nw=1:nk=1", file]).split()
    return max(int(size) for size in sizes)


def _encoder(clip: Clip) -> str:
    return ffmpeg9() if clip.codec in ("hevc", "av1", "vp9") else "ffmpeg"


def _command(clip: Clip) -> list[str]:
    command = ["-hide_banner", "-v", "error", "-y"]
    if clip.codec != "none":
        separator = ":" if "=" in clip.source else "="
        command += ["-f", "lavfi", "-i", f"{clip.source}{separator}size={clip.size}:rate={clip.rate}"]
    if clip.audio != "none":
        command += ["-f", "lavfi", "-i", clip.audio_source]
    command += ["-t", str(clip.seconds)]
    if clip.codec != "none":
        clock = "drawtext=text='%{pts\\:hms}':fontsize=h/8:fontcolor=white:box=1:boxcolor=black:x=(w-tw)/2:y=h/3"
        filters = [clip.video_filter] if clip.video_filter else []
        command += ["-vf", ",".join([*filters, clock, "format=yuv420p"]), *_video(clip)]
    command += {"aac": ["-c:a", "aac", "-b:a", "96k"], "opus": ["-c:a", "libopus", "-b:a", "96k"], "none": []}[clip.audio]
    return command + ["-movflags", "+faststart"]


def _video(clip: Clip) -> list[str]:
    keyframes = max(1, round(clip.gop * clip.frames_a_second))
    if clip.codec == "h264":
        options = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-bf", str(clip.b_frames), "-g",
                   str(keyframes), "-keyint_min", str(keyframes), "-sc_threshold", "0"]
    elif clip.codec == "hevc":
        options = ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params",
                   f"log-level=error:keyint={keyframes}:min-keyint={keyframes}:scenecut=0:open-gop=0:"
                   f"bframes={clip.b_frames}"]
    elif clip.codec == "vp9":
        options = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", str(keyframes),
                   "-keyint_min", str(keyframes)]
    else:
        options = ["-c:v", "libsvtav1", "-preset", "12", "-g", str(keyframes), "-svtav1-params", "scd=0"]
    rate = ["-vsync", "vfr"] if clip.variable else []
    if clip.variable:
        options += ["-force_key_frames", f"expr:gte(t,n_forced*{clip.gop})"]
    if clip.keyframes:
        options += ["-force_key_frames", clip.keyframes]
    peak = ["-maxrate", clip.bitrate, "-bufsize", clip.bitrate] if clip.codec == "h264" else []
    return options + ["-b:v", clip.bitrate, *peak, *rate]


def _check(clip: Clip, file: str) -> None:
    if clip.minimum_keyframe and largest_packet(file) <= clip.minimum_keyframe:
        raise AssertionError(f"clip {clip.name}: its largest keyframe is only {largest_packet(file)} bytes")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    for each in CLIPS:
        print(path(each), flush=True)
