// SPDX-License-Identifier: Apache-2.0
// Plays one live stream and keeps it playing: through stalls, an absent publisher, and a node that restarts.

/**
 * Loads hls.js from `{url, integrity}` and returns its class; throws if it is not the file that was promised.
 *
 * A module script is fetched and checked against `integrity` once, and `import()` of the same URL then gives that very
 * module; so the classic build, which leaves a global, and module builds load the same way.
 */
export async function loadHls({ url, integrity }) {
  await new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), {
      type: "module", src: url, integrity, crossOrigin: "anonymous", onload: resolve,
      onerror: () => reject(new Error("hls.js did not load, or is not the file it should be")),
    });
    document.head.append(script);
  });
  if (isHls(globalThis.Hls)) return globalThis.Hls;
  return hlsIn(await import(url));
}

/** Finds the class among the exports of a module: by itself, or behind a function (video, url, callback) that makes one. */
function hlsIn(module) {
  const exports = Object.values(module);
  const direct = exports.find(isHls);
  if (direct) return direct;
  for (const make of exports.filter((value) => typeof value === "function" && value.length === 3)) {
    try {
      const made = make(document.createElement("video"), "/api/v1/player", () => {});
      made.destroy();
      if (isHls(made.constructor)) return made.constructor;
    } catch { /* Some other function of three arguments. */ }
  }
  throw new Error("the configured player script holds no hls.js");
}

function isHls(value) { return typeof value?.isSupported === "function" && Boolean(value.Events?.MANIFEST_PARSED); }

/** Asks of the stream behind a multivariant playlist whether it is live, ended, refused or absent, and its next number. */
async function probe(url) {
  const get = (address) => fetch(address, { cache: "no-store", signal: AbortSignal.timeout(8000) });
  try {
    const answer = await get(url);
    if (answer.status === 401 || answer.status === 403) return { state: "refused" };
    const first = answer.ok && (await answer.text()).split("\n").find((line) => line && !line.startsWith("#"));
    const media = first && await get(new URL(first.trim(), answer.url));
    if (!media?.ok) return { state: "absent" };
    const playlist = await media.text();
    const begin = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1] ?? 0);
    const next = begin + playlist.split("#EXTINF:").length - 1;
    return { state: playlist.includes("#EXT-X-ENDLIST") ? "ended" : "live", next };
  } catch {
    return { state: "absent" };
  }
}

// Parts come twice a second or more often, so a lost request is worth asking for again soon. A playlist request may be
// held back by the node for three target durations, so its first byte may take long.
const patience = (first, retries) => ({
  default: {
    maxTimeToFirstByteMs: first, maxLoadTimeMs: 30000,
    timeoutRetry: { maxNumRetry: retries, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: retries, retryDelayMs: 400, maxRetryDelayMs: 2000, backoff: "exponential" },
  },
});

/** Whether a node says anything about a playlist within a time. */
async function answers(url, time) {
  try {
    await fetch(url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(time) });
    return true;
  } catch {
    return false;
  }
}

/** A time, a quarter of it shorter or longer: what many viewers do at once they shall not do in step. */
const about = (ms) => ms * (0.75 + Math.random() / 2);

// While a publisher is away every edge lives and says nothing: ten thousand viewers must not ask it at each patrol.
const [shortestPatrol, longestPatrol] = [250, 4000];

// Another region is asked by a new connection, and may send on to one of its edges: four times there and back.
const [nearPatience, farPatience] = [600, 1500];
// For how long a pathway that is new has not yet failed by saying nothing, and one that said nothing is not trusted unasked.
const [settling, distrust] = [3000, 10000];

/**
 * The value whose promise is the first to come true; or the last one left where it is trusted, as to use it is as soon
 * done as to ask it; else null.
 */
function first(values, promises, isTrusted) {
  const left = new Set(values);
  return new Promise((resolve) => {
    const settle = () => {
      const [last] = left;
      if (left.size === 0 || (left.size === 1 && isTrusted(last))) resolve(last ?? null);
    };
    promises.forEach(async (promise, index) => {
      if (await promise) return resolve(values[index]);
      left.delete(values[index]);
      settle();
    });
    settle();
  });
}

const slowest = 0.5; // Of all rates those that a viewer still takes for playing.
const appleHandheld = /iPad|iPhone|iPod/.test(navigator.userAgent);

