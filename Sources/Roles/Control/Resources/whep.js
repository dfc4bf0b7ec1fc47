// SPDX-License-Identifier: Apache-2.0
// A stream by WebRTC: one session of WHEP after another, until the page is left.

/** Plays `url`, an endpoint of WHEP, in `video`; tells `onstate` the same states as `Playback` of player.js. */
export class WhepPlayback {
  #video;
  #url;
  #token;
  #onstate;
  #connection = null;
  #session = null;
  #heard = { bytes: 0, at: 0, since: 0 }; // What came in this session, when last, and from when on.
  #avoided = null; // The node of which nothing came.
  #patience = 1000; // How long nothing may come before another node is asked for, in ms.
  #wish = 0; // Counts attempts, so that one that was given up does nothing any more.
  #before = { delay: 0, emitted: 0, bytes: 0, at: 0 };
  #now = { latency: null, rate: 0, freezes: 0, frozen: 0, dropped: 0, decoded: 0 };
  #medium = null; // How the session calls its video.
  #asked = ""; // Of which session which layer was asked for.
  layers = []; // What the stream has to choose from, the largest first: { id, label }.
  layer = null; // Which of them is asked for; null for the best that the line carries.
  state = "loading";
  server = null;
  note = null; // What the node says of the session, such as that there is no sound.
  reloads = 0;

