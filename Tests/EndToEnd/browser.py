# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium by WebDriver's plain HTTP (W3C WebDriver), and what our page says of its playback."""

from __future__ import annotations

import base64
import json
import pathlib
import tempfile
import time
import urllib.error
import urllib.request

from process import Process, wait_until
from server import free_port


class Browser:
    """One Chromium with one window, as a context manager."""

    def __init__(self, width: int = 1280, height: int = 900, flags: tuple[str, ...] = ()) -> None:
        self.size, self.flags = (width, height), flags
        self.port = free_port()
        self.session = ""
        self.driver = Process(["chromedriver", f"--port={self.port}"], self._ready)
        self._profile = tempfile.TemporaryDirectory(prefix="millrace-chromium-", ignore_cleanup_errors=True)

    def __enter__(self) -> Browser:
        self.driver.__enter__()
        try:
            arguments = ["--headless=new", "--no-sandbox", "--autoplay-policy=no-user-gesture-required",
                         "--disable-dev-shm-usage", "--disable-gpu", "--mute-audio", "--disable-background-networking",
                         f"--window-size={self.size[0]},{self.size[1]}", f"--user-data-dir={self._profile.name}",
                         *self.flags]
            capabilities = {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": {"args": arguments},
                "goog:loggingPrefs": {"browser": "ALL"}}}}
            self.session = self._call("POST", "/session", capabilities)["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.session:
            try:
                self._call("DELETE", f"/session/{self.session}")
            except OSError:
                pass
        self.driver.__exit__()
        self._profile.cleanup()

    def open(self, url: str) -> None:
        self._call("POST", f"/session/{self.session}/url", {"url": url})

    def evaluate(self, script: str) -> object:
        """The value of a function body run in the page."""
        return self._call("POST", f"/session/{self.session}/execute/sync", {"script": script, "args": []})

    def console(self) -> list[str]:
        """What the page wrote to its console as errors, since the last question."""
        entries = self._call("POST", f"/session/{self.session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, path: pathlib.Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", f"/session/{self.session}/screenshot")))

    def _ready(self) -> bool:
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method: str, path: str, body: dict | None = None) -> object:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as failure:
            raise RuntimeError(f"WebDriver {path}: {failure.read().decode(errors='replace')[:800]}") from failure


class Watching:
    """One visit of the watch page: opens it, waits until it plays, takes a sample of its stats every half second."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.samples: list[dict] = []

    def start(self, seconds: float = 30) -> Watching:
        """Opens the page and waits for playback; raises AssertionError with the page's own words."""
        self.browser.open(self.url)
        begun = time.monotonic()

        def plays() -> bool:
            stats = self.stats()
            return bool(stats) and (stats.get("currentTime") or 0) > 0.5 and not stats.get("paused", False)
        try:
            wait_until(plays, seconds, f"{self.url} to play", every=0.25)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; stats {self.stats()}; console {self.browser.console()}") from failure
        self.startup = time.monotonic() - begun
        return self

    def stats(self) -> dict:
        return self.browser.evaluate("return window.__stats ? window.__stats() : null") or {}

    def sample(self, seconds: float, settle: float = 0) -> list[dict]:
        """Samples for some seconds, after leaving some to settle; each bears `at`, monotonic seconds."""
        time.sleep(settle)
        end = time.monotonic() + seconds
        taken: list[dict] = []
        while (now := time.monotonic()) < end:
            taken.append(self.stats() | {"at": now})
            time.sleep(0.5)
        self.samples += taken
        return taken


def percentile(values: list[float], share: float) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def latencies(samples: list[dict], name: str = "latency") -> list[float]:
    """The latencies that the page could measure, in seconds."""
    return [sample[name] for sample in samples if isinstance(sample.get(name), (int, float))]


def moved(samples: list[dict]) -> float:
    """Media seconds played for each second of time: 1 is steady."""
    first, last = samples[0], samples[-1]
    return (last["currentTime"] - first["currentTime"]) / (last["at"] - first["at"])
