# SPDX-License-Identifier: Apache-2.0
"""Chromium as a viewer by WHEP and a publisher by WHIP: scripts that run in any page of the node, and their figures."""

from __future__ import annotations

import json

from browser import Browser
from server import wait_until

# Loopback is a network like any other, and a camera and a microphone are there without a question.
FLAGS = ("--allow-loopback-in-peer-connection", "--use-fake-ui-for-media-stream",
         "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream=fps=30", "--disable-features=WebRtcHideLocalIpsWithMdns")

WHEP = """
const [url, kinds] = ARGUMENTS;
window.__rtc = {begun: performance.now()};
(async () => {
    const pc = new RTCPeerConnection();
    window.__pc = pc;
    for (const kind of kinds) pc.addTransceiver(kind, {direction: "recvonly"});
    const video = document.createElement("video");
    video.muted = true; video.autoplay = true; video.playsInline = true;
    document.body.append(video);
    window.__video = video;
    const stream = new MediaStream();
    video.srcObject = stream;
    pc.ontrack = event => {
        stream.addTrack(event.track);
        if (event.track.kind === "audio") listen(new MediaStream([event.track]));
    };
    const listen = heard => {
        const context = new AudioContext();
        const analyser = context.createAnalyser();
        analyser.fftSize = 16384;
        context.createMediaStreamSource(heard).connect(analyser);
        const levels = new Float32Array(analyser.frequencyBinCount);
        setInterval(() => {
            analyser.getFloatFrequencyData(levels);
            const loudest = levels.reduce((best, level, bin) => level > levels[best] ? bin : best, 0);
            window.__rtc.tone = levels[loudest] > -60 ? loudest * context.sampleRate / analyser.fftSize : 0;
        }, 200);
    };
    pc.onconnectionstatechange = () => {
        window.__rtc.state = pc.connectionState;
        if (pc.connectionState === "connected") window.__rtc.connected ??= performance.now() - window.__rtc.begun;
    };
    const note = (now, frame) => {
        window.__rtc.first ??= performance.now() - window.__rtc.begun;
        window.__rtc.size = [frame.width, frame.height];
        video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
    await pc.setLocalDescription(await pc.createOffer());
    window.__rtc.begun = performance.now();
    const answer = await fetch(url, {method: "POST", headers: {"Content-Type": "application/sdp"},
                                     body: pc.localDescription.sdp});
    window.__rtc.status = answer.status;
    window.__rtc.location = answer.headers.get("Location");
    const text = await answer.text();
    if (answer.status !== 201) { window.__rtc.text = text; return; }
    await pc.setRemoteDescription({type: "answer", sdp: text});
})().catch(failure => window.__rtc.failure = String(failure));
"""

WHIP = """
const [url, codec, layers] = ARGUMENTS;
window.__rtc = {begun: performance.now()};
(async () => {
    const pc = new RTCPeerConnection();
    window.__pc = pc;
    const media = await navigator.mediaDevices.getUserMedia(
        {video: {width: 1280, height: 720, frameRate: 30}, audio: true});
    for (const track of media.getTracks()) {
        const sendEncodings = track.kind === "video" && layers ? layers : undefined;
        const transceiver = pc.addTransceiver(track, {direction: "sendonly", streams: [media], sendEncodings});
        if (track.kind !== "video" || !codec) continue;
        const codecs = RTCRtpSender.getCapabilities("video").codecs;
        transceiver.setCodecPreferences(codecs.filter(
            entry => entry.mimeType === "video/" + codec || entry.mimeType === "video/rtx"));
    }
    pc.onconnectionstatechange = () => window.__rtc.state = pc.connectionState;
    await pc.setLocalDescription(await pc.createOffer());
    const answer = await fetch(url, {method: "POST", headers: {"Content-Type": "application/sdp"},
                                     body: pc.localDescription.sdp});
    window.__rtc.status = answer.status;
    window.__rtc.location = answer.headers.get("Location");
    const text = await answer.text();
    if (answer.status !== 201) { window.__rtc.text = text; return; }
    await pc.setRemoteDescription({type: "answer", sdp: text});
})().catch(failure => window.__rtc.failure = String(failure));
"""

SEND_LAYER = """
const [rid, active] = ARGUMENTS;
const sender = window.__pc.getSenders().find(sender => sender.track.kind === "video");
const parameters = sender.getParameters();
parameters.encodings.find(encoding => encoding.rid === rid).active = active;
sender.setParameters(parameters).catch(failure => window.__rtc.failure = String(failure));
"""

ASK_LAYER = """
const [encodingId] = ARGUMENTS;
const mediaId = window.__pc.getTransceivers().find(one => one.receiver.track.kind === "video").mid;
fetch(window.__rtc.location + "/layer", {method: "POST", headers: {"Content-Type": "application/json"},
                                         body: JSON.stringify({mediaId, encodingId})})
    .then(answer => window.__rtc.asked = answer.status);
"""

STATS = """
window.__rtc.stats = null;
window.__pc.getStats().then(report => {
    const found = {};
    for (const entry of report.values()) {
        if (entry.type === "inbound-rtp" || entry.type === "outbound-rtp" || entry.type === "candidate-pair")
            found[[entry.type, entry.kind || entry.state, entry.rid].filter(Boolean).join("/")] = entry;
    }
    window.__rtc.stats = found;
});
"""


def start(browser: Browser, script: str, *arguments: object) -> None:
    """Begins one of the scripts in the page that is open."""
    browser.evaluate(script.replace("ARGUMENTS", json.dumps(list(arguments))))


def state(browser: Browser) -> dict:
    """What the script has noted so far."""
    return browser.evaluate("return window.__rtc || {}")


def stats(browser: Browser) -> dict:
    """The connection's own figures."""
    browser.evaluate(STATS)
    wait_until(lambda: state(browser).get("stats") is not None, 10, "getStats", every=0.05)
    return state(browser)["stats"]
