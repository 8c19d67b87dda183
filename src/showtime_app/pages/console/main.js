/**
 * The host's console. What it shows it is told by one stream, `GET /show`, and by routes that the stream says
 * have changed; what it does, it asks the routes for, and shows once the stream tells of it.
 */

import { h, icon } from "../dom.js";
import { follow } from "../stream.js";
import { address, ask, oneAtATime, onTrouble, read, serverNow } from "./api.js";
import { drawAsking, drawTape } from "./asking.js";
import { duration, key, light, nothing, paint } from "./draw.js";
import { Feed } from "./feed.js";
import { drawNight } from "./night.js";
import { Places } from "./places.js";
import { drawKeys, drawPaused, drawScreen, drawWaiting, pressLetter, tick } from "./screen.js";
import { drawHealth, drawParked, drawPlots, drawTests } from "./side.js";

const $ = (id) => document.getElementById(id);
const EVERY = { tapes: 60_000, totals: 15_000, lights: 20_000, timeline: 20_000 };
const SOON = 150;
const NOTICE = 9000;
const REFUSED = 1000;
const ENDED = "Your session has ended, or the broadcaster has withdrawn it. Nothing was lost: sign in again.";
const SCAN = "This device is let in by a code: start `showtime dev --lan` again on the laptop, and scan what it prints.";
const READS = {
  awaiting: ["admin/ghosts", (found) => found.ghosts],
  parked: ["admin/parked", (found) => found.parked],
  tapes: ["admin/tapes", (found) => found.tapes],
  totals: ["admin/night/totals", (found) => found],
  lights: ["admin/health", (found) => found.lights],
  timeline: ["admin/nights/live/timeline", (found) => found],
};

const state = { session: null, may: {}, queue: null, channel: null, status: null, isHeard: false, isPainting: false, isDev: false };
const feed = new Feed();
const places = new Places(signOut);
let drawing = null;
let changing = null;
let listening = null;
let hasEnded = false;
let asking = null;

function draw() {
  drawing ??= setTimeout(() => {
    drawing = null;
    state.isPainting = Boolean(state.queue?.leader);
    for (const part of [drawScreen, drawPaused, drawKeys, drawWaiting, drawTape, drawHealth, drawPlots, drawTests, drawNight]) part(state);
    drawAsking(state, refresh);
    drawParked(state, refresh);
    drawLamps();
    places.draw(state);
  });
}

const readers = Object.fromEntries(Object.entries(READS).map(([name, [path, pick]]) => [name, oneAtATime(async () => {
  const found = await read(path);
  if (found) state[name] = pick(found);
})]));

async function refresh(...names) {
  await Promise.all(names.filter((name) => name !== "timeline" || state.channel?.isLive).map((name) => readers[name]()));
  draw();
}

/** Read again what may have changed: once for many events. */
function changed() {
  changing ??= setTimeout(() => {
    changing = null;
    feed.refresh();
    refresh("awaiting", "parked", "totals");
  }, SOON);
}

const TAKES = {
  state(now) {
    const before = state.channel;
    state.channel = now;
    if (before?.screeningTapeId !== now.screeningTapeId || before?.isLive !== now.isLive) refresh("tapes", "timeline");
  },
  queue(now) { state.queue = now; changed(); },
  health(now) { state.status = now; },
  night: changed,
};

async function listen() {
  listening?.abort();
  listening = new AbortController();
  const { signal } = listening;
  await follow(address("show?layers=state,queue,health,night"), null, (event, data) => {
    state.isHeard = true;
    TAKES[event]?.(data);
    draw();
  }, (trouble) => {
    const wasHeard = state.isHeard;
    state.isHeard = trouble === null;
    if (trouble === null && !wasHeard && state.queue) { changed(); refresh("tapes", "lights"); }
    draw();
  }, signal);
  if (!signal.aborted) refused();
}

/** Look who is signed in: once for all that was refused, and not at once, as it may be refused again. */
function refused() {
  asking ??= setTimeout(() => { asking = null; begin(); }, REFUSED);
}

