# SPDX-License-Identifier: Apache-2.0
"""Starts `millrace serve` on free ports and always ends it."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PROGRAM", str(ROOT / ".build/release/millrace"))


class Server:
    """One node, as a context manager. Further settings go by their environment names without the prefix."""

    def __init__(self, **settings: object) -> None:
        self.http, self.rtmp, self.rtp, self.grpc = free_port(), free_port(), free_port(), free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-e2e-")
        self.log_path = pathlib.Path(self.folder.name) / "log"
        self.settings = {"HTTP_PORT": self.http, "RTMP_PORT": self.rtmp, "RTP_PORT": self.rtp, "GRPC_PORT": self.grpc,
                         "WEBRTC_PORT": 0, **settings}
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Server:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        environment |= {f"MILLRACE_{name}": str(value) for name, value in self.settings.items()}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([BINARY, "serve"], stdout=log, stderr=subprocess.STDOUT, env=environment,
                                            cwd=self.folder.name)
        try:
            wait_until(self._ready, 20, f"/ready of {BINARY}")
        except BaseException:
            self.__exit__(AssertionError)
            raise
        return self

    def __exit__(self, failure: object = None, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if failure is not None:
            print(f"--- the end of {BINARY}'s log\n{self.log()[-6000:]}")
        self.folder.cleanup()

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

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
        os.kill(self.pid, signal.SIGTERM)
        self.process.wait(30)
        return time.monotonic() - begun

    def _ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"{BINARY} ended with {self.process.returncode}:\n{self.log()[-3000:]}")
        try:
            return self.get("/ready", 2)[0] == 200
        except OSError:
            return False


def wait_until(condition, seconds: float, what: str, every: float = 0.1) -> None:
    """Polls a condition; raises AssertionError naming it when time is up."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(every)


def free_port() -> int:
    """A TCP port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
