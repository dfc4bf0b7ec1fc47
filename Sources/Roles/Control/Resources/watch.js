// SPDX-License-Identifier: Apache-2.0
// The page of one stream: what it shows of the player, and what it lets a viewer do.

import * as common from "./common.js";
import { Playback, loadHls } from "./player.js";
import { WhepPlayback } from "./whep.js";
const { write } = common;

const at = (id) => document.getElementById(id);
const video = at("video");
const stage = at("stage");
const query = new URLSearchParams(location.search);

// MARK: Which stream

// /watch/{app}/{name}. A viewer's token rides in the fragment, which no server and no referrer sees.
const path = location.pathname.replace(/^\/watch\//, "").replace(/\/+$/, "");
const token = /^#(~[\w-]+)$/.exec(location.hash)?.[1];
const base = token ? `/${token}` : "";
const playlist = `${base}/${path}/index.m3u8`;
const [app, ...rest] = path.split("/").map(plain);
const name = rest.join("/");
const key = app === "live" && !name.includes("/") ? name : `${app}/${name}`;

function plain(component) {
  try { return decodeURIComponent(component); } catch { return component; }
}

addEventListener("hashchange", () => { if (location.hash.startsWith("#~")) location.reload(); });
write(document.querySelector("#title .app"), `${app} / `);
write(document.querySelector("#title .name"), name);
document.title = `${name} · Millrace`;
write(at("url-hls"), new URL(playlist, location.href).href);
write(at("url-whep"), new URL(`/${path}/whep`, location.href).href);
write(at("url-flv"), new URL(`${base}/${path}.flv`, location.href).href);

// MARK: Playing

let playback = null;
let node = null;

async function begin() {
  const player = await common.ask(`/api/v1/player?stream=${encodeURIComponent(`${app}/${name}`)}`).catch(() => null);
  node = player?.node ?? null;
  if (query.get("engine") === "webrtc") return play(new WhepPlayback(video, `/${path}/whep`, token, showState));
  const Hls = await chooseEngine(player?.hlsjs ?? null);
  if (Hls === undefined) {
    stage.dataset.state = "refused";
    write(at("veil-text"), "This browser plays no HLS, and this node has no hls.js to help it.");
    return;
  }
  // Null where nothing of this stream is kept: a pause is no way back then.
  const canRewind = Boolean(player?.dvrSeconds);
  play(new Playback(video, playlist + (canRewind ? "?dvr=1" : ""), Hls, showState, canRewind));
}

function play(chosen) {
  playback = chosen;
  window.__stats = () => ({ ...playback.figures(), server: playback.server ?? node ?? location.host });
  setInterval(showFigures, 500);
  showFigures();
}

/** The links between the protocols; each keeps the token, which is in the fragment. */
function showProtocols() {
  const isRealTime = query.get("engine") === "webrtc";
  for (const [id, search, isChosen] of [["by-webrtc", "?engine=webrtc", isRealTime], ["by-hls", "", !isRealTime]]) {
    at(id).href = `${location.pathname}${search}${location.hash}`;
    if (isChosen) at(id).setAttribute("aria-current", "true");
  }
}

/**
 * The class of hls.js, null for the browser's own player, or undefined where neither plays.
 *
 * Apple's player has low latency over HTTP/2 only, which browsers speak over TLS only; other browsers' own players have
 * none at all. `?engine=native` and `?engine=hls.js` decide by hand.
 */
async function chooseEngine(hlsjs) {
  const isNative = video.canPlayType("application/vnd.apple.mpegurl") !== "";
  const isApple = /^Apple/.test(navigator.vendor) && location.protocol === "https:";
  const wished = query.get("engine") ?? (isNative && isApple ? "native" : "hls.js");
  if (wished !== "native" && hlsjs) {
    try {
      const Hls = await loadHls(hlsjs);
      if (Hls.isSupported()) return Hls;
    } catch (error) {
      console.warn(`Falling back to the browser's own player: ${error.message}.`);
    }
  }
  return isNative ? null : undefined;
}

// MARK: States

const states = {
  loading: ["Opening the stream…", "Opening"],
  playing: ["", "Live"],
  paused: ["", "Paused"],
  stalled: ["Waiting for data…", "Stalled"],
  away: ["The publisher is away. Playing goes on when it is back.", "Publisher away"],
  waiting: ["Not live right now. This page starts playing by itself.", "Not live"],
  ended: ["The stream has ended. If it returns, so does the picture.", "Ended"],
  unplayable: ["This browser does not decode the stream's codec.", "No decoder"],
  refused: ["This stream needs a viewer token, or the one in this link is over.", "No entry"],
};

let spoken = 0;

function showState(state) {
  // What MSE does not take, as VP8, WebRTC may.
  if (state === "unplayable" && !query.has("engine")) {
    return location.replace(`${location.pathname}?engine=webrtc${location.hash}`);
  }
  const [sentence, word] = states[state];
  stage.dataset.state = state;
  document.body.classList.toggle("flowing", state === "playing");
  write(at("veil-text"), sentence);
  at("chip").hidden = false;
  at("chip").dataset.state = state;
  write(at("chip"), word);
  showButtons();
  // A short stall is nobody's news: speak when a state has lasted.
  clearTimeout(spoken);
  spoken = setTimeout(() => common.announce(sentence || word), 1500);
}

// MARK: Figures

const latencies = [];
let lastSample = 0;

function showFigures() {
  const now = performance.now();
  const figures = window.__stats();
  const seconds = figures.latency ?? figures.hlsLatency;
  const isSane = seconds !== null && seconds > -1 && seconds < 3600;
  const latency = isSane && figures.state !== "loading" ? `${Math.max(seconds, 0).toFixed(1)} s` : "—";
  write(at("g-latency"), latency);
  write(at("delay"), latency === "—" ? "" : `${latency} behind`);
  write(at("g-latency-note"), latencyNote(figures, isSane));
  if (isSane && now - lastSample > 990) {
    lastSample = now;
    latencies.push(Math.max(seconds, 0));
    if (latencies.length > 120) latencies.shift();
    common.drawLevel(document.querySelector(".gauge .level"), latencies, Math.max(3, ...latencies));
  }
  write(at("g-buffer"), `${figures.buffer.toFixed(1)} s`);
  write(at("g-stalls"), String(figures.stalls));
  write(at("g-stalled"), figures.stalls ? `${(figures.stalledMs / 1000).toFixed(1)} s in all` : "None so far");
  write(at("g-dropped"), figures.droppedFrames.toLocaleString("en"));
  write(at("g-frames"), `of ${figures.totalFrames.toLocaleString("en")}`);
  write(at("g-picture"), figures.width ? `${figures.width} × ${figures.height}` : "—");
  write(at("g-level"), figures.level ? `Level ${figures.level}` : figures.width ? "Chosen by the browser" : "—");
  write(at("g-bitrate"), common.bitrate(figures.bitrate || known?.bitrate));
  write(at("note"), playback.note ?? "");
  write(at("g-server"), figures.server);
  write(at("g-pathway"), pathway(figures.pathway));
  showPast();
  showQuality();
  write(at("g-engine"), [
    { native: "Browser's own player", webrtc: "WebRTC" }[figures.engine] ?? "hls.js",
    figures.reloads && common.count(figures.reloads, "reload", "reloads"),
    figures.discontinuities && common.count(figures.discontinuities, "discontinuity", "discontinuities"),
  ].filter(Boolean).join(" · "));
  const isBehind = playback.isBehind || figures.paused;
  at("live").classList.toggle("behind", isBehind);
  write(at("live-label"), isBehind ? "Go live" : "Live");
}

/** In words, by which of the ways that the playlist names the stream comes. */
function pathway(id) {
  if (!id || id === ".") return "";
  if (id === "CDN") return "By the CDN";
  if (id === "EDGE") return "By this edge";
  return id.startsWith("REGION.") ? `By the region ${id.slice(7)}` : `By the edge ${id}`;
}

/** The choice among the stream's layers, where it has some and the player can be sent any of them. */
function showQuality() {
  const layers = playback.layers ?? [];
  const select = at("quality");
  select.hidden = layers.length < 2;
  const names = layers.map(({ id }) => id);
  if (select.dataset.layers === names.join()) return;
  select.dataset.layers = names.join();
  select.replaceChildren(new Option("Auto", ""), ...layers.map(({ id, label }) => new Option(label, id)));
  select.value = names.includes(playback.layer) ? playback.layer : "";
}

let isSeeking = false;

/** The bar of what can be seen again, where there is more of it than a viewer could have missed in passing. */
function showPast() {
  const range = playback.range ?? null;
  const length = range ? range.end - range.start : 0;
  at("past").hidden = length < 15;
  if (at("past").hidden) return;
  const seek = at("seek");
  seek.max = String(length);
  if (!isSeeking) seek.value = String(Math.min(length, Math.max(0, range.position - range.start)));
  const behind = length - Number(seek.value);
  const isLive = !isSeeking && !playback.isBehind;
  write(at("moment"), isLive ? "Live" : `−${clock(behind)}`);
  seek.setAttribute("aria-valuetext", isLive ? "Live" : `${clock(behind)} ago`);
}

/** Minutes and seconds, and hours where there are any. */
function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part, index) => index ? String(part).padStart(2, "0") : part).join(":");
}

