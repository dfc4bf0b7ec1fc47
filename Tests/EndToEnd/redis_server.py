# SPDX-License-Identifier: Apache-2.0
"""A real redis-server on a port of its own, which always ends."""

from __future__ import annotations

import subprocess

from server import free_port, wait_until


class Redis:
    """One server that keeps nothing on disk, as a context manager: what is killed comes back empty."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> Redis:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.run("PING") == "PONG", 10, "redis-server to answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def run(self, *words: str) -> str:
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True)
        return done.stdout.strip()

    def leases(self) -> dict[str, str]:
        """Stream and holder."""
        keys = [key for key in self.run("--scan", "--pattern", "*:lease:*").splitlines() if key]
        return {key.partition("{")[2].rstrip("}"): self.run("GET", key) for key in keys}