function drawLamps() {
  const live = state.channel?.isLive;
  paint($("counter"), Boolean(live), () => [h("span.digits", { id: "digits" }, "--:--"), h(`span.air${live ? ".live" : ""}`, {}, h("i", { "aria-hidden": "true" }), live ? "LIVE" : "OFF AIR")]);
  const { queue, isHeard, isPainting, lights } = state;
  const overlay = !isHeard ? ["unknown", "No answer"] : isPainting ? ["ok", "Painting"] : queue?.overlays ? ["warning", "Not painting"] : ["warning", "No overlay"];
  const bad = (lights ?? []).filter(({ state: each }) => each === "failed" || each === "warning").map(({ title, state: each }) => [each, `${title} ${each === "failed" ? "down" : "slow"}`]);
  paint($("lamps"), [overlay, bad[0]], () => [lamp(...overlay), bad[0] ? lamp(...bad[0], ".more") : null]);
  beat();
}

function lamp(shape, words, style = "") {
  return h(`span.lamp${style}`, {}, light(shape), words);
}

function beat() {
  const since = state.channel?.isLive ? state.channel.broadcastStartedAt : null;
  if ($("digits")) $("digits").textContent = since ? duration((serverNow() - Date.parse(since)) / 1000, true) : "--:--";
  tick();
}

function notice(words) {
  const line = h("p.notice", {}, icon("bang"), h("span", {}, words));
  $("notices").append(line);
  setTimeout(() => line.remove(), NOTICE);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "Escape") places.escape();
  else if (event.key === "?") location.hash = "keyboard";
  else if (event.key === "n") feed.showNew();
  else if (!event.repeat && pressLetter(event.key.toLowerCase())) event.preventDefault();
});

// A browser lets a key that is half out of its row have the focus as it is.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("#filters :focus-visible, .tapes :focus-visible")) target.scrollIntoView({ block: "nearest", inline: "nearest" });
});

async function signOut() {
  if (await ask("DELETE", "session")) state.session = null;
  begin();
}

/** The code with which `dev --lan` lets a phone in. */
const pairingCode = () => new URLSearchParams(location.hash.slice(1)).get("pair");

/** Draw how one signs in here. */
function drawSignIn({ way, message }) {
  const enter = async (path, body) => { if (await ask("POST", path, body)) begin(); };
  const code = pairingCode();
  const ways = {
    twitch: () => h("a.key.main", { href: address("session/sign-in?to=/console") }, icon("person"), "Sign in with Twitch"),
    laptop: () => (isSecureContext ? key("enter", "Come in", () => enter("session/laptop"), { mark: "check", style: "main" }) : null), // at its own address alone
  };
  const lead = way === "laptop" && !code && !isSecureContext ? SCAN : "The console is for the broadcaster, and for moderators whom the broadcaster lets in.";
  $("show").hidden = true;
  $("other").hidden = false;
  $("menu").hidden = true;
  paint($("other"), ["sign-in", way, message, code], () => h("div.place.door", {}, h("h2.hand", {}, "Staff only."),
    h("p.lead", {}, message || lead),
    h("p.tools", {}, code ? key("pair", "Pair this device", () => enter("session/pair", { code }), { mark: "check", style: "main" }) : ways[way]?.() ?? null)));
}

async function begin() {
  const session = await read("session");
  if (!session) {
    setTimeout(begin, 2000);
    if (!state.session) paint($("other"), "away", () => nothing("Nobody answers.", "showtime is not there yet. This page comes in by itself.")), ($("other").hidden = false);
    return;
  }
  const wasInside = Boolean(state.session?.role);
  hasEnded = !session.role && (hasEnded || wasInside);
  state.session = session;
  state.may = Object.fromEntries((session.may ?? []).map((each) => [each, true]));
  document.body.classList.toggle("inside", Boolean(session.role));
  if (!session.role) {
    places.close();
    drawSignIn(hasEnded ? { ...session, message: session.message || ENDED } : session);
    return;
  }
  $("menu").hidden = false;
  if (!wasInside) paint($("other"), null, () => []);
  if (pairingCode()) history.replaceState(null, "", location.pathname); // it has been used
  state.isDev = session.way === "laptop";
  feed.allow(state.may);
  draw();
  feed.refresh();
  refresh(...Object.keys(READS));
  listen();
}

// A page that the browser keeps for its Back key must not keep one of the few connections.
addEventListener("pagehide", () => listening?.abort());
addEventListener("pageshow", ({ persisted }) => persisted && begin());
onTrouble({ tell: notice, left: refused });
setInterval(beat, 500);
for (const [name, time] of Object.entries(EVERY)) setInterval(() => state.session?.role && !document.hidden && refresh(name), time);
begin();
