/** Health, what is parked, the small plots, and alerts to try out. */

import { h, icon, svg } from "../dom.js";
import { command, serverNow } from "./api.js";
import { clock, key, light, LIGHT_WORDS, nothing, paint, plural } from "./draw.js";
import { ALERTS } from "./kinds.js";

const $ = (id) => document.getElementById(id);
const STALE = 60_000;
const DECISIONS = { retry: ["Try again", "again"], dismiss: ["Give up", "cross"], done: ["Done", "check"] };
const PLOT_WIDTH = 300;
const PLOT_HEIGHT = 100;
const HEADROOM = 30;

/** Tell how a light stands by now: green that is older than a minute is not known any more. */
export function lightNow(state, at) {
  return state === "ok" && at && serverNow() - Date.parse(at) > STALE ? "unknown" : state;
}

/** Draw the lights of the neighbours, with what to do above them. */
export function drawHealth({ lights, status }) {
  const now = (lights ?? []).map((each) => ({ ...each, state: lightNow(each.state, each.at) }));
  const count = (state) => now.filter((each) => each.state === state).length;
  const parts = [["ok", "fine"], ["warning", "not sure"], ["failed", "down"], ["unknown", "unknown"]].map(([state, word]) => (count(state) ? `${count(state)} ${word}` : null));
  $("health-about").textContent = parts.filter(Boolean).join(", ");
  const trouble = now.filter(({ state, remedy }) => remedy && (state === "failed" || state === "warning"));
  paint($("health"), [now, status], () => [
    status && !status.isReady ? h("p.card.amber", {}, icon("bang"), h("span.body", {}, status.message)) : null,
    ...trouble.map(({ title, said, remedy, state }) => h(`div.card.${state === "failed" ? "red" : "amber"}`, {}, light(state), h("div.body", {}, h("h3", {}, `${title}: ${said}`), h("p", {}, remedy)))),
    h("ul.lights", {}, ...now.map(({ title, said, state, triedAt }) => h("li", {}, light(state), h("div", {}, h("b", {}, title), state === "ok" ? null : h(`em.${state}`, { "aria-hidden": "true" }, ` ${LIGHT_WORDS[state] ?? state}`), h("p", {}, said, triedAt && state !== "failed" ? `, ${clock(triedAt)}` : ""))))),
  ]);
}

/** Draw what is parked, with what may be decided. */
export function drawParked({ parked, may }, changed) {
  const items = parked ?? [];
  $("parked-about").textContent = items.length ? String(items.length) : "";
  paint($("parked"), parked && [items, may.parked], () => {
    if (!items.length) return nothing("Nothing is parked.", "What cannot go on by itself waits here for you.");
    return h("ul.cards", {}, ...items.map((item) => h("li.card.amber", {}, light("warning"), h("div.body", {},
      h("h3", {}, item.about || item.type), h("p", {}, `${item.reason}. ${item.tries > 1 ? `${plural(item.tries, "try", "tries")}, the last` : "Tried"} at ${clock(item.since)}.`),
      may.parked ? h("p.tools", {}, ...item.choices.map((choice) => decision(item, choice, changed))) : h("p", {}, "The broadcaster decides.")))));
  });
}

function decision(item, choice, changed) {
  const [words, mark] = DECISIONS[choice];
  return key(`${choice}-${item.id}`, words, async (element) => { await command(element, "POST", `admin/parked/${choice}`, { id: item.id }); changed("parked"); }, { mark });
}

/** Draw points and ghosts of the night. */
export function drawPlots({ totals }) {
  const steps = totals?.plot ?? [];
  $("tonight-about").textContent = totals ? [totals.follows && plural(totals.follows, "follow"), totals.bits && plural(totals.bits, "bit"), totals.subs + totals.gifts && plural(totals.subs + totals.gifts, "sub")].filter(Boolean).join(", ") : "";
  $("points-about").textContent = totals?.pointsEarned ? `${totals.pointsEarned.toLocaleString("en")} earned, ${totals.pointsSpent.toLocaleString("en")} spent` : "";
  $("ghosts-about").textContent = totals?.ghosts ? plural(totals.ghosts, "ghost") : "";
  for (const what of ["points", "ghosts"]) {
    paint($(what), totals && [steps.map((step) => [step.at, step[what]]), totals.now.slice(0, 15)], () => plot(steps, what, totals));
  }
}

function plot(steps, what, totals) {
  const sum = steps.reduce((all, step) => all + step[what], 0);
  if (!sum) return nothing(what === "points" ? "No points yet." : "No ghosts yet.", "");
  const first = Date.parse(steps[0].at);
  const last = Math.max(Date.parse(totals.now), first + 600_000);
  const x = (time) => 4 + ((time - first) / (last - first)) * (PLOT_WIDTH - 8);
  const y = (value) => PLOT_HEIGHT - 4 - (value / sum) * (PLOT_HEIGHT - HEADROOM - 4);
  let reached = 0;
  let line = `M${x(first)} ${y(0)}`;
  for (const step of steps) {
    const at = Math.min(Date.parse(step.at) + 300_000, last);
    line += `H${x(at).toFixed(1)}`;
    reached += step[what];
    line += `V${y(reached).toFixed(1)}`;
  }
  line += `H${x(last)}`;
  const words = `${what}: ${sum.toLocaleString("en")} from ${clock(first)} to ${clock(last)}`;
  return h("figure.plot", {},
    h("b.sum", {}, sum.toLocaleString("en")),
    svg("svg", { viewBox: `0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}`, role: "img", "aria-label": words, preserveAspectRatio: "none" },
      svg("path", { class: "area", d: `${line}V${y(0)}Z` }), svg("path", { class: "line", d: line, "vector-effect": "non-scaling-stroke" })),
    h("figcaption", { "aria-hidden": "true" }, h("span", {}, clock(first)), h("span", {}, clock(last))));
}

/** Draw the alerts that can be tried out. */
export function drawTests({ queue, may }) {
  const isThere = queue?.mode === "queued";
  paint($("tests"), [isThere, may.show], () => {
    if (!may.show) return nothing("Not yours to press.", "");
    const keys = Object.entries(ALERTS).map(([type, { mark, word }]) => {
      const element = key(`test-${type}`, word, (pressed) => command(pressed, "POST", "admin/show/tests", { type }), { mark, label: `Test: ${word}` });
      element.disabled = !isThere;
      return element;
    });
    return [h("div.grid", {}, ...keys), isThere ? null : h("p.rest", {}, "Make an address for the overlay first: a test waits in the queue.")];
  });
}
