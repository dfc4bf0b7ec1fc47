// SPDX-License-Identifier: Apache-2.0
// The cluster as this node knows it: nodes by region and zone, streams, and the tree of one stream.

import * as common from "./common.js";
const { ask, write } = common;

const interval = 2000;
const at = (id) => document.getElementById(id);
let answered = false;
let shownStreams = 50;

async function refresh() {
  try {
    const [cluster, { members }, { streams }] = await Promise.all([
      ask("/api/v1/cluster"), ask("/api/v1/cluster/members"), ask("/api/v1/cluster/streams"),
    ]);
    at("gate").hidden = true;
    problem(null);
    showSums(cluster, streams);
    showRegions(cluster, members);
    showStreams(streams.filter((stream) => stream.state !== "ended"), cluster);
    at("all").hidden = false;
    answered = true;
    await refreshTrees();
  } catch (error) {
    if (error.status === 401 || error.status === 403) gate(error);
    else problem(error);
  }
}

// MARK: States

function problem(error) {
  at("problem").hidden = error === null;
  document.body.classList.toggle("stale", error !== null);
  if (error === null) return;
  const seen = answered ? " What you see is the last that was heard." : "";
  write(at("problem"), `${error.message}${seen} Trying again every two seconds.`);
  document.body.classList.remove("flowing");
}

function gate(error) {
  problem(null);
  at("all").hidden = true;
  at("gate").hidden = false;
  document.body.classList.remove("flowing");
  answered = false;
  if (!common.hasToken()) return;
  common.forgetToken();
  at("token").setCustomValidity(error.message);
  at("token").reportValidity();
}

// MARK: Lists

/**
 * Makes the children of `list` match `items`, one for each key, moving and touching only what differs.
 * `fill(element, item)` writes an item into its element, which `make` or the template of that name gives.
 */
function reconcile(list, items, key, template, fill) {
  const present = new Map([...list.children].map((element) => [element.dataset.key, element]));
  items.forEach((item, index) => {
    const name = key(item);
    const element = present.get(name) ?? at(template).content.firstElementChild.cloneNode(true);
    present.delete(name);
    if (element.dataset.key !== name) element.dataset.key = name;
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
    fill(element, item);
  });
  for (const element of present.values()) element.remove();
}

