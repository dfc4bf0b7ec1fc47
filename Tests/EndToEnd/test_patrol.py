# SPDX-License-Identifier: Apache-2.0
"""How our page looks whether an edge is still there while nothing comes from it: soon where it may be gone, and seldom where
it lives and only the publisher is away, whom ten thousand viewers wait for."""

from __future__ import annotations

import functools
import http.server
import threading
import time

import pytest

from browser import Browser
from server import ROOT, wait_until

# The page's player with a stand-in for hls.js, and with every question of the page counted.
BEGIN = """
window.asked = []; window.began = performance.now();
// After how many milliseconds a place answers; below zero it refuses.
window.pauses = {};
window.fetch = (url, { signal } = {}) => {
  const place = new URL(url).host;
  window.asked.push({ place, at: performance.now() - window.began });
  const pause = window.pauses[place] ?? 0;
  if (pause < 0) return Promise.reject(new Error("refused"));
  return new Promise((resolve, reject) => {
    if (pause < Infinity) setTimeout(() => resolve(new Response("")), pause);
    signal?.addEventListener("abort", () => reject(new Error("silent")));
  });
};
class Fake {
  static Events = new Proxy({}, { get: (_, name) => name });
  static ErrorTypes = { MEDIA_ERROR: "mediaError", NETWORK_ERROR: "networkError" };
  handlers = {}; loadLevel = 0; currentLevel = 0; moved = [];
  constructor() { window.fake = this; }
  on(name, handler) { this.handlers[name] = handler; }
  loadSource() {} attachMedia() {} stopLoad() {} startLoad() {} destroy() {} recoverMediaError() {}
  set pathwayPriority(list) {
    this.moved.push({ to: list[0], at: performance.now() - window.began });
    this.loadLevel = window.levels.findIndex((one) => one.pathwayId === list[0]);
  }
  get levels() { return window.levels; }
}
window.levels = ["a", "b", "c"].map((one) => (
  { pathwayId: one, attrs: { "PATHWAY-ID": one }, url: `http://${one}.test/x.m3u8`, uri: `http://${one}.test/x.m3u8` }));
window.advance = () => fake.handlers.LEVEL_UPDATED(null, { details: { advanced: true, live: true } });
window.fail = () => fake.handlers.ERROR(null, { type: "networkError", details: "levelLoadError", fatal: false });
import("/player.js").then(({ Playback }) => {
  // Who has paused asks for nothing else than this.
  const video = Object.assign(document.createElement("video"), { play: () => Promise.reject(new Error("paused")) });
  window.playback = new Playback(video, "http://a.test/x.m3u8", Fake, () => {});
  fake.handlers.MANIFEST_LOADED(null, { levels });
  window.ready = true;
});
"""


@pytest.fixture(scope="module")
def page():
    """The player as its file is; no node is asked for anything."""
    handler = functools.partial(Quiet, directory=str(ROOT / "Sources/Roles/Control/Resources"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files, Browser() as browser:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{files.server_port}/player.js")
        browser.evaluate(BEGIN)
        wait_until(lambda: browser.evaluate("return window.ready === true"), 10, "the player")
        yield browser
        files.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def asked(page: Browser, since: float = 0) -> list[dict]:
    return [one for one in page.evaluate("return window.asked") if one["at"] >= since]


def now(page: Browser) -> float:
    return page.evaluate("return performance.now() - window.began")


def test_an_edge_that_lives_is_asked_seldom(page: Browser) -> None:
    """For nine seconds nothing new comes: about six questions of each viewer instead of thirty, and none to other edges."""
    page.evaluate("window.advance()")
    begun = now(page)
    time.sleep(9)
    questions = asked(page, begun)
    assert 3 <= len(questions) <= 8 and {one["place"] for one in questions} == {"a.test"}, questions
    assert 850 <= questions[0]["at"] - begun <= 1500, questions
    pauses = [second["at"] - first["at"] for first, second in zip(questions, questions[1:])]
    assert pauses[-1] > 1200 and max(pauses) < 5500, pauses


def test_an_edge_that_is_gone_is_left_at_once(page: Browser) -> None:
    """Also directly after a publisher had long been away."""
    page.evaluate("window.advance()")
    time.sleep(6)
    begun = page.evaluate(
        "window.pauses['a.test'] = Infinity; window.advance(); return performance.now() - window.began")
    wait_until(lambda: page.evaluate("return window.fake.moved.length") > 0, 10, "another edge", every=0.05)
    moved = page.evaluate("return window.fake.moved")
    # 0.9 s without anything new, a patrol each quarter of a second, and 0.6 s for an answer.
    assert moved[0]["to"] == "b" and moved[0]["at"] - begun <= 2300, (begun, moved)
    assert {one["place"] for one in asked(page, begun)} == {"a.test", "b.test", "c.test"}


def test_a_far_region_is_not_left_before_it_can_have_answered(page: Browser) -> None:
    """The region's edges refuse, and the other region takes longer than an edge may: nothing that has just refused is tried."""
    page.evaluate("window.pauses = { 'a.test': -1, 'b.test': -1, 'c.test': 900 }; fake.loadLevel = 0; fake.moved = [];"
                  "fake.handlers.MANIFEST_LOADED(null, { levels: window.levels }); window.fail()")
    wait_until(lambda: page.evaluate("return window.fake.moved.length") > 0, 10, "another region", every=0.05)
    begun = now(page)
    # Its first playlist fails, too, which says nothing of those that are gone.
    page.evaluate("window.fail()")
    time.sleep(4)
    moved = page.evaluate("return window.fake.moved")
    assert [one["to"] for one in moved] == ["c"], moved
    assert begun - moved[0]["at"] < 1000 and "c.test" in {one["place"] for one in asked(page, begun)}
    # One that comes back is found by asking.
    page.evaluate("window.pauses = { 'b.test': 0, 'a.test': -1, 'c.test': -1 }; window.fail()")
    wait_until(lambda: page.evaluate("return window.fake.moved.length") > 1, 10, "the edge that is back", every=0.05)
    assert page.evaluate("return window.fake.moved")[1]["to"] == "b"
