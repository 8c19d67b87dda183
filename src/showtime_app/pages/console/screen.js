/** What plays, the five keys, and what waits. */

import { h, icon } from "../dom.js";
import { address, command, serverNow } from "./api.js";
import { about, clock, duration, key, nothing, paint, plural } from "./draw.js";
import { kindOf, sayAlert } from "./kinds.js";

const $ = (id) => document.getElementById(id);
const SHOWN_WAITING = 20;
const LONG = 16;

const tell = (element, name, alert) => command(element, "POST", `show/commands/${name}`, alert === undefined ? undefined : { alert });

/** Draw what is on the screen. */
export function drawScreen({ queue, isPainting, may }) {
  const { playing = null, mode } = queue ?? {};
  paint($("screen"), queue && { playing, mode, isPainting, paused: queue.isPaused, ads: queue.adsUntil, may: may.secrets }, () => {
    if (!queue) return nothing("One moment.", "Waiting for showtime.");
    if (playing) return playingScreen(playing);
    if (mode === "streamed") return nothing("Nothing in the machine.", "There is no queue yet. Make an address for the overlay: then alerts wait for it.", may.secrets ? h("a.key.main", { href: "#address" }, icon("copy"), "Make the address") : null);
    if (!isPainting) return nothing("Nothing in the machine.", "No overlay is painting. Put its address into OBS, or open the overlay to rehearse.", h("p.tools", {}, may.secrets ? h("a.key.main", { href: "#address" }, icon("copy"), "The address") : null, h("a.key", { href: address("overlay?demo=1"), target: "_blank", rel: "noopener" }, "Open demo")));
    if (queue.adsUntil) return nothing("A word from our sponsors.", `Ads run until ${clock(queue.adsUntil, true)}. Nothing is taken meanwhile.`);
    return nothing("Intermission.", queue.isPaused ? "What played has finished." : "Nothing plays, and nothing waits.");
  });
  tick();
}

function playingScreen({ alert, more, seconds, beganAt, isTest, isAgain }) {
  const { who, what, words } = sayAlert(alert, more);
  const bar = h("span");
  const meter = h("p.progress", { "aria-hidden": "true", "data-began": beganAt ?? "", "data-seconds": seconds }, bar);
  const marks = [isTest ? tag("flask", "test") : null, isAgain ? tag("again", "again") : null];
  return h("article.playing", {},
    h("p.osd", {}, h("span", {}, icon("play"), "PLAY"), h("span", { id: "left" }, "")),
    h("h3.name", {}, who), h("p.words", {}, h("b", {}, `${what}. `), words ?? null, ...marks), meter);
}

/** Move what shows how much time is left. */
export function tick() {
  const meter = document.querySelector("#screen .progress");
  if (!meter) return;
  const gone = meter.dataset.began ? (serverNow() - Date.parse(meter.dataset.began)) / 1000 : 0;
  const seconds = Number(meter.dataset.seconds);
  const left = Math.max(0, seconds - gone);
  $("left").textContent = `${duration(Math.ceil(left))} left`;
  meter.firstChild.style.width = `${Math.min(100, Math.max(0, (gone / seconds) * 100))}%`;
}

export function tag(mark, word, style = "") {
  return h(`span.tag${style}`, {}, icon(mark), word);
}

/** Say that nothing is taken, as long as that is so. */
export function drawPaused({ queue }) {
  const waiting = (queue?.waitingCount ?? 0) + (queue?.held?.length ?? 0);
  paint($("paused"), queue?.isPaused && [queue.pausedSince, waiting], () => (queue?.isPaused
    ? h("p.card.amber", {}, icon("pause"), h("span.body", {}, h("b", {}, `Paused since ${clock(queue.pausedSince)}.`), ` Nothing plays until you press Play, not even after a restart. ${waiting ? `${waiting} ${waiting === 1 ? "waits" : "wait"}.` : ""}`))
    : []));
}

const KEYS = [
  { letter: "p", on: ["resume", "Play", "play"], off: ["pause", "Pause", "pause"], is: (queue) => queue.isPaused },
  { letter: "s", off: ["skip", "Skip", "skip"] },
  { letter: "a", off: ["show-again", "Again", "again"] },
  { letter: "m", on: ["unmute", "Muted", "mute"], off: ["mute", "Mute", "sound"], is: (queue) => queue.isMuted },
  { letter: "f", on: ["end-safe-mode", "Safe on", "shield"], off: ["safe-mode", "Safe", "shield"], is: (queue) => queue.isSafe },
];