  constructor(video, url, token, onstate) {
    this.#video = video;
    this.#url = url;
    this.#token = token;
    this.#onstate = onstate;
    video.addEventListener("playing", () => this.#set("playing"));
    video.addEventListener("pause", () => this.#set("paused"));
    setInterval(() => this.#measure(), 1000);
    setInterval(() => this.#listen(), 250);
    setInterval(() => this.#learnLayers(), 3000);
    addEventListener("pagehide", () => this.#leave());
    this.#open();
  }

  get engine() { return "webrtc"; }
  get isBehind() { return false; }

  play() { this.#video.play().catch(() => this.#set("paused")); }
  goLive() { this.play(); }

  /** Asks for a layer by its id, while the stream has it, in this session and in those to come; null for the best. */
  choose(layer) {
    this.layer = layer;
    this.#askForLayer().catch(() => {});
  }

  /** All that is measured, as plain values. */
  figures() {
    const { latency, rate, freezes, frozen, dropped, decoded } = this.#now;
    const video = this.#video;
    return {
      latency, hlsLatency: null, targetLatency: null, buffer: latency ?? 0, stalls: freezes,
      stalledMs: Math.round(frozen * 1000), droppedFrames: dropped, totalFrames: decoded, level: null,
      width: video.videoWidth, height: video.videoHeight, bitrate: Math.round(rate), server: this.server,
      engine: this.engine, state: this.state, currentTime: video.currentTime, paused: video.paused,
      reloads: this.reloads, discontinuities: 0,
    };
  }

  // MARK: Sessions

  async #open() {
    const wish = ++this.#wish;
    this.#before = { delay: 0, emitted: 0, bytes: 0, at: 0 };
    this.#heard = { bytes: 0, at: 0, since: 0 };
    const connection = this.#connection = new RTCPeerConnection();
    const stream = new MediaStream();
    for (const kind of ["video", "audio"]) connection.addTransceiver(kind, { direction: "recvonly" });
    connection.ontrack = ({ track }) => {
      stream.addTrack(track);
      this.#video.srcObject = stream;
      this.play();
    };
    connection.onconnectionstatechange = () => {
      if (wish === this.#wish && ["failed", "closed", "disconnected"].includes(connection.connectionState)) {
        this.#again("stalled", 1000);
      }
    };
    try {
      await connection.setLocalDescription(await connection.createOffer());
      // A router does not know yet that a node is gone.
      const url = this.#avoided ? `${this.#url}?avoid=${encodeURIComponent(this.#avoided)}` : this.#url;
      const answer = await this.#ask("POST", url, connection.localDescription.sdp);
      if (wish !== this.#wish) return;
      if (answer.status === 401 || answer.status === 403) return this.#set("refused");
      if (answer.status !== 201) {
        const wait = Number(answer.headers.get("Retry-After") ?? 5);
        return this.#again(answer.status === 409 ? "waiting" : "stalled", wait * 1000);
      }
      this.#session = new URL(answer.headers.get("Location"), answer.url).href;
      this.server = new URL(this.#session).host;
      this.note = answer.headers.get("X-Millrace-Note");
      this.#avoided = null;
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch {
      if (wish === this.#wish) this.#again("stalled", 500);
    }
  }

  #ask(method, url, body, type = "application/sdp") {
    const headers = body ? { "Content-Type": type } : {};
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    return fetch(url, { method, headers, body, keepalive: method === "DELETE" });
  }

  /** The session is over; another is asked for after `wait` ms. */
  #again(state, wait) {
    const wish = ++this.#wish;
    this.#leave();
    this.#set(state);
    this.reloads += 1;
    setTimeout(() => { if (wish === this.#wish) this.#open(); }, wait);
  }

  #leave() {
    this.#connection?.close();
    this.#connection = null;
    if (this.#session) this.#ask("DELETE", this.#session).catch(() => {});
    this.#session = null;
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.#onstate(state);
  }

  /** Browsers notice after many seconds that nobody is there any more; media that stop tell it at once. A stream whose
      publisher is away stops everywhere, so the next time it takes longer. */
  async #listen() {
    const wish = this.#wish;
    const report = await this.#connection?.getStats();
    if (!report || wish !== this.#wish) return;
    // A node says by its reports that it is there while the publisher is away.
    const bytes = [...report.values()].reduce((sum, { type, bytesReceived, reportsSent }) =>
      sum + (type === "inbound-rtp" ? bytesReceived ?? 0 : type === "remote-outbound-rtp" ? reportsSent ?? 0 : 0), 0);
    const now = performance.now();
    if (bytes > this.#heard.bytes) {
      this.#heard = { bytes, at: now, since: this.#heard.since || now };
      if (now - this.#heard.since > 5000) this.#patience = 1000;
    } else if (this.#heard.at && now - this.#heard.at > this.#patience && !document.hidden) {
      this.#patience = Math.min(this.#patience * 2, 16_000);
      this.#avoided = this.server;
      this.#again("stalled", Math.random() * 200);
    }
  }

  // MARK: Layers

  /** Layers come and go with what the publisher's line carries. */
  async #learnLayers() {
    const session = this.#session;
    if (!session || document.hidden) return;
    try {
      const answer = await this.#ask("GET", `${session}/layer`);
      if (!answer.ok || session !== this.#session) return;
      const [[medium, { layers }]] = Object.entries(await answer.json());
      this.#medium = medium;
      this.layers = layers.sort((one, other) => other.height - one.height)
        .map(({ encodingId, height }) => ({ id: encodingId, label: height ? `${height}p` : encodingId }));
      await this.#askForLayer();
    } catch {
      // The session is over, or about to be: the next one is asked again.
    }
  }

  /** Asks for the layer that was chosen, once a session; one that can not be had now is asked for again. */
  async #askForLayer() {
    const wanted = this.layer === null ? "" : `${this.#session} ${this.layer}`;
    if (!this.#session || this.#medium === null || wanted === this.#asked) return;
    const wish = { mediaId: this.#medium, ...(this.layer !== null && { encodingId: this.layer }) };
    const answer = await this.#ask("POST", `${this.#session}/layer`, JSON.stringify(wish), "application/json");
    if (answer.ok) this.#asked = wanted;
  }

  // MARK: Figures

  /** What the browser's jitter buffer adds, and half a round trip: from the node to the screen. */
  async #measure() {
    const report = await this.#connection?.getStats();
    if (!report) return;
    const found = [...report.values()];
    const picture = found.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    const path = found.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
    if (!picture) return;
    const before = this.#before;
    const after = {
      delay: picture.jitterBufferDelay ?? 0, emitted: picture.jitterBufferEmittedCount ?? 0,
      bytes: picture.bytesReceived ?? 0, at: picture.timestamp,
    };
    const frames = after.emitted - before.emitted;
    const hold = frames > 0 ? (after.delay - before.delay) / frames : null;
    this.#now = {
      latency: hold === null ? null : hold + (path?.currentRoundTripTime ?? 0) / 2,
      rate: before.at ? ((after.bytes - before.bytes) * 8000) / Math.max(1, after.at - before.at) : 0,
      freezes: picture.freezeCount ?? 0, frozen: picture.totalFreezesDuration ?? 0,
      dropped: picture.framesDropped ?? 0, decoded: picture.framesDecoded ?? 0,
    };
    this.#before = after;
    if (frames <= 0 && this.state === "playing") this.#set("stalled");
    if (frames > 0 && this.state === "stalled" && !this.#video.paused) this.#set("playing");
  }
}
