// SPDX-License-Identifier: Apache-2.0
// The list of live streams.

import * as common from "./common.js";
const { ask, write } = common;

const interval = 2000;
const history = 60;

const at = (id) => document.getElementById(id);
const cards = new Map();
let answered = false;

async function refresh() {
  try {
    const { streams } = await ask("/api/v1/streams");
    show(streams);
    problem(null);
  } catch (error) {
    if (error.status === 401 || error.status === 403) gate(error);
    else problem(error);
  }
}

// MARK: States

function show(streams) {
  at("gate").hidden = true;
  const shown = streams.filter((stream) => stream.state !== "stopped");
  const changed = reconcile(shown);
  const live = shown.filter((stream) => stream.state === "live").length;
  const viewers = shown.reduce((sum, stream) => sum + stream.viewers, 0);
  const summary = live
    ? `${common.count(live, "stream", "streams")} live, ${common.count(viewers, "viewer", "viewers")}`
    : "No stream is live";
  write(at("summary"), summary);
  document.body.classList.toggle("flowing", live > 0);
  document.title = live ? `(${live}) Millrace` : "Millrace";
  const empty = shown.length === 0;
  if (at("dry").hidden === empty || !answered) {
    at("dry").hidden = !empty;
    at("cards").hidden = empty;
    at("howto").open = empty;
  }
  if (changed) common.announce(summary);
  answered = true;
}

function problem(error) {
  at("problem").hidden = error === null;
  document.body.classList.toggle("stale", error !== null);
  if (error === null) return;
  const seen = answered ? " What you see is the last that was heard." : "";
  write(at("problem"), `${error.message}${seen} Trying again every two seconds.`);
  document.body.classList.remove("flowing");
  if (!answered) at("cards").hidden = true;
}

function gate(error) {
  const wasShown = !at("gate").hidden;
  problem(null);
  for (const id of ["cards", "dry"]) at(id).hidden = true;
  at("gate").hidden = false;
  write(at("summary"), "");
  document.body.classList.remove("flowing");
  if (common.hasToken()) {
    common.forgetToken();
    at("token").setCustomValidity(error.message);
    at("token").reportValidity();
  } else if (!wasShown) {
    at("howto").open = false;
  }
  answered = false;
}

// MARK: Cards

/** Makes the cards match the streams, touching only what differs. Returns whether a card came or went. */
function reconcile(streams) {
  const list = at("cards");
  for (const ghost of list.querySelectorAll(".ghost")) ghost.remove();
  list.removeAttribute("aria-busy");
  const ids = new Set(streams.map((stream) => stream.id));
  let changed = false;
  for (const [id, card] of cards) {
    if (ids.has(id)) continue;
    card.element.remove();
    cards.delete(id);
    changed = true;
  }
  streams.forEach((stream, index) => {
    if (!cards.has(stream.id)) {
      cards.set(stream.id, makeCard(stream));
      changed = true;
    }
    const card = cards.get(stream.id);
    if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null);
    fill(card, stream);
  });
  return changed;
}

function makeCard(stream) {
  const element = at("card").content.firstElementChild.cloneNode(true);
  const link = element.querySelector(".card-link");
  link.href = stream.playback?.page ?? `/watch/${[stream.app, ...stream.name.split("/")].map(encodeURIComponent).join("/")}`;
  write(element.querySelector(".app"), `${stream.app} / `);
  write(element.querySelector(".name"), stream.name);
  return { element, rates: [] };
}

const stateWords = { live: "Live", connecting: "Starting", idle: "Publisher away", stopping: "Ending" };

function fill(card, stream) {
  const { element, rates } = card;
  element.dataset.state = stream.state;
  write(element.querySelector(".chip"), stateWords[stream.state] ?? stream.state);
  const figures = {
    picture: common.picture(stream),
    codec: common.codecs(stream),
    bitrate: common.bitrate(stream.bitrate),
    viewers: stream.viewers.toLocaleString("en"),
    uptime: stream.uptimeSeconds ? common.span(stream.uptimeSeconds) : "—",
  };
  for (const [name, text] of Object.entries(figures)) write(element.querySelector(`[data-of=${name}]`), text);
  rates.push(stream.state === "live" ? stream.bitrate : 0);
  if (rates.length > history) rates.shift();
  common.drawLevel(element.querySelector(".level"), rates);
}

