// SPDX-License-Identifier: Apache-2.0
// The page that publishes: what to send, whether it goes out, and how.

import * as common from "./common.js";
import { WhipPublication } from "./whip.js";
const { write } = common;

const at = (id) => document.getElementById(id);
const video = at("video");
const words = { connecting: "Connecting", live: "Live", waiting: "Trying again", refused: "Refused", stopped: "Stopped" };
let publication = null;

const query = new URLSearchParams(location.search);
if (query.get("stream")) at("name").value = query.get("stream");

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem(null);
  const source = event.submitter?.value ?? "camera";
  // app/name, or a name of the default app.
  const stream = at("name").value.trim().replace(/^\/+|\/+$/g, "");
  const path = (stream.includes("/") ? stream : `live/${stream}`).split("/").map(encodeURIComponent).join("/");
  try {
    begin(path, await open(source));
  } catch (error) {
    problem(navigator.mediaDevices ? error.message : "Browsers give a page the camera or the screen only from this machine, or over HTTPS.");
  }
});

at("stop").addEventListener("click", () => publication?.stop());

/** The camera with its microphone, or the screen with its sound where the browser gives it. */
function open(source) {
  const picture = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  return source === "screen"
    ? navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: true })
    : navigator.mediaDevices.getUserMedia({ video: picture, audio: true });
}

function begin(path, media) {
  publication?.stop();
  video.srcObject = media;
  at("watch").href = `/watch/${path}`;
  const mine = publication = new WhipPublication(`/${path}/whip`, at("token").value.trim(), media, (state, sentence) => {
    if (publication === mine) show(state, sentence);
  });
  // The browser's own bar ends a shared screen.
  media.getVideoTracks()[0]?.addEventListener("ended", () => mine.stop());
  show("connecting", null);
}

function show(state, sentence) {
  const isOver = state === "stopped" || state === "refused";
  document.body.classList.toggle("flowing", state === "live");
  at("chip").hidden = false;
  at("chip").dataset.state = state === "live" ? "playing" : state;
  write(at("chip"), words[state]);
  at("watch").hidden = state !== "live";
  at("stop").hidden = isOver;
  for (const button of document.querySelectorAll("[name=source]")) button.hidden = !isOver;
  if (isOver) video.srcObject = null;
  if (sentence) problem(sentence);
  common.announce(words[state]);
}

function problem(sentence) {
  at("problem").hidden = sentence === null;
  write(at("problem"), sentence ? `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, "")}.` : "");
}

async function measure() {
  const figures = await publication?.figures();
  window.__stats = { ...figures, state: publication?.state ?? "stopped" };
  write(at("g-picture"), figures?.width ? common.picture({ ...figures, videoCodec: "h264" }) : "—");
  write(at("g-bitrate"), common.bitrate(figures?.bitrate));
  write(at("g-trip"), figures?.roundTrip === null || !figures ? "—" : `${Math.round(figures.roundTrip * 1000)} ms`);
  write(at("g-lost"), figures ? figures.lost.toLocaleString("en") : "—");
  write(at("g-limit"), { none: "Nothing", cpu: "This machine", bandwidth: "The network" }[figures?.limit] ?? "—");
}
setInterval(measure, 1000);