/** Draw the five keys: pressed is amber and sunken, and the word says what is so. */
export function drawKeys({ queue, may }) {
  paint($("keys"), queue && [queue.isPaused, queue.isMuted, queue.isSafe, queue.mode, may.show], () => KEYS.map((each) => {
    const isOn = Boolean(queue && each.is?.(queue));
    const [name, word, mark] = isOn ? each.on : each.off;
    const element = key(each.letter, word, (pressed) => tell(pressed, name), { mark, style: "big", pressed: each.is ? isOn : null });
    element.setAttribute("aria-keyshortcuts", each.letter);
    element.disabled = !may.show || !queue || queue.mode === "streamed";
    return element;
  }));
}

/** Press a key by its letter; tells whether there is one. */
export function pressLetter(letter) {
  const element = document.querySelector(`#keys [data-key="${CSS.escape(letter)}"]`);
  if (!element || element.disabled) return false;
  element.click();
  element.classList.add("hit");
  setTimeout(() => element.classList.remove("hit"), 200);
  return true;
}

/** Draw what waits: spines in the order of playing, then what is held. */
export function drawWaiting({ queue, may }) {
  const waiting = queue?.waiting ?? [];
  const held = queue?.held ?? [];
  const count = (queue?.waitingCount ?? 0) + held.length;
  const seconds = waiting.reduce((sum, each) => sum + each.seconds + 1, 0);
  $("waiting-about").textContent = count ? `${count}${waiting.length && !queue.isPaused ? `, about ${about(seconds)}` : ""}${held.length ? `, ${held.length} held` : ""}` : "";
  paint($("waiting-tools"), [waiting.length > 0, may.show], () => (waiting.length && may.show ? key("clear", "Clear", clear, { style: "plain" }) : []));
  paint($("waiting"), queue && [waiting.slice(0, SHOWN_WAITING), held, count, may.show], () => {
    if (!count) return nothing("The shelf is empty.", queue?.mode === "streamed" ? "Alerts are streamed, and wait for nobody." : "What comes in waits here.");
    const spines = [...waiting.slice(0, SHOWN_WAITING), ...held].map((item, place) => spine(item, place + 1, may));
    const rest = (queue.waitingCount ?? 0) - Math.min(waiting.length, SHOWN_WAITING);
    return [h("ol.spines", {}, ...spines), rest > 0 ? h("p.rest", {}, `and ${plural(rest, "more alert")}`) : null];
  });
}

function clear(element) {
  if (element.dataset.sure) {
    tell(element, "clear");
    return;
  }
  element.dataset.sure = "yes";
  element.querySelector("span").textContent = "Clear all?";
  setTimeout(() => { delete element.dataset.sure; element.querySelector("span").textContent = "Clear"; }, 4000);
}

function spine({ alert, more, state, isTest, isAgain, showing }, place, may) {
  const { mark, colour, word } = kindOf(alert);
  const { who, what } = sayAlert(alert, more);
  const isHeld = state === "held";
  const name = `${isHeld ? "release" : "hold"}-${showing ?? alert.id}`;
  const hold = key(name, "", (element) => tell(element, isHeld ? "release" : "hold", alert.id), { mark: "hand", style: isHeld ? "hand.on" : "hand", label: `${isHeld ? "Release" : "Hold"}: ${who}, ${what}`, pressed: isHeld });
  const element = h(`li.spine${isHeld ? ".held" : ""}`, {},
    h("span.place", { "aria-hidden": "true" }, isHeld ? "–" : String(place)),
    h("div.label.paper", {}, h("span.stripe"), icon(mark), h("div.text", {}, h(`p.who${who.length > LONG ? ".long" : ""}`, {}, who), h("p.what", {}, h("span.unseen", {}, `${word}: `), what, more && alert.type !== "follow" ? ", joined" : "", isHeld ? " · held" : "", isTest ? " · test" : "", isAgain ? " · again" : ""))),
    may.show ? hold : null);
  element.style.setProperty("--kind", `var(--${colour})`);
  return element;
}