const settings = {
  lowLatencyMode: true, // The target latency is the playlist's PART-HOLD-BACK: no liveSync setting, which would win.
  maxLiveSyncPlaybackRate: 1, // hls.js catches up only with over a second of buffer, which low latency never has.
  liveSyncOnStallIncrease: 0.5,
  backBufferLength: 30,
  manifestLoadPolicy: patience(10000, 1),
  playlistLoadPolicy: patience(20000, 4),
  fragLoadPolicy: patience(12000, 5),
};

/** One stream in one video element. Tells its state by `onstate`: loading, playing, paused, stalled, away, waiting, ended, refused. */
export class Playback {
  state = "loading";
  errors = [];
  reloads = 0;
  discontinuities = 0;
  startedAt = Date.now();
  firstFrameMs = null;
  server = null;

  #video; #url; #Hls; #onstate;
  #hls = null;
  #begun = performance.now();
  #stalls = 0;
  #stalledSince = null;
  #stalledMs = 0;
  #rate = null;
  #lastPosition = 0;
  #lastMoved = performance.now();
  #lastAdvance = performance.now();
  #lastMediaRecovery = -Infinity;
  #networkTries = 0;
  #refusals = 0; // How often the browser's own player made nothing of a stream that is live.
  #counter = null;
  #jumped = false;
  #joined = false;
  #returning = false;
  #nextProbe = 0;
  #rewound = false; // Whether the viewer wants to be where it is, behind what is live.
  #canRewind;
  #places = new Map(); // A playlist of each of them.
  #pathways = []; // What the playlist names, the best first.
  #doubting = false;
  #patrolPause = shortestPatrol; // For how long an edge that lives though nothing comes is not asked again.
  #nextPatrol = 0;
  #cutAt = null; // When a request got no answer; null where media has come that was asked for later.
  #silent = new Map(); // When each pathway was last found to say nothing.

