#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures WebRTC viewers of Millrace beside those of Debian's Janus (streaming plugin), by turns in one run: the server on
core 0, millrace-load's viewers on core 1. ffmpeg publishes the same 1 Mbit/s of H.264 and Opus to both, by WHIP and by RTP.
`scripts/bench whep` calls this and writes docs/results/whep.md."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from cores import DISTURBED, LOAD_CORE, SERVER_CORE, TICK, core_busy, free_ports, hand_over, machine

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / ".tools/clips/bench-1m.mkv"
FFMPEG = ROOT / ".tools/ffmpeg"
JOINS = 50


def main():
    options = arguments()
    clip()
    turns = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        for number in range(options.rounds):
            for viewers in options.viewers:
                for kind in (Millrace, Janus)[::-1 if number % 2 else 1]:
                    if kind is Janus and viewers > options.janus_most:
                        continue
                    home = Path(folder) / f"{kind.name}-{viewers}-{number}"
                    home.mkdir()
                    turns.append(measure(kind(home, options), viewers, options))
                    print(line(turns[-1]), file=sys.stderr, flush=True)
    status = hand_over("whep.md", markdown(turns, options), turns, options, Millrace.name)
    return 1 if missed_goals(turns) and not options.short else status


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=lambda text: [int(word) for word in text.split(",")], default=[100, 200, 500, 1000])
    parser.add_argument("--janus-most", type=int, default=200, help="with more, Janus has more than a core to do here")
    parser.add_argument("--seconds", type=int, default=20, help="the window in which CPU time and packets are counted")
    parser.add_argument("--settle", type=int, default=5, help="seconds from the last join to the window")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server and number of viewers")
    parser.add_argument("--short", action="store_true", help="50 viewers, one round of 5 s: does it run at all")
    parser.add_argument("--output", type=Path, help="a folder for whep.md; docs/results without --short")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--millrace", type=Path, default=ROOT / ".build/release/millrace")
    parser.add_argument("--load", type=Path, default=ROOT / ".build/release/millrace-load")
    options = parser.parse_args()
    if options.short:
        options.viewers, options.seconds, options.settle, options.rounds = [50], 5, 3, 1
    elif options.output is None:
        options.output = ROOT / "docs/results"
    for program in (options.millrace, options.load, FFMPEG):
        if not program.exists():
            sys.exit(f"{program} is missing: make bench whep")
    return options


def clip():
    """1280x720 at 30 frames a second, about 900 kbit/s of H.264 with 2 s from one IDR to the next, Opus at 96 kbit/s."""
    if CLIP.exists():
        return
    CLIP.parent.mkdir(parents=True, exist_ok=True)
    part = CLIP.with_suffix(".part.mkv")
    subprocess.run(
        [FFMPEG, "-hide_banner", "-loglevel", "error", "-y",
         "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30", "-f", "lavfi", "-i", "sine=sample_rate=48000",
         "-t", "20", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "baseline", "-pix_fmt", "yuv420p",
         "-b:v", "900k", "-maxrate", "900k", "-bufsize", "900k", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
         "-c:a", "libopus", "-b:a", "96k", "-ac", "2", str(part)], check=True)
    part.rename(CLIP)


