# SPDX-License-Identifier: Apache-2.0
"""Viewers who go back in a live stream: into the object store, and on the page, and then to what is live."""

from __future__ import annotations

import tempfile
import time

import clips
from browser import Browser, Watching, moved
from conftest import seconds
from linting import LintProcess
from players import ffprobe
from publishers import Publisher
from server import Server, wait_until
from stores import Listing, fetch


def past(server: Server, name: str) -> Listing:
    return Listing(fetch(server.url(f"/live/{name}/main/media.m3u8?dvr=1")).decode())


def test_the_past_reaches_into_the_store(binary, figures) -> None:
    """What left the node's memory long ago is listed and served, by every rule of a live playlist."""
    with tempfile.TemporaryDirectory(prefix="millrace-dvr-") as folder, \
            Server(STORAGE_KIND="file", STORAGE_PATH=folder, HLS_WINDOW=3, HLS_SEGMENT="1s", HLS_PART="200ms") as server, \
            Publisher("low-latency", server.publish_url("past")):
        server.wait_live("past")
        wait_until(lambda: len(past(server, "past").segments) >= 20, 90, "a past of twenty segments")
        lint = LintProcess(server.playlist("past") + "?dvr=1", seconds(10, 60))
        try:
            listing, window = past(server, "past"), Listing(fetch(server.url("/live/past/main/media.m3u8")).decode())
            assert len(window.segments) <= 4 and not listing.gaps, listing.text
            assert listing.numbers == list(range(listing.numbers[0], listing.numbers[-1] + 1))
            for uri in [*listing.maps, *listing.segments[:8]]:
                with open(f"{folder}/live/past/main/{uri}", "rb") as stored:
                    assert fetch(server.url(f"/live/past/main/{uri}")) == stored.read(), uri
            assert fetch(server.url(f"/live/past/main/{listing.segments[0].replace('.m4s', '9.m4s')}")) is None
            probe = ffprobe(server.url("/live/past/index.m3u8?dvr=1"))
            assert probe.video and probe.audio
            delta = fetch(server.url(
                f"/live/past/main/media.m3u8?_HLS_msn={listing.numbers[-1]}&_HLS_skip=YES&dvr=1")).decode()
            figures(kind="past", listed=len(listing.segments), window=len(window.segments), whole=len(listing.text),
                    delta=len(delta), from_store=server.metric("millrace_dvr_media_total"))
            assert "#EXT-X-SKIP:" in delta and len(delta) < len(listing.text)
            errors = lint.errors
        finally:
            lint.kill()
        assert not errors, errors


def test_a_viewer_goes_back_and_goes_live(binary, figures) -> None:
    """By the page's bar, to a moment that only the store has; plays there, pauses and goes on there, and goes live."""
    with tempfile.TemporaryDirectory(prefix="millrace-dvr-") as folder, \
            Server(STORAGE_KIND="file", STORAGE_PATH=folder, HLS_WINDOW=3, PAGE_HLS_JS=clips.hls_js()) as server, \
            Publisher("low-latency", server.publish_url("show")), Browser() as browser:
        server.wait_live("show")
        wait_until(lambda: sum(past(server, "show").durations) >= 30, 90, "a past of half a minute")
        watching = Watching(browser, server.url("/watch/live/show")).start()
        browser.evaluate("window.__same = true")
        wait_until(lambda: (watching.stats().get("range") or {}).get("start") is not None
                   and not browser.evaluate("return document.getElementById('past').hidden"), 20, "the bar")
        live = watching.sample(3, settle=2)
        assert live[-1]["latency"] < 4 and not live[-1]["rewound"], live[-1]
        seek(browser, 2)
        begun = time.monotonic()
        wait_until(lambda: behind(watching) > 20 and playing(watching), 20, "to play half a minute ago")
        took = time.monotonic() - begun
        back = watching.sample(seconds(4, 20), settle=1)
        assert all(each["latency"] > 20 and each["rewound"] for each in back), back[-1]
        assert browser.evaluate("return document.getElementById('live-label').textContent") == "Go live"
        served = server.metrics()
        assert sum(served.get(f'millrace_dvr_media_total{{source="{source}"}}', 0) for source in ("store", "memory")) > 0
        # A pause keeps the moment.
        browser.evaluate("document.getElementById('play').click()")
        time.sleep(2)
        paused = watching.stats()
        browser.evaluate("document.getElementById('play').click()")
        wait_until(lambda: playing(watching), 10, "to go on")
        again = watching.sample(2, settle=1)
        assert abs(again[0]["latency"] - paused["latency"]) < 4, (paused, again[0])
        browser.evaluate("document.getElementById('live').click()")
        begun = time.monotonic()
        wait_until(lambda: behind(watching) < 4 and playing(watching), 20, "to be live")
        home = time.monotonic() - begun
        end = watching.sample(seconds(4, 20), settle=1)
        figures(kind="rewound", took=took, behind=back[-1]["latency"], rate=moved(back), home=home,
                latency=end[-1]["latency"], stalls=end[-1]["stalls"], reloads=end[-1]["reloads"])
        assert end[-1]["latency"] < 4 and not end[-1]["rewound"], end[-1]
        assert browser.evaluate("return window.__same === true") and end[-1]["reloads"] == 0, end[-1]
        assert 0.9 < moved(back) < 1.1, back[-1]


def test_a_pause_is_no_way_back_where_nothing_is_recorded(binary) -> None:
    """Of an app that the store is not for: who has paused goes on with what is live, and there is no bar."""
    with tempfile.TemporaryDirectory(prefix="millrace-dvr-") as folder, \
            Server(STORAGE_KIND="file", STORAGE_PATH=folder, STORAGE_RECORD="tv", PAGE_HLS_JS=clips.hls_js()) as server, \
            Publisher("low-latency", server.publish_url("plain")), Browser() as browser:
        server.wait_live("plain")
        watching = Watching(browser, server.url("/watch/live/plain")).start()
        browser.evaluate("document.getElementById('play').click()")
        wait_until(lambda: behind(watching) > 8, 30, "to be well behind", every=0.5)
        browser.evaluate("document.getElementById('play').click()")
        wait_until(lambda: playing(watching) and behind(watching) < 4, 20, "to be live")
        stats = watching.stats()
        assert not stats["rewound"] and stats["range"] is None, stats
        assert browser.evaluate("return document.getElementById('past').hidden")


def seek(browser: Browser, at: float) -> None:
    """Moves the bar so many seconds behind its beginning, as a hand does."""
    browser.evaluate(
        "const bar = document.getElementById('seek');"
        f"bar.value = {at};"
        "for (const name of ['input', 'change']) bar.dispatchEvent(new Event(name, { bubbles: true }));")


def behind(watching: Watching) -> float:
    return watching.stats().get("latency") or 0


def playing(watching: Watching) -> bool:
    stats = watching.stats()
    return stats.get("state") == "playing" and not stats.get("paused")