/** The members of each zone, by name. */
function zones(members) {
  const zones = new Map();
  for (const member of members) zones.set(member.zone, [...(zones.get(member.zone) ?? []), member]);
  return [...zones].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Draws a share of 0 to 1 as a filled bar, or an empty one where nothing is known. */
function fillBar(bar, share, sentence) {
  const isKnown = share !== null && share !== undefined;
  bar.classList.toggle("unknown", !isKnown);
  bar.dataset.level = !isKnown ? "" : share >= 0.95 ? "full" : share >= 0.75 ? "high" : "well";
  bar.querySelector(".fill").style.width = `${Math.min(Math.max(share ?? 0, 0), 1) * 100}%`;
  if (bar.getAttribute("aria-label") !== sentence) bar.setAttribute("aria-label", sentence);
}

const percent = (share) => `${Math.round(share * 100)} %`;

/** Joins what is known, so that lines break between figures only. */
const joined = (figures) => figures.filter(Boolean).map((text) => text.replaceAll(" ", "\u00a0")).join(" · ");
const number = (value) => value.toLocaleString("en");

// MARK: The whole

function showSums(cluster, streams) {
  const { members, problems } = cluster;
  write(at("sum-nodes"), number(members.alive + members.suspect));
  write(at("sum-streams"), number(cluster.streams.live));
  write(at("sum-viewers"), cluster.viewers === null ? "–" : number(cluster.viewers));
  at("sum-viewers").title = cluster.viewers === null ? "Edges report to routers, and this node is none" : "";
  write(at("sum-health"), problems.length ? common.count(problems.length, "problem", "problems") : "Good");
  at("sum-health").dataset.health = cluster.health;
  at("look").hidden = problems.length === 0;
  reconcile(at("look"), problems, (text) => text, "sentence", write);
  at("alone").hidden = cluster.clustered;
  write(at("node"), `Seen by ${cluster.node}${cluster.clustered ? ` in ${cluster.region}` : ""}`);
  document.body.classList.toggle("flowing", streams.some((stream) => stream.state === "live"));
  document.title = problems.length ? `(${problems.length}) Cluster · Millrace` : "Cluster · Millrace";
  const health = problems.length ? problems.join(". ") : "All is well";
  if (answered || problems.length) common.announce(health);
}

function showRegions(cluster, members) {
  const regions = [...cluster.regions].sort((a, b) => Number(b.own) - Number(a.own));
  reconcile(at("regions"), regions, (region) => region.name, "region", (element, region) => {
    const here = members.filter((member) => member.region === region.name);
    const known = region.members === null ? null : common.count(region.members, "node", "nodes");
    const capacity = region.capacity ? `edges for ${common.bitrate(region.capacity)}` : null;
    const load = region.load === null ? null : `${percent(region.load)} in use`;
    write(element.querySelector(".title .name"), region.name);
    write(element.querySelector(".about"), joined([known, capacity, load]));
    const bar = element.querySelector(":scope > .load");
    bar.hidden = here.length > 0 && region.load === null;
    fillBar(bar, region.load, `Load of ${region.name}: ${load ?? "not known"}`);
    const doors = element.querySelector(".doors");
    doors.hidden = here.length > 0;
    write(doors, region.doors.length ? `Other regions take streams from ${region.doors.join(", ")}.` : "");
    reconcile(element.querySelector(".zones"), zones(here), ([zone]) => zone, "zone", showZone);
  });
}

function showZone(element, [zone, members]) {
  write(element.querySelector("h3"), zone === "local" ? "" : `Zone ${zone}`);
  reconcile(element.querySelector(".members"), members, (member) => member.name, "member", showMember);
}

const healthWords = { suspect: "Not answering", dead: "Dead", left: "Left" };

function showMember(element, member) {
  const { load, health } = member;
  const word = healthWords[health] ?? (member.draining ? "Draining" : "");
  element.dataset.health = health === "alive" && member.draining ? "draining" : health;
  element.classList.toggle("own", member.own);
  write(element.querySelector("h4"), member.name);
  element.querySelector(".chip").hidden = word === "";
  write(element.querySelector(".chip"), word);
  write(element.querySelector(".roles"), member.roles.join(" · ") || "–");
  const isEdge = member.roles.includes("edge");
  const bar = element.querySelector(".load");
  bar.hidden = !isEdge || !load || load.share === null;
  fillBar(bar, load?.share, load?.share == null ? "Load not known" : `Load ${percent(load.share)}`);
  const figures = load && isEdge
    ? [common.count(load.viewers, "viewer", "viewers"), load.egress ? common.bitrate(load.egress) : null, `CPU ${percent(load.processor)}`]
    : [load && `CPU ${percent(load.processor)}`];
  const isGone = health === "dead" || health === "left";
  write(element.querySelector(".figures"), isGone ? "" : joined(figures));
}

// MARK: Streams

const stateWords = { live: "Live", absent: "Publisher away" };

function showStreams(streams, cluster) {
  const runs = [...streams].sort((a, b) => (b.viewers ?? 0) - (a.viewers ?? 0) || (a.id < b.id ? -1 : 1));
  at("no-streams").hidden = runs.length > 0;
  at("more").hidden = runs.length <= shownStreams;
  write(at("more"), `Show ${number(Math.min(50, runs.length - shownStreams))} more of ${number(runs.length)}`);
  reconcile(at("runs"), runs.slice(0, shownStreams), (stream) => stream.id, "run", (element, stream) => {
    const slash = stream.id.indexOf("/");
    write(element.querySelector(".app"), `${stream.id.slice(0, slash)} / `);
    write(element.querySelector(".name"), stream.id.slice(slash + 1));
    element.dataset.state = stream.state;
    element.dataset.stream = stream.streamKey;
    write(element.querySelector(".chip"), stateWords[stream.state] ?? stream.state);
    const standby = stream.standby ? ` + ${stream.standby}` : cluster.clustered ? ", no standby" : "";
    write(element.querySelector(".run-way"), `${stream.gateway}${standby}${stream.region === cluster.region ? "" : ` in ${stream.region}`}`);
    write(element.querySelector(".run-viewers"), stream.viewers === null ? "" : common.count(stream.viewers, "viewer", "viewers"));
    wire(element);
  });
}

function wire(element) {
  if (element.dataset.wired) return;
  element.dataset.wired = "yes";
  element.querySelector("details").addEventListener("toggle", (event) => {
    if (event.target.open) refreshTree(element);
  });
}

function refreshTrees() {
  const open = [...at("runs").querySelectorAll("details[open]")].slice(0, 6);
  return Promise.all(open.map((details) => refreshTree(details.closest(".run"))));
}

async function refreshTree(element) {
  const place = element.querySelector(".branches");
  try {
    const { tree, stream } = await ask(`/api/v1/cluster/streams/${encodeURIComponent(element.dataset.stream)}`);
    showTree(place, tree, stream);
  } catch (error) {
    if (!place.querySelector(".tree")) write(place.querySelector(".waiting"), error.message);
  }
}

// MARK: The tree of a stream

const partWords = { gateway: "Gateway", standby: "Standby", shield: "Shield", edge: "Edge" };

/** Draws each node below the one it takes the stream from, and the nodes of other regions under their name. */
function showTree(place, tree, stream) {
  if (!place.querySelector(".tree")) {
    const list = Object.assign(document.createElement("ul"), { className: "tree" });
    const watch = Object.assign(document.createElement("a"), { className: "small", textContent: "Watch this stream" });
    place.replaceChildren(list, watch);
  }
  const names = new Set(tree.map((branch) => branch.node));
  const children = new Map();
  for (const branch of tree) {
    const parent = names.has(branch.parent) && branch.parent !== branch.node ? branch.parent : "";
    children.set(parent, [...(children.get(parent) ?? []), branch]);
  }
  const drawn = new Set();
  const draw = (list, parent, region) => {
    const here = (children.get(parent) ?? []).filter(({ node }) => !drawn.has(node) && drawn.add(node));
    reconcile(list, here, (branch) => branch.node, "branch", (element, branch) => {
      showBranch(element, branch, branch.region !== region);
      let inner = element.querySelector(":scope > ul");
      if (children.has(branch.node) && !inner) inner = element.appendChild(document.createElement("ul"));
      if (!children.has(branch.node)) inner?.remove();
      else draw(inner, branch.node, branch.region);
    });
  };
  draw(place.querySelector(".tree"), "", null);
  place.querySelector("a").href = stream.playback.page;
}

function showBranch(element, branch, isFar) {
  const box = element.querySelector(":scope > .branch");
  box.dataset.part = branch.part;
  box.dataset.health = branch.health ?? "";
  const word = healthWords[branch.health] ? ` · ${healthWords[branch.health].toLowerCase()}` : "";
  write(box.querySelector(".part"), `${partWords[branch.part] ?? branch.part}${isFar ? ` · ${branch.region}` : ""}${word}`);
  write(box.querySelector(".who"), branch.node);
  write(box.querySelector(".count"), branch.viewers ? common.count(branch.viewers, "viewer", "viewers") : "");
}

// MARK: Beginning

at("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  common.keepToken(at("token").value);
  at("token").value = "";
  refresh();
});
at("token").addEventListener("input", () => at("token").setCustomValidity(""));
at("more").addEventListener("click", () => {
  shownStreams += 50;
  refresh();
});

/** Asks again when the last answer is in, and not while nobody looks. */
async function run() {
  if (!document.hidden && (at("gate").hidden || common.hasToken())) await refresh();
  setTimeout(run, interval);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden && at("gate").hidden) refresh(); });
run();
