/** What the parts of the console share: drawing where something has changed, keys, lights, and words of time. */

import { copyText } from "../copy.js";
import { h, icon, svg } from "../dom.js";

const drawn = new WeakMap();

/** Draw into a place if what is to be seen has changed; whoever had the focus there keeps it. */
export function paint(place, model, make) {
  const now = JSON.stringify(model ?? null);
  if (drawn.get(place) === now) return;
  drawn.set(place, now);
  const active = place.contains(document.activeElement) ? document.activeElement : null;
  place.replaceChildren(...[make(model)].flat().filter((child) => child !== null && child !== undefined));
  if (!active) return;
  const again = active.dataset.key && [...place.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === active.dataset.key);
  (again ?? place.querySelector("button, a, input, select"))?.focus({ preventScroll: true });
}

/** Make a key: `name` marks it, so that it keeps the focus; `press` is called with the key. */
export function key(name, words, press, { mark = null, style = "", label = null, pressed = null } = {}) {
  const element = h(`button.key${style ? `.${style}` : ""}`, { type: "button", "data-key": name }, mark ? icon(mark) : null, words ? h("span", {}, words) : null);
  if (label) element.setAttribute("aria-label", label);
  if (label && !words) element.title = label;
  if (pressed !== null) element.setAttribute("aria-pressed", pressed);
  element.onclick = () => press(element);
  return element;
}

const SHAPES = {
  ok: "M12 2a10 10 0 1 0 .01 0Z",
  warning: "M5 2h14a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V5a3 3 0 0 1 3-3Z",
  failed: "M8 2h8l6 6v8l-6 6H8l-6-6V8Z",
};
const MARKS = { ok: "M7.5 12.4l3.2 3.2 6-6.6", warning: "M12 6.5v6.5M12 16.9v.2", failed: "M8.5 8.5l7 7M15.5 8.5l-7 7" };
export const LIGHT_WORDS = { ok: "fine", warning: "not sure", failed: "down", unknown: "unknown", off: "off" };

/** Draw a light: its shape tells what its colour tells. */
export function light(state) {
  const shape = SHAPES[state]
    ? [svg("path", { class: "shape", d: SHAPES[state] }), svg("path", { class: "mark", d: MARKS[state], fill: "none", "stroke-width": 2.6, "stroke-linecap": "round", "stroke-linejoin": "round" })]
    : [svg("circle", { cx: 12, cy: 12, r: 9, fill: "none", "stroke-width": 2, "stroke-dasharray": "3.4 3.2" })];
  return svg(`svg.light.light-${SHAPES[state] ? state : "unknown"}`, { viewBox: "0 0 24 24", role: "img", "aria-label": LIGHT_WORDS[state] ?? LIGHT_WORDS.unknown }, ...shape);
}

/** Say that there is nothing, and what that means. */
export function nothing(title, words, ...more) {
  return h("div.nothing", {}, h("p.hand", {}, title), words ? h("p", {}, words) : null, ...more);
}

export function clock(time, seconds = false) {
  return new Date(time).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) });
}

/** Write seconds as 0:04 or 2:14:07. */
export function duration(seconds, hours = false) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return hours || minutes >= 60 ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function about(seconds) {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

export function plural(number, one, many = `${one}s`) {
  return `${Number(number).toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** Copy text, which may still be on its way; the key says whether it is. */
export async function copy(element, text) {
  const before = [...element.childNodes];
  const isCopied = await copyText(text).catch(() => false);
  element.replaceChildren(icon(isCopied ? "check" : "cross"), h("span", before.length > 1 ? {} : { class: "unseen" }, isCopied ? "Copied" : "Not copied"));
  setTimeout(() => element.replaceChildren(...before), 2000);
}
