# SPDX-License-Identifier: Apache-2.0
"""Starts `millrace serve` on free ports and always ends it."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import tempfile
import time
import urllib.error
import urllib.request

from process import Process, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PROGRAM", str(ROOT / ".build/release/millrace"))


class Server(Process):
    """One node, as a context manager. Further settings go by their environment names without the prefix."""

    def __init__(self, **settings: object) -> None:
        self.http, self.rtmp, self.rtp, self.grpc = free_port(), free_port(), free_port(), free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-e2e-")
        self.settings = {"HTTP_PORT": self.http, "RTMP_PORT": self.rtmp, "RTP_PORT": self.rtp, "GRPC_PORT": self.grpc,
                         "WEBRTC_PORT": 0, **settings}
        super().__init__([BINARY, "serve"], self._ready, name=BINARY, cwd=self.folder.name)

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        environment |= {f"MILLRACE_{name}": str(value) for name, value in self.settings.items()}
        self.options["env"] = environment
        super().start()

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)
        self.folder.cleanup()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http}{path}"

    def playlist(self, name: str, app: str = "live") -> str:
        return self.url(f"/{app}/{name}/index.m3u8")

    def publish_url(self, name: str, app: str = "live") -> str:
        return f"rtmp://127.0.0.1:{self.rtmp}/{app}/{name}"

    def get(self, path: str, timeout: float = 20) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url(path), timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as failure:
            return failure.code, failure.read()

    def json(self, path: str) -> dict:
        return json.loads(self.get(path)[1])

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics by its name with labels."""
        samples: dict[str, float] = {}
        for line in self.get("/metrics")[1].decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def metric(self, family: str) -> float:
        """The sum of a family over its labels; 0 where it has no sample yet."""
        return sum(value for name, value in self.metrics().items() if name.split("{")[0] == family)

    def wait_live(self, name: str, app: str = "live", seconds: float = 40) -> str:
        """Waits until the stream's playlists answer; returns the multivariant playlist's URL."""
        def answers() -> bool:
            return (self.get(f"/{app}/{name}/index.m3u8")[0] == 200
                    and self.get(f"/{app}/{name}/main/media.m3u8")[0] == 200)
        wait_until(answers, seconds, f"{app}/{name} to be live")
        return self.playlist(name, app)

    def memory(self) -> int:
        """Resident bytes."""
        with open(f"/proc/{self.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def processor_seconds(self) -> float:
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> float:
        """SIGTERM; returns the seconds until the process ended."""
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        return time.monotonic() - begun

    def _ready(self) -> bool:
        try:
            return self.get("/ready", 2)[0] == 200
        except OSError:
            return False


def free_port() -> int:
    """A TCP port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bound(port: int) -> bool:
    """Whether a UDP socket of this machine has the port."""
    return any(line.split()[1].endswith(f":{port:04X}") for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:])