function skip(seconds) {
  if (!playback?.range) return;
  playback.seek(playback.range.position + seconds);
  showPast();
}

function latencyNote({ engine, latency, targetLatency }, isSane) {
  if (engine === "webrtc") return "From the node to your screen";
  if (latency !== null && !isSane) return "This device's clock and the node's differ";
  if (targetLatency) return `From arrival at the node to your screen; aims at ${targetLatency.toFixed(1)} s`;
  return "From arrival at the node to your screen";
}

// MARK: What the node knows of the stream

let known = null;

/** Asks every five seconds; a node that wants a control token for it is not asked again. */
async function learn() {
  if (!document.hidden) {
    try {
      known = await common.ask(`/api/v1/streams/${encodeURIComponent(key)}`);
    } catch (error) {
      if (error.status === 401 || error.status === 403) return;
      known = null;
    }
    write(at("facts"), known ? [
      common.count(known.viewers, "viewer", "viewers"),
      known.uptimeSeconds ? `up ${common.span(known.uptimeSeconds)}` : null,
      known.frameRate ? common.fps(known.frameRate) : null,
    ].filter(Boolean).join(" · ") : "");
    write(at("g-codec"), known ? common.codecs(known) : "—");
  }
  setTimeout(learn, 5000);
}

// MARK: Controls