def measure(server, viewers, options):
    """One turn of one server."""
    ramp = max(1, viewers // JOINS)
    settle = ramp + options.settle
    with server:
        server.publish()
        idle = server.memory()
        load, result = server.watch(viewers, ramp, settle, settle + options.seconds)
        time.sleep(settle)
        before, busy, start = server.cpu(), core_busy(), time.monotonic()
        time.sleep(options.seconds - 0.2)
        elapsed, used, busy = time.monotonic() - start, server.cpu() - before, core_busy() - busy
        memory, load_busy = server.memory(), processor(load.pid)
        seen = finish(load, result, server.home)
    packets = seen["steadyPackets"] / seen["steadySeconds"]
    lost = seen["lostPackets"] + seen["repairedPackets"]
    return {
        "server": server.name, "viewers": viewers, "cpu_percent": 100 * used / elapsed,
        "packet_us": 1e6 * used / elapsed / packets if packets else 0, "packets": packets,
        "packets_a_viewer": packets / viewers, "memory_kb": (memory - idle) / viewers / 1024,
        # What this machine dropped before it was read is the load's own fault.
        "lost": lost, "lost_of_server": max(0, lost - seen["overrunPackets"]), "overrun": seen["overrunPackets"],
        "load_percent": 100 * load_busy / (settle + options.seconds),
        "others_percent": max(0.0, 100 * (busy - used) / elapsed),
        "sound": seen["started"] == viewers and seen["faultCount"] == 0,
        "seen": seen,
    }


def finish(process, result, home):
    process.wait(120)
    if not result.exists():
        sys.exit(f"the load ended with {process.returncode}: {(home / 'load.log').read_text()}")
    return json.loads(result.read_text())


class Server:
    """A server on core 0 and its publisher on core 1, as a context manager that ends what it started."""

    def __init__(self, home, options):
        self.home, self.options, self.children, self.process = home, options, [], None
        self.http, self.rtmp, self.webrtc, self.video, self.audio = free_ports(5)

    def __enter__(self):
        self.process = self.start("server", SERVER_CORE, self.command(), self.environment())
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.children):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def start(self, name, core, command, environment=None):
        with open(self.home / f"{name}.log", "wb") as log:
            process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, cwd=self.home, env=environment)
        self.children.append(process)
        return process

    def publish(self):
        self.start("publisher", LOAD_CORE, [FFMPEG, "-hide_banner", "-nostdin", "-v", "warning", "-re", "-stream_loop", "-1",
                                            "-i", CLIP, *self.target()])
        time.sleep(5)

    def watch(self, viewers, ramp, settle, seconds):
        result = self.home / "load.json"
        words = ["--viewers", viewers, "--ramp", f"{ramp}s", "--settle", f"{settle}s", "--seconds", seconds, "--result", result]
        return self.start("load", LOAD_CORE, [self.options.load, "watch", "whep", *self.endpoint(), *words]), result

    def wait(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{self.ready}", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{self.name} does not start: {(self.home / 'server.log').read_text()[-2000:]}")

    def cpu(self):
        """Seconds of CPU time, user and system."""
        return processor(self.process.pid)

    def memory(self):
        """Resident bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Millrace(Server):
    name = "millrace"
    ready = "/ready"

    def command(self):
        return [self.options.millrace, "serve"]

    def environment(self):
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        return foreign | {"MILLRACE_HTTP_HOST": "127.0.0.1", "MILLRACE_HTTP_PORT": str(self.http),
                          "MILLRACE_RTMP_HOST": "127.0.0.1", "MILLRACE_RTMP_PORT": str(self.rtmp),
                          "MILLRACE_WEBRTC_PORT": str(self.webrtc), "MILLRACE_WEBRTC_THREADS": "1",
                          "MILLRACE_RTP_ENABLED": "false"}

    def target(self):
        return ["-map", "0", "-c", "copy", "-f", "whip", f"http://127.0.0.1:{self.http}/live/bench/whip"]

    def endpoint(self):
        return ["--url", f"http://127.0.0.1:{self.http}/live/bench/whep"]


class Janus(Server):
    name = "Janus"
    ready = "/janus/info"

    def command(self):
        settings = self.home / "settings"
        settings.mkdir()
        for name, text in SETTINGS.items():
            (settings / name).write_text(text % {"http": self.http, "video": self.video, "audio": self.audio,
                                                 "settings": settings})
        return [shutil.which("janus") or "janus", "--configs-folder", settings, "--config", settings / "janus.jcfg"]

    def environment(self):
        return dict(os.environ)

    def target(self):
        # Parameter sets before each IDR, as WHIP has them, and packets of the same size.
        return ["-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-payload_type", "96", "-f", "rtp",
                f"rtp://127.0.0.1:{self.video}?pkt_size=1200", "-map", "0:a", "-c", "copy", "-payload_type", "111",
                "-f", "rtp", f"rtp://127.0.0.1:{self.audio}?pkt_size=1200"]

    def endpoint(self):
        return ["--url", f"http://127.0.0.1:{self.http}/janus", "--janus", "1"]


# One event loop for all viewers, as there is one core; ICE lite as ours; the last keyframe kept for who joins.
SETTINGS = {
    "janus.jcfg": """\
general: { debug_level = 2; session_timeout = 0; event_loops = 1; plugins_folder = "/usr/lib/x86_64-linux-gnu/janus/plugins"
    transports_folder = "/usr/lib/x86_64-linux-gnu/janus/transports"; protected_folders = [] }
media: { rtp_port_range = "20000-30000" }
nat: { ice_lite = true; ice_enforce_list = "lo"; ignore_mdns = true }
plugins: { disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,\
libjanus_recordplay.so,libjanus_sip.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,\
libjanus_voicemail.so" }
transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }
events: { broadcast = false }
""",
    "janus.transport.http.jcfg": """\
general: { json = "compact"; base_path = "/janus"; http = true; port = %(http)d; ip = "127.0.0.1"; https = false }
""",
    "janus.plugin.streaming.jcfg": """\
bench: { type = "rtp"; id = 1; description = "bench"; audio = true; video = true
    audioport = %(audio)d; audiopt = 111; audiocodec = "opus"
    videoport = %(video)d; videopt = 96; videocodec = "h264"; videobufferkf = true
    videofmtp = "profile-level-id=42e01f;packetization-mode=1" }
""",
}


def processor(pid):
    """Seconds of CPU time of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICK


# What is said of it.


