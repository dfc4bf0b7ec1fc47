// SPDX-License-Identifier: Apache-2.0
// A camera or a screen by WebRTC: one session of WHIP after another, until it is stopped.

/** Publishes `media` to `url`, an endpoint of WHIP; tells `onstate` of `connecting`, `live`, `waiting`, `refused` and
    `stopped`, with a sentence where there is one. */
export class WhipPublication {
  #url;
  #token;
  #media;
  #onstate;
  #connection = null;
  #session = null;
  #wish = 0; // Counts attempts, so that one that was given up does nothing any more.
  #before = { bytes: 0, at: 0 };
  state = "connecting";

  constructor(url, token, media, onstate) {
    this.#url = url;
    this.#token = token;
    this.#media = media;
    this.#onstate = onstate;
    addEventListener("pagehide", () => this.stop());
    this.#open();
  }

  /** Ends the session, and what the media come from. */
  stop() {
    if (this.state === "stopped") return;
    this.#wish += 1;
    this.#leave();
    for (const track of this.#media.getTracks()) track.stop();
    this.#set("stopped");
  }

  /** What the connection says of itself, as plain values. */
  async figures() {
    const report = await this.#connection?.getStats();
    if (!report) return null;
    const found = [...report.values()];
    const sent = found.filter(({ type }) => type === "outbound-rtp");
    const picture = sent.find(({ kind }) => kind === "video");
    const heard = found.filter(({ type }) => type === "remote-inbound-rtp");
    const path = found.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
    const bytes = sent.reduce((sum, { bytesSent }) => sum + (bytesSent ?? 0), 0);
    const at = performance.now();
    const { bytes: bytesBefore, at: atBefore } = this.#before;
    this.#before = { bytes, at };
    return {
      width: picture?.frameWidth ?? 0, height: picture?.frameHeight ?? 0, frameRate: picture?.framesPerSecond ?? 0,
      frames: picture?.framesSent ?? 0, bitrate: atBefore ? ((bytes - bytesBefore) * 8000) / (at - atBefore) : 0,
      roundTrip: path?.currentRoundTripTime ?? null, limit: picture?.qualityLimitationReason ?? null,
      lost: heard.reduce((sum, { packetsLost }) => sum + Math.max(0, packetsLost ?? 0), 0), state: this.state,
    };
  }

  // MARK: Sessions

  async #open() {
    const wish = ++this.#wish;
    this.#before = { bytes: 0, at: 0 };
    const connection = this.#connection = new RTCPeerConnection();
    for (const track of this.#media.getTracks()) {
      const transceiver = connection.addTransceiver(track, { direction: "sendonly", streams: [this.#media] });
      if (track.kind === "video") prefer(transceiver, ["video/H264", "video/AV1"]);
    }
    connection.onconnectionstatechange = () => {
      if (wish !== this.#wish) return;
      if (connection.connectionState === "connected") this.#set("live");
      if (["failed", "closed", "disconnected"].includes(connection.connectionState)) this.#again(1000);
    };
    try {
      await connection.setLocalDescription(await connection.createOffer());
      const headers = { "Content-Type": "application/sdp" };
      if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
      const answer = await fetch(this.#url, { method: "POST", headers, body: connection.localDescription.sdp });
      if (wish !== this.#wish) return;
      if (answer.status === 503 || answer.status === 429) {
        return this.#again(Number(answer.headers.get("Retry-After") ?? 2) * 1000);
      }
      if (answer.status !== 201) return this.#refuse(await answer.json().catch(() => ({})), answer.status);
      this.#session = new URL(answer.headers.get("Location"), answer.url).href;
      await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    } catch {
      if (wish === this.#wish) this.#again(2000);
    }
  }

  #refuse({ detail }, status) {
    this.#leave();
    for (const track of this.#media.getTracks()) track.stop();
    this.#set("refused", detail ?? `the node answered ${status}`);
  }

  /** The session is over; another is asked for after `wait` ms. */
  #again(wait) {
    const wish = ++this.#wish;
    this.#leave();
    this.#set("waiting");
    setTimeout(() => { if (wish === this.#wish) this.#open(); }, wait);
  }

  #leave() {
    this.#connection?.close();
    this.#connection = null;
    if (this.#session) fetch(this.#session, { method: "DELETE", keepalive: true }).catch(() => {});
    this.#session = null;
  }

  #set(state, sentence = null) {
    if (state === this.state) return;
    this.state = state;
    this.#onstate(state, sentence);
  }
}

/** Puts the codecs that every player of a node can be given first, and leaves out what only browsers take. */
function prefer(transceiver, types) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const chosen = types.flatMap((type) => codecs.filter(({ mimeType }) => mimeType === type));
  if (chosen.length) transceiver.setCodecPreferences([...chosen, ...codecs.filter(({ mimeType }) => mimeType === "video/rtx")]);
}
