/** Before the show: each link is tried for real, and its light says what was tried. */

import { h } from "../dom.js";
import { command, read, serverNow } from "./api.js";
import { copy, key, light, LIGHT_WORDS, nothing, paint } from "./draw.js";
import { lightNow } from "./side.js";

const TITLES = { openai: "OpenAI" };
const SOON = 1000;
const LATER = 10_000;

/** Name a link as people do. */
export function linkTitle(name) {
  return TITLES[name] ?? name.charAt(0).toUpperCase() + name.slice(1);
}

/** Draw the links in their order, with the remedies above; gives what ends it. */
export function drawBefore(view, { may }) {
  const lead = h("p.lead", { role: "status" }, "Each link is tried for real.");
  const advice = h("div.advice");
  const links = h("div");
  const all = h("div.all");
  view.classList.add("before");
  view.append(h("header", {}, h("h2.big", {}, "Before the show"), lead), advice, links, all);
  let timer = null;
  const look = async () => {
    clearTimeout(timer);
    const found = await read("admin/preflight");
    if (found) draw(found);
    timer = setTimeout(look, found?.isRunning ? SOON : LATER);
  };
  const attempt = async (element, names) => {
    await command(element, "POST", "admin/preflight", names ? { links: names } : {});
    look();
  };
  const draw = ({ isRunning, links: found }) => {
    const now = found.map((each) => ({ ...each, state: lightNow(each.state, each.triedAt) }));
    lead.textContent = `Each link is tried for real. ${summary(now)}`;
    const bad = now.filter(({ state, remedy }) => remedy && (state === "failed" || state === "warning")).sort((one, other) => (one.state === other.state ? 0 : one.state === "failed" ? -1 : 1));
    paint(advice, [bad, isRunning, may.preflight], () => bad.map((each) => remedyCard(each, isRunning, may, attempt)));
    paint(links, now, () => h("ol.links", {}, ...now.map(link)));
    paint(all, [isRunning, may.preflight, now.length, ago(found)], () => [
      may.preflight ? tryAll(now.length, isRunning, attempt) : h("p.rest", {}, "The broadcaster tries them."),
      h("p.rest", {}, `${ago(found)} A green light older than a minute turns to a dashed ring.`)]);
  };
  links.append(nothing("One moment.", ""));
  look();
  return () => clearTimeout(timer);
}

function tryAll(number, isRunning, attempt) {
  const element = key("try-all", isRunning ? "Trying them all" : `Try all ${number}`, (pressed) => attempt(pressed), { mark: "again", style: "main.wide" });
  element.disabled = isRunning;
  return element;
}

const sentence = (words) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/** Say how long a try took, where something was tried. */
const took = ({ state, milliseconds }) => (state === "unknown" || milliseconds === null ? "" : `, ${milliseconds} ms`);

function link({ name, state, said, milliseconds }, place) {
  return h(`li.link.state-${state}`, {}, light(state), h("div", {}, h("b", {}, linkTitle(name)), state === "ok" ? null : h(`em.${state}`, { "aria-hidden": "true" }, ` ${state === "failed" ? "is " : ""}${LIGHT_WORDS[state] ?? state}`), h("p", {}, said, took({ state, milliseconds }))), h("span.number", { "aria-hidden": "true" }, String(place + 1).padStart(2, "0")));
}

function remedyCard({ name, state, said, remedy, goesOn, tried, milliseconds }, isRunning, may, attempt) {
  const words = [sentence(remedy), goesOn ? `Goes on without it: ${goesOn}.` : null, tried ? `Tried: ${tried}${took({ state, milliseconds })}.` : null].filter(Boolean);
  const again = key(`try-${name}`, "Try again", (element) => attempt(element, [name]), { mark: "again" });
  again.disabled = isRunning;
  return h(`div.card.${state === "failed" ? "red" : "amber"}`, {}, light(state), h("div.body", {}, h("h3", {}, `${linkTitle(name)}: ${said}`), ...words.map((each) => h("p", {}, each)),
    h("p.tools", {}, may.preflight ? again : null, key(`answer-${name}`, "Copy the answer", (element) => copy(element, [`${linkTitle(name)}: ${said}`, ...words].join("\n")), { mark: "copy" }))));
}

function summary(links) {
  const count = (state) => links.filter((each) => each.state === state).length;
  const parts = [`${count("ok")} of ${links.length} lights are green`];
  for (const [state, words] of [["warning", "not sure"], ["failed", "down"], ["unknown", "unknown"], ["off", "off"]]) {
    if (count(state)) parts.push(`${count(state)} ${count(state) === 1 ? "is" : "are"} ${words}`);
  }
  return `${parts.join("; ")}.`;
}

function ago(links) {
  const times = links.map(({ triedAt }) => Date.parse(triedAt ?? "")).filter((time) => !Number.isNaN(time));
  if (!times.length) return "Not tried yet.";
  const seconds = Math.max(0, Math.round((serverNow() - Math.max(...times)) / 10_000) * 10);
  return seconds < 60 ? `Tried ${seconds || "a few"} seconds ago.` : `Tried ${Math.round(seconds / 60)} min ago.`;
}