// MARK: Recordings

let nextPage = null;

/** Shows a page of what the store has. It is asked for by who opens the list, not again and again. */
async function showRecordings(mark = null) {
  nextPage = null;
  try {
    const after = mark ? `&after=${encodeURIComponent(mark)}` : "";
    const { recordings, next } = await ask(`/api/v1/recordings?limit=50${after}`);
    if (!mark) at("recordings").replaceChildren();
    at("recordings").append(...recordings.map(makeRow));
    nextPage = next ?? null;
    write(at("recorded-note"), at("recordings").childElementCount || nextPage ? "" : "Nothing is recorded yet.");
  } catch (error) {
    write(at("recorded-note"), error.message);
  }
  at("recorded-more").hidden = nextPage === null;
}

const recordingWords = { recording: "Recording", finished: "Finished", unfinished: "Unfinished" };

function makeRow({ streamKey, state, startedAt, durationSeconds, gaps, playlist, url }) {
  const row = document.createElement("li");
  const name = Object.assign(document.createElement(url ? "a" : "strong"), { textContent: streamKey });
  if (url) name.href = url;
  const facts = [recordingWords[state] ?? state, new Date(startedAt).toLocaleString(), common.span(durationSeconds)];
  if (gaps) facts.push(common.count(gaps, "gap", "gaps"));
  const line = Object.assign(document.createElement("p"), { className: "small", textContent: facts.join(" · ") });
  row.append(name, line, Object.assign(document.createElement("code"), { textContent: playlist }));
  return row;
}

// MARK: How to publish

function explain(player) {
  const host = location.hostname || "localhost";
  const port = player?.publish?.rtmpPort ?? 1935;
  const server = `rtmp://${host}${port === 1935 ? "" : `:${port}`}/live`;
  write(at("obs-server"), server);
  command(at("ffmpeg-test"), [
    "ffmpeg -re", "-f lavfi -i testsrc2=s=hd720:r=30", "-f lavfi -i sine=f=440", "-c:v libx264 -preset veryfast",
    "-pix_fmt yuv420p -g 60", "-c:a aac", `-f flv ${server}/demo`,
  ]);
  command(at("ffmpeg-file"), ["ffmpeg -re -stream_loop -1", "-i video.mp4 -c copy", `-f flv ${server}/demo`]);
  write(at("token-note"), player?.publish?.tokenNeeded === false
    ? "This node takes publishers without a token."
    : "From this machine no token is needed. From another, the key carries one: demo?token=…, which millrace token publish demo, called on this machine, prints.");
  write(at("node"), player ? `${player.node} · ${player.version} ·` : "");
}

/** Shows a command of one line that wraps between its options only. */
function command(element, groups) {
  element.replaceChildren(...groups.flatMap((text, index) => {
    const span = Object.assign(document.createElement("span"), { className: "arg", textContent: text });
    return index ? [" ", span] : [span];
  }));
}

// MARK: Beginning

at("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  common.keepToken(at("token").value);
  at("token").value = "";
  refresh();
});
at("token").addEventListener("input", () => at("token").setCustomValidity(""));

at("recorded").addEventListener("toggle", () => { if (at("recorded").open) showRecordings(); });
at("recorded-more").addEventListener("click", () => showRecordings(nextPage));

common.wireCopyButtons();
explain(null);
ask("/api/v1/player").then(explain, () => {});

/** Asks again when the last answer is in, and not while nobody looks. */
async function run() {
  if (!document.hidden && (at("gate").hidden || common.hasToken())) await refresh();
  setTimeout(run, interval);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden && at("gate").hidden) refresh(); });
run();
