# SPDX-License-Identifier: Apache-2.0
"""A real redis-server on a port of its own, which always ends."""

from __future__ import annotations

import subprocess

from process import Process
from server import free_port


class Redis(Process):
    """One server that keeps nothing on disk, as a context manager: what is killed comes back empty."""

    def __init__(self) -> None:
        self.port = free_port()
        super().__init__(["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", "/tmp"],
                         lambda: self.run("PING") == "PONG", seconds=10)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def run(self, *words: str) -> str:
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True)
        return done.stdout.strip()

    def leases(self) -> dict[str, str]:
        """Stream and holder."""
        keys = [key for key in self.run("--scan", "--pattern", "*:lease:*").splitlines() if key]
        return {key.partition("{")[2].rstrip("}"): self.run("GET", key) for key in keys}