  /** With `canRewind` the playlist reaches back, and a viewer who has paused goes on where it paused. */
  constructor(video, url, Hls, onstate, canRewind = false) {
    this.#canRewind = canRewind;
    this.#video = video;
    this.#url = url;
    this.#Hls = Hls;
    this.#onstate = onstate;
    this.#listen();
    setInterval(() => this.#watch(), 1000);
    setInterval(() => this.#patrol(), 250);
    if (!appleHandheld) setInterval(() => this.#steer(), 100); // Handhelds of Apple stutter at other rates than 1.
    this.#open();
  }

  get engine() { return this.#Hls ? "hls.js" : "native"; }

  /** Moves to where a viewer who joined now would begin. */
  goLive() {
    this.#rewound = false;
    const target = this.#hls?.liveSyncPosition ?? this.#seekableEnd();
    if (target) this.#video.currentTime = target;
    this.play();
  }

  play() { this.#video.play().catch(() => this.#set("paused")); }

  /** Where the viewer can be, in the element's seconds: from the oldest moment listed to where `goLive` leads; null before. */
  get range() {
    if (!this.#canRewind) return null;
    const { seekable, currentTime } = this.#video;
    const fragments = this.#hls?.levels?.[this.#hls.loadLevel]?.details?.fragments;
    const start = this.#hls ? fragments?.[0]?.start : seekable.length ? seekable.start(0) : undefined;
    const end = this.#hls ? this.#hls.liveSyncPosition : this.#seekableEnd();
    return start === undefined || end === null || end <= start ? null : { start, end, position: currentTime };
  }

  /** Goes to a moment of the range; to what is live where that is the moment. */
  seek(position) {
    const { range } = this;
    if (!range) return;
    if (position > range.end - 2) return this.goLive();
    this.#rewound = true;
    this.#video.currentTime = Math.max(position, range.start + 0.1);
  }

  /** Whether the viewer has fallen well behind what could be watched. */
  get isBehind() {
    const { latency, targetLatency } = this.#hls ?? {};
    return Boolean(latency && targetLatency && latency > targetLatency + 4);
  }

  get #isLost() { return (this.#hls?.latency ?? 0) > (this.#hls?.targetLatency ?? Infinity) + 10; }

  /** All that is measured, as plain values. */
  figures() {
    const video = this.#video;
    const quality = video.getVideoPlaybackQuality?.();
    const level = this.#hls?.levels?.[this.#hls.currentLevel];
    const playingDate = this.#playingDate();
    return {
      latency: playingDate ? (Date.now() - playingDate.getTime()) / 1000 : null,
      hlsLatency: this.#hls?.latency || null,
      targetLatency: this.#hls?.targetLatency ?? null,
      buffer: this.#bufferAhead(),
      stalls: this.#stalls + (this.#isStalled ? 1 : 0),
      stalledMs: Math.round(this.#stalledMs + (this.#isStalled ? performance.now() - this.#stalledSince : 0)),
      droppedFrames: quality?.droppedVideoFrames ?? 0,
      totalFrames: quality?.totalVideoFrames ?? 0,
      level: level ? level.name || (level.height ? `${level.height}p` : String(this.#hls.currentLevel)) : null,
      width: video.videoWidth || level?.width || 0,
      height: video.videoHeight || level?.height || 0,
      bitrate: Math.round(this.#rate ?? level?.bitrate ?? 0),
      server: this.server,
      pathway: level?.pathwayId ?? null,
      engine: this.engine,
      state: this.state,
      currentTime: video.currentTime,
      playbackRate: video.playbackRate,
      playingDate: playingDate?.toISOString() ?? null,
      paused: video.paused,
      rewound: this.#rewound,
      range: this.range,
      readyState: video.readyState,
      errors: this.errors,
      reloads: this.reloads,
      discontinuities: this.discontinuities,
      startedAt: new Date(this.startedAt).toISOString(),
      firstFrameMs: this.firstFrameMs,
    };
  }

  // MARK: Opening

  #open() {
    this.#lastMoved = this.#lastAdvance = performance.now();
    this.#networkTries = 0;
    this.#counter = null;
    this.#joined = false;
    this.#rewound = false;
    this.#cutAt = null;
    if (this.#Hls) this.#openHls();
    else this.#video.src = this.#url;
    this.play();
  }

  #openHls() {
    const { Events } = this.#Hls;
    const hls = this.#hls = new this.#Hls(settings);
    hls.on(Events.ERROR, (_, data) => this.#failed(data));
    hls.on(Events.MANIFEST_LOADED, (_, { levels }) => {
      this.#places = new Map(levels.map(({ attrs, url }) => [attrs["PATHWAY-ID"] ?? ".", url]));
      this.#pathways = [...this.#places.keys()];
    });
    hls.on(Events.STEERING_MANIFEST_LOADED, (_, { steeringManifest }) => {
      this.#pathways = steeringManifest["PATHWAY-PRIORITY"] ?? this.#pathways;
    });
    hls.on(Events.LEVEL_LOADED, (_, data) => {
      this.server = data.networkDetails?.getResponseHeader?.("Millrace-Node") ?? this.server;
    });
    hls.on(Events.LEVEL_UPDATED, (_, { details }) => {
      if (!details.advanced && details.live) return;
      this.#lastAdvance = performance.now();
      this.#networkTries = 0;
      this.#patrolPause = shortestPatrol;
      this.#nextPatrol = 0;
    });
    hls.on(Events.FRAG_BUFFERED, (_, { stats, frag, part }) => {
      const seconds = (part ?? frag).duration;
      if (frag.sn === "initSegment" || !seconds || !stats.total) return;
      if (stats.loading.start >= this.#cutAt) this.#cutAt = null; // What was under way before says nothing.
      const measured = stats.total * 8 / seconds;
      const weight = Math.min(seconds / 4, 1);
      this.#rate = this.#rate === null ? measured : this.#rate + (measured - this.#rate) * weight;
    });
    hls.on(Events.FRAG_CHANGED, (_, { frag }) => {
      if (this.#counter !== null && frag.cc !== this.#counter) this.discontinuities += 1;
      this.#counter = frag.cc;
    });
    hls.loadSource(this.#url);
    hls.attachMedia(this.#video);
  }

  #close() {
    this.#hls?.destroy();
    this.#hls = null;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /**
   * Catches up with the target latency by playing a little faster, while there is enough buffer for it; and where a request
   * got no answer plays slower, so that the buffer lasts until another pathway is found.
   */
  #steer() {
    const video = this.#video;
    if (!this.#hls || video.paused) return;
    const ahead = this.#bufferAhead();
    const rate = this.#cutAt !== null ? Math.min(1, Math.max(slowest, Math.round(ahead * 6) / 10)) : this.#catchUpRate(ahead);
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  #catchUpRate(ahead) {
    const { latency, targetLatency } = this.#hls;
    if (!latency || !targetLatency || this.#rewound) return 1;
    const late = latency - targetLatency;
    const isNeeded = this.#video.playbackRate > 1 ? late > 0.03 && ahead > 0.3 : late > 0.1 && ahead > 0.4;
    return isNeeded ? Math.min(1.5, 1 + Math.max(0.05, Math.round(late * 4) / 20)) : 1;
  }

  // MARK: Trouble

  /** Leaves an edge that is gone: nothing new comes, or a request has failed, and it does not even say what it has. */
  async #patrol(hasFailed = false) {
    const hls = this.#hls;
    const level = hls?.levels?.[hls.loadLevel];
    if (!level || this.#pathways.length < 2 || this.#doubting) return;
    const now = performance.now();
    if (!hasFailed && (now - this.#lastAdvance < 900 || now < this.#nextPatrol)) return;
    this.#doubting = true;
    const gone = level.pathwayId;
    const others = this.#pathways.filter((one) => one !== gone);
    const own = answers(level.uri, nearPatience);
    // An edge that lives says so at once. Else all others are asked and the first that lives is taken, before its time is
    // up: there is no more of it than the buffer is long.
    const said = await Promise.race([own, new Promise((resolve) => setTimeout(resolve, 150, null))]);
    if (!said && this.#hls === hls) this.#cut();
    const ask = () => first(others, others.map((one) => this.#answers(one, level)), (one) => this.#trusts(one));
    const found = said ? null : ask();
    const lives = said ?? await own;
    const next = lives ? null : await found;
    this.#doubting = false;
    if (this.#hls !== hls) return;
    if (!lives) this.#silent.set(gone, performance.now());
    if (!next) { // It lives, or nobody else does.
      this.#nextPatrol = performance.now() + about(this.#patrolPause);
      this.#patrolPause = Math.min(this.#patrolPause * 2, longestPatrol);
      return;
    }
    this.#note("networkError", "edgeGone", false);
    this.#pathways = [...new Set([next, ...others, gone])];
    this.#lastAdvance = performance.now();
    this.#nextPatrol = this.#lastAdvance + settling;
    hls.pathwayPriority = [...this.#pathways];
    hls.stopLoad(); // What is under way would hold it for its whole timeout.
    hls.startLoad(-1, true);
  }

  /** Whether a pathway answers, also one that is far. */
  async #answers(pathway, level) {
    const does = await answers(this.#places.get(pathway) ?? level.uri, farPatience);
    if (!does) this.#silent.set(pathway, performance.now());
    return does;
  }

  #trusts(pathway) { return performance.now() - (this.#silent.get(pathway) ?? -Infinity) > distrust; }

  #cut() { this.#cutAt ??= performance.now(); }

  #note(type, details, fatal) {
    this.errors.push({ at: new Date().toISOString(), type, details, fatal });
    if (this.errors.length > 20) this.errors.shift();
  }

  #failed({ type, details, fatal, response }) {
    this.#note(type, details, fatal);
    const { MEDIA_ERROR, NETWORK_ERROR } = this.#Hls.ErrorTypes;
    if (type === NETWORK_ERROR && !response?.code) {
      this.#cut();
      this.#patrol(true);
    }
    if (!fatal) return;
    if (/Codecs?Error$/.test(details)) return this.#set("unplayable");
    const now = performance.now();
    if (type === MEDIA_ERROR && now - this.#lastMediaRecovery > 5000) {
      this.#lastMediaRecovery = now;
      this.#hls.recoverMediaError();
    } else if (type === NETWORK_ERROR && !details.startsWith("manifest") && this.#networkTries < 3) {
      this.#networkTries += 1;
      const hls = this.#hls;
      setTimeout(() => { if (this.#hls === hls) hls.startLoad(); }, 500 * this.#networkTries);
    } else {
      this.#set(response?.code === 401 || response?.code === 403 ? "refused" : "waiting");
      this.#comeBack();
    }
  }

  /** Asks until the stream can be played, then opens it anew. */
  async #comeBack() {
    if (this.#returning) return;
    this.#returning = true;
    this.#endStall();
    let pause = 1000;
    for (;;) {
      const found = (await probe(this.#url)).state;
      if (found === "live") break;
      this.#refusals = 0;
      this.#set(found !== "absent" ? found : this.state === "ended" ? "ended" : "waiting");
      await new Promise((resolve) => setTimeout(resolve, pause * (0.8 + 0.4 * Math.random())));
      pause = Math.min(pause * 1.5, found === "refused" ? 15000 : 4000);
    }
    this.#returning = false;
    this.reloads += 1;
    this.#close();
    this.#set("loading");
    this.#open();
  }

  /** Once a second: what no event tells. */
  #watch() {
    const now = performance.now();
    const video = this.#video;
    // Who has come back to what is live is kept there again.
    if (this.#rewound && this.#hls && !video.paused && !video.seeking && !this.isBehind) this.#rewound = false;
    if (video.currentTime !== this.#lastPosition || video.paused || this.#returning) {
      if (this.#isLost && !video.paused && !this.#rewound) this.goLive(); // Too far behind for a faster rate to make up for it.
      this.#lastPosition = video.currentTime;
      this.#lastMoved = now;
      this.#jumped = false;
      return;
    }
    const still = now - this.#lastMoved;
    const isAway = this.#hls !== null && now - this.#lastAdvance > 5000;
    if (this.#stalledSince !== null) this.#set(isAway ? "away" : "stalled");
    if (isAway && still > 6000) this.#ask(now);
    if (isAway || document.hidden) return;
    if (still > 4000 && this.#hls && !this.#jumped && !this.#rewound) {
      this.#jumped = true;
      this.goLive();
    } else if (still > 10000) {
      this.#note("otherError", "nothingMoves", false);
      this.#lastMoved = now;
      this.#comeBack();
    }
  }

  /** While nothing comes: is the stream gone, or has it gone on without hls.js noticing? */
  async #ask(now) {
    if (now < this.#nextProbe) return;
    this.#nextProbe = now + about(4000);
    const { state, next } = await probe(this.#url);
    const known = this.#hls?.levels?.[this.#hls.loadLevel]?.details?.endSN;
    const isMissed = state === "live" && known !== undefined && (next > known + 3 || next < known - 1);
    if (this.state === "away" && (state !== "live" || isMissed)) this.#comeBack();
  }

  // MARK: The element

  #listen() {
    const video = this.#video;
    const on = (names, handler) => { for (const name of names.split(" ")) video.addEventListener(name, handler); };
    on("playing timeupdate", () => {
      if (video.readyState < 3 || video.paused) return;
      this.firstFrameMs ??= Math.round(performance.now() - this.#begun);
      this.#joined = true;
      this.#refusals = 0;
      this.#endStall();
      this.#set("playing");
    });
    on("waiting", () => {
      if (!this.#joined || video.seeking || this.#returning || this.#stalledSince !== null) return;
      this.#stalledSince = performance.now();
      this.#set("stalled");
    });
    on("pause", () => { if (!video.ended && !this.#returning) { this.#endStall(); this.#set("paused"); } });
    on("play", () => {
      if (!this.isBehind) return;
      if (this.#canRewind && this.#joined) this.#rewound = true;
      else this.goLive();
    });
    on("ended", () => { this.#set("ended"); this.#comeBack(); });
    on("error", () => {
      if (this.#Hls || !video.error) return;
      this.#note("mediaError", `native ${video.error.code}`, true);
      this.#refusals += 1;
      if (this.#refusals > 3) return this.#set("unplayable");
      this.#set("waiting");
      this.#comeBack();
    });
  }

  /** Whether the picture has stood long enough to be seen to stand, a tenth of a second. */
  get #isStalled() { return this.#stalledSince !== null && performance.now() - this.#stalledSince > 100; }

  #endStall() {
    if (this.#isStalled) {
      this.#stalls += 1;
      this.#stalledMs += performance.now() - this.#stalledSince;
    }
    this.#stalledSince = null;
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.#onstate(state);
  }

  #bufferAhead() {
    const { buffered, currentTime } = this.#video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime + 0.1 && currentTime < buffered.end(index)) {
        return buffered.end(index) - currentTime;
      }
    }
    return 0;
  }

  #seekableEnd() {
    const { seekable } = this.#video;
    return seekable.length ? Math.max(seekable.end(seekable.length - 1) - 0.5, 0) : null;
  }

  #playingDate() {
    if (this.#hls) return this.#hls.playingDate ?? null;
    const begin = this.#video.getStartDate?.();
    return begin && !Number.isNaN(begin.getTime()) ? new Date(begin.getTime() + this.#video.currentTime * 1000) : null;
  }
}
