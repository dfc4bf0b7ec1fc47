# SPDX-License-Identifier: Apache-2.0
"""Proofs 2 and 6: latency, stalls and reconnects in a real browser."""

from __future__ import annotations

import time

import pytest

import clips
from browser import Browser, Watching, latencies, moved, percentile
from conftest import ARTEFACTS, seconds
from linting import LintProcess
from publishers import Publisher
from server import Server, wait_until

LIMITS = {"default": ({}, 1.7), "low-latency": ({"HLS_PROFILE": "low-latency"}, 0.9)}


def page() -> dict[str, object]:
    """What the page needs beyond the defaults: hls.js, and room for a browser and a lint on one address."""
    return {"PAGE_HLS_JS": clips.hls_js()}


@pytest.mark.parametrize("profile", LIMITS)
def test_hls_js(binary: str, profile: str, figures) -> None:
    """p95 of the latency by program date time, and not one stall."""
    settings, limit = LIMITS[profile]
    with Server(**page(), **settings) as server, Publisher("low-latency", server.publish_url("watched")), Browser() as browser:
        server.wait_live("watched")
        time.sleep(4)
        watching = Watching(browser, server.url("/watch/live/watched")).start()
        samples = watching.sample(seconds(25, 600), settle=5)
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        browser.screenshot(ARTEFACTS / f"watch-{profile}.png")
        measured = latencies(samples)
        p95 = percentile(measured, 0.95)
        stalls = samples[-1]["stalls"]
        figures(kind="latency", name=profile, p50=percentile(measured, 0.5), p95=p95, worst=max(measured), limit=limit,
                samples=len(measured), stalls=stalls, stalled_ms=samples[-1].get("stalledMs"),
                dropped=samples[-1].get("droppedFrames"), frames=samples[-1].get("totalFrames"), rate=moved(samples),
                engine=samples[-1].get("engine"), startup=watching.startup)
        assert "hls" in str(samples[-1]["engine"]).lower(), samples[-1]
        assert len(measured) > 0.9 * len(samples), samples[-1]
        assert 0.05 < p95 <= limit, f"p95 {p95}, p50 {percentile(measured, 0.5)}: {samples[-1]}"
        assert stalls == samples[0]["stalls"], samples[-1]
        assert 0.95 < moved(samples) < 1.05, moved(samples)


def test_native_player(binary: str, figures) -> None:
    """Chromium's own HLS player plays the same stream."""
    with Server(**page()) as server, Publisher("low-latency", server.publish_url("native")), Browser() as browser:
        server.wait_live("native")
        watching = Watching(browser, server.url("/watch/live/native?engine=native")).start(45)
        samples = watching.sample(seconds(10, 60), settle=2)
        figures(kind="native", rate=moved(samples), stalls=samples[-1].get("stalls"), engine=samples[-1].get("engine"))
        assert samples[-1]["engine"] == "native", samples[-1]
        assert moved(samples) > 0.9, samples[-1]


def test_publisher_killed_and_back(binary: str, figures) -> None:
    """kill -9 of ffmpeg and its return within the grace: playback goes on, no reload, no discontinuity."""
    with Server(**page()) as server, Browser() as browser:
        url = server.publish_url("returning")
        with Publisher("low-latency", url) as first:
            server.wait_live("returning")
            watching = Watching(browser, server.url("/watch/live/returning")).start()
            lint = LintProcess(server.playlist("returning"), seconds(22, 45), "--returns")
            before = watching.sample(5)[-1]
            first.kill()
        time.sleep(3)
        with Publisher("low-latency", url) as second:
            back = time.monotonic()
            stopped = watching.stats()["currentTime"]  # the buffer ran dry meanwhile
            wait_until(lambda: watching.stats()["currentTime"] > stopped + 0.3, 20, "playback to go on")
            resumed = time.monotonic() - back
            after = watching.sample(seconds(8, 30))
            errors = lint.errors
            assert second.alive, second.log()
            playlist = server.get("/live/returning/main/media.m3u8")[1].decode()
        figures(kind="return", resumed=resumed, reloads=after[-1].get("reloads"), stalls=after[-1].get("stalls"),
                discontinuities=after[-1].get("discontinuities"), errors=after[-1].get("errors"))
        assert stopped - before["currentTime"] < 4, "the publisher was not missed"
        assert "EXT-X-DISCONTINUITY\n" not in playlist, playlist
        assert after[-1].get("reloads", 0) == before.get("reloads", 0), after[-1]
        assert after[-1].get("discontinuities", 0) == before.get("discontinuities", 0), after[-1]
        assert 0.9 < moved(after) < 1.6, (moved(after), after[-1])
        assert not errors, "\n".join(errors)
