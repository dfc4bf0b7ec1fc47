# SPDX-License-Identifier: Apache-2.0
"""`hlslint.py` as a process of its own, so that many streams are watched at once and each in good time."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import sys
import tempfile

COMMAND = pathlib.Path(__file__).with_name("hlslint.py")


class LintProcess:
    """Starts at once; `findings` and `summary` wait for its end."""

    def __init__(self, url: str, seconds: float, *options: str) -> None:
        self.seconds = seconds
        self._output, self._complaints = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, str(COMMAND), url, "--json", "--seconds", str(seconds), "--wait", "60", *options],
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._complaints)
        self._lines: list[dict] | None = None

    @property
    def findings(self) -> list[dict]:
        return [line for line in self._finished() if "rule" in line]

    @property
    def errors(self) -> list[str]:
        """What broke a MUST, one sentence each."""
        return [f"{line['rule']}: {line['message']}" for line in self.findings if line["level"] == "error"]

    @property
    def rules(self) -> list[str]:
        return sorted({line["rule"] for line in self.findings})

    @property
    def summary(self) -> dict:
        return next(line["summary"] for line in self._finished() if "summary" in line)

    def stop(self) -> None:
        """Ends the watch early; what was seen is still judged."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Ends the process whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _finished(self) -> list[dict]:
        if self._lines is None:
            try:
                self.process.wait(self.seconds + 150)
            except subprocess.TimeoutExpired:
                self.kill()
            self._output.seek(0)
            self._complaints.seek(0)
            assert self.process.returncode in (0, 1), f"hlslint: {self._complaints.read()[-2000:]}"
            self._lines = [json.loads(line) for line in self._output]
        return self._lines