def line(one):
    return (f"{one['server']:<9} {one['viewers']:>5} viewers: {one['cpu_percent']:.0f} % of a core, {one['packet_us']:.2f} us a "
            f"packet, {one['packets_a_viewer']:.0f} packets/s and {one['memory_kb']:.0f} KiB a viewer, lost {one['lost']} "
            f"({one['overrun']} by the load), load {one['load_percent']:.0f} %, others {one['others_percent']:.0f} %"
            f"{'' if one['sound'] else ', NOT SOUND: ' + json.dumps(one['seen']['faults'])}")


# What was to be shown: with so many viewers and more, microseconds of CPU a packet and KiB of memory a viewer.
FEWEST, LONGEST_PACKET, MOST_MEMORY = 200, 5, 64


def counting(turns, name, viewers):
    """The turns of a server that count; all where none does."""
    every = [one for one in turns if (one["server"], one["viewers"]) == (name, viewers)]
    return [one for one in every if one["sound"] and one["others_percent"] <= DISTURBED] or every


def missed_goals(turns):
    """What was to be shown and was not, in words."""
    missed = []
    for viewers in sorted({one["viewers"] for one in turns if one["viewers"] >= FEWEST}):
        good = counting(turns, Millrace.name, viewers)
        for key, most, words in (("packet_us", LONGEST_PACKET, "µs a packet"), ("memory_kb", MOST_MEMORY, "KiB a viewer")):
            value = statistics.median(one[key] for one in good)
            if value > most:
                missed.append(f"{value:.2f} {words} with {viewers} viewers")
        lost = sum(one["lost_of_server"] for one in good)
        if lost:
            missed.append(f"{lost} packets lost with {viewers} viewers")
    return missed


FIGURES = {"CPU, µs a packet": ("packet_us", 2), "CPU, % of a core": ("cpu_percent", 0),
           "packets/s a viewer": ("packets_a_viewer", 0), "memory a viewer, KiB": ("memory_kb", 0)}


def markdown(turns, options):
    rounds = max(1, options.rounds)
    rows = [f"WebRTC viewers of one stream of 1 Mbit/s, H.264 and Opus; {rounds} turns of {options.seconds} s each, "
            f"{options.settle} s after the last join. {machine(janus_version())}", "",
            "| server | viewers | " + " | ".join(FIGURES) + " | lost | first picture p95, ms | turns that count |",
            "|---" * (len(FIGURES) + 5) + "|"]
    medians = {}
    for viewers in options.viewers:
        for name in (Millrace.name, Janus.name):
            every = [one for one in turns if (one["server"], one["viewers"]) == (name, viewers)]
            if not every:
                continue
            good = [one for one in every if one["sound"] and one["others_percent"] <= DISTURBED]
            told = counting(turns, name, viewers)
            cells = []
            for key, digits in FIGURES.values():
                values = [one[key] for one in told]
                medians[name, viewers, key] = statistics.median(values)
                cells.append(f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})")
            lost = sum(one["lost_of_server"] for one in told)
            first = statistics.median(one["seen"]["startMilliseconds"]["p95"] for one in told)
            rows.append(f"| {name} | {viewers} | {' | '.join(cells)} | {lost} | {first:.0f} | {len(good)} of {len(every)} |")
    for viewers in options.viewers:
        if (Janus.name, viewers, "packet_us") not in medians:
            continue
        ratios = [f"{medians[Millrace.name, viewers, key] / medians[Janus.name, viewers, key]:.2f}"
                  if medians[Janus.name, viewers, key] else "–" for key, _ in FIGURES.values()]
        rows.append(f"| millrace / Janus | {viewers} | {' | '.join(ratios)} | | | |")
    rows += ["", "The server on one core, ffmpeg and millrace-load's viewers, which open and check every packet, on the other. CPU is",
             "all that the server used in the window, what it takes to receive the stream included; memory is what it grew by",
             "from one stream without viewers. Lost are packets that never came or had to be asked for again, but for those that",
             f"the load's own sockets dropped. A turn counts where all viewers saw a picture, nobody failed and others took at most {DISTURBED} % of the server's",
             "core; where none did, all are shown. Medians, and the least and the most in brackets. Janus has ICE lite, one event",
             f"loop, and its buffer of keyframes; it is asked for {options.janus_most} viewers at most, where it needs a whole core.",
             f"The goals, from {FEWEST} viewers on: {LONGEST_PACKET} µs a packet, {MOST_MEMORY} KiB a viewer, no packet lost of "
             f"ours. Missed: {'; '.join(missed_goals(turns)) or 'none'}.",
             f"By `scripts/bench {' '.join(['whep', *sys.argv[1:]])}`.", ""]
    return "\n".join(rows)


def janus_version():
    words = ["dpkg-query", "--show", "--showformat=${Version}", "janus"]
    return "Janus " + subprocess.run(words, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