function togglePlay() {
  if (video.paused) playback?.play();
  else video.pause();
}

function toggleMute() {
  video.muted = !video.muted;
  if (!video.muted && video.volume === 0) video.volume = 1;
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (stage.requestFullscreen) stage.requestFullscreen();
  else video.webkitEnterFullscreen?.();
}

function showButtons() {
  const isFull = document.fullscreenElement !== null;
  stage.classList.toggle("is-paused", video.paused);
  stage.classList.toggle("is-muted", video.muted || video.volume === 0);
  stage.classList.toggle("is-full", isFull);
  write(at("play-label"), video.paused ? "Play" : "Pause");
  write(at("mute-label"), video.muted ? "Unmute" : "Mute");
  write(at("full-label"), isFull ? "Leave full screen" : "Full screen");
  at("sound").hidden = !video.muted || ["waiting", "ended", "refused", "unplayable"].includes(stage.dataset.state);
  at("volume").value = String(video.muted ? 0 : video.volume);
}

const buttons = { play: togglePlay, mute: toggleMute, sound: toggleMute, full: toggleFull, live: () => playback?.goLive() };
for (const [id, action] of Object.entries(buttons)) at(id).addEventListener("click", action);
video.addEventListener("click", togglePlay);
video.addEventListener("dblclick", toggleFull);
at("volume").addEventListener("input", () => {
  video.volume = Number(at("volume").value);
  video.muted = video.volume === 0;
});
for (const name of ["play", "pause", "volumechange"]) video.addEventListener(name, showButtons);
document.addEventListener("fullscreenchange", showButtons);

at("quality").addEventListener("change", () => playback.choose(at("quality").value || null));

at("seek").addEventListener("input", () => { isSeeking = true; showPast(); });
at("seek").addEventListener("change", () => {
  isSeeking = false;
  const range = playback?.range;
  if (range) playback.seek(range.start + Number(at("seek").value));
  showPast();
});

const keys = {
  " ": togglePlay, k: togglePlay, m: toggleMute, f: toggleFull, l: buttons.live,
  arrowleft: () => skip(-10), arrowright: () => skip(10),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const isControl = event.target.closest?.("button, a, input, summary, select");
  if (event.key === " " && isControl) return; // There, the space bar belongs to the control.
  if (event.key.startsWith("Arrow") && event.target.closest?.("input")) return;
  const action = keys[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});

// In full screen the controls leave with the pointer.
let idle = 0;
function stir() {
  stage.classList.remove("is-idle");
  clearTimeout(idle);
  idle = setTimeout(() => stage.classList.add("is-idle"), 2600);
}
for (const name of ["pointermove", "pointerdown", "keydown", "fullscreenchange"]) document.addEventListener(name, stir);

common.wireCopyButtons();
showProtocols();
video.muted = true;
showButtons();
begin();
learn();
