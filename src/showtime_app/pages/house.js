/** The house's page: whether it is live, what is on, where things are. */

import { h, icon } from "./dom.js";

const $ = (id) => document.getElementById(id);
const COME_AGAIN = 5000;

async function look() {
  const [status, nights] = await Promise.all([read("status"), read("history")]);
  $("health").textContent = status?.isReady === false ? status.message : "";
  show(nights?.broadcasts.at(-1));
}

function show(night) {
  const source = new EventSource("state");
  source.onmessage = ({ data }) => draw(JSON.parse(data), night);
}

function draw({ isLive, broadcastStartedAt, screeningTapeId, screeningStartedAt }, night) {
  $("sign").textContent = isLive ? "open" : "closed";
  $("sign").classList.toggle("lit", isLive);
  $("about").textContent = isLive ? `Old tapes, played live. Tonight since ${clock(broadcastStartedAt)}.` : "Old tapes, played live.";
  $("counter").replaceChildren(...(isLive ? on(screeningTapeId, screeningStartedAt) : [nobody(night)]));
}

function on(tape, since) {
  if (tape === undefined) return [h("div.playing", {}, h("p", {}, "STOP"), h("h2", {}, "Intermission"))];
  return [h("div.playing", {}, h("p", {}, h("span", {}, icon("play"), "PLAY"), h("span", {}, `since ${clock(since)}`)), h("h2", {}, `Tape ${tape}`))];
}

function nobody(night) {
  const last = night ? `Last night: ${date(night.startedAt)}, ${tapes(night.tapeIds.length)}. ` : "";
  return h("div.nobody.paper", {}, h("h2", {}, "Nobody is at the counter."), h("p", {}, `${last}Use the return slot.`));
}

function tapes(number) {
  return number === 1 ? "1 tape" : `${number} tapes`;
}

function clock(time) {
  return new Date(time).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

function date(time) {
  return new Date(time).toLocaleDateString("en-GB", { day: "numeric", month: "long" });
}

async function read(path) {
  try {
    const response = await fetch(path, { headers: { Accept: "application/json" } });
    return response.ok ? await response.json() : null;
  } catch {
    setTimeout(() => location.reload(), COME_AGAIN);
    return null;
  }
}

look();
