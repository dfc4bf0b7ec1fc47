// SPDX-License-Identifier: Apache-2.0
// What both pages share: asking the API, and saying figures in words.

const tokenKey = "millrace.control-token";

/** Asks the API. Throws an Error that has the HTTP status as `status`, 0 where nobody answered. */
export async function ask(path) {
  const token = sessionStorage.getItem(tokenKey);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(8000) });
  } catch {
    throw Object.assign(new Error("This node does not answer."), { status: 0 });
  }
  const body = await response.json().catch(() => null);
  if (!response.ok || body === null) {
    const message = sentence(body?.error ?? `the node answered ${response.status}`);
    throw Object.assign(new Error(message), { status: response.ok ? 0 : response.status });
  }
  return body;
}

function sentence(text) { return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`; }

/** Keeps a control token for as long as this tab lives. */
export function keepToken(token) { sessionStorage.setItem(tokenKey, token.trim()); }
export function forgetToken() { sessionStorage.removeItem(tokenKey); }
export function hasToken() { return sessionStorage.getItem(tokenKey) !== null; }

const codecNames = { h264: "H.264", hevc: "HEVC", av1: "AV1", aac: "AAC", opus: "Opus" };

export function codecs(stream) {
  const names = [stream.videoCodec, stream.audioCodec].filter(Boolean).map((name) => codecNames[name] ?? name);
  return names.join(" · ") || "—";
}

export function picture({ width, height, frameRate, videoCodec }) {
  if (!width || !height) return videoCodec ? "—" : "Audio only";
  const size = `${width}\u00a0×\u00a0${height}`;
  return frameRate ? `${size} · ${fps(frameRate)}` : size;
}

export function fps(frameRate) { return `${Number(frameRate.toFixed(2))}\u00a0fps`; }

export function bitrate(bits) {
  if (!bits) return "—";
  if (bits >= 1e9) return `${Number((bits / 1e9).toFixed(2))} Gbit/s`;
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(bits >= 1e7 ? 1 : 2)} Mbit/s` : `${Math.round(bits / 1e3)} kbit/s`;
}

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

export function count(number, one, many) { return `${number.toLocaleString("en")} ${number === 1 ? one : many}`; }

/** Writes text only where it changed, so that nothing flickers and no selection is lost. */
export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Draws figures as water in a viewBox of 120 × 40: the newest at the right, the highest at two thirds. */
export function drawLevel(svg, figures, top = Math.max(...figures, 1)) {
  const steps = Math.max(figures.length - 1, 1);
  const points = figures.map((value, index) => {
    const height = Math.min(Math.max(value, 0) / top, 1.4) * 24;
    return `${(index / steps * 120).toFixed(1)},${(38 - height).toFixed(1)}`;
  });
  if (points.length === 1) points.push(points[0].replace(/^0\.0/, "120"));
  const surface = points.length ? `M${points.join("L")}` : "";
  svg.querySelector(".surface").setAttribute("d", surface);
  svg.querySelector(".water").setAttribute("d", surface && `${surface}L120,40L0,40Z`);
}

/** Makes the copy buttons of a page work. */
export function wireCopyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      const done = await copy(source.dataset.text ?? source.textContent, source);
      write(button, done ? "Copied" : "Press Ctrl+C");
      announce(done ? "Copied" : "Selected, press Control C to copy");
      setTimeout(() => write(button, "Copy"), 1600);
    });
  }
}

async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // Plain HTTP from another machine has no clipboard: select, and let the old command try.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

/** Says something to screen readers, once. */
export function announce(text) { write(document.getElementById("announce"), text); }
