/** The timeline of a night: drawn as wide as its place is, with all of it as a table for who does not see it. */

import { GHOST, h, svg } from "./dom.js";

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240].map((minutes) => minutes * 60_000);
const NARROW = 640;
const WORDS = {
  follow: "follow", bits: "bits", sub: "sub", gift: "gift subs", ghost: "ghost", raid: "raid",
  "hype-train": "hype train", "ad-break": "ad break", "watch-streak": "watch streak",
};
const kept = new WeakMap();

/** Draw a timeline (`GET /admin/nights/{night}/timeline`) into an element; again with a newer one, in its place. */
export function drawTimeline(element, timeline) {
  const parts = kept.get(element) ?? begin(element);
  parts.timeline = timeline;
  paint(parts);
}

/** Write how long something takes: `0:41`, `1:02:03`. */
export function length(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Write a time of day, as the reader's own clock shows it. */
export function clock(time, isExact = false) {
  return new Date(time).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(isExact ? { second: "2-digit" } : {}) });
}

function begin(element) {
  const parts = { picture: h("div.timeline-picture"), rows: h("tbody"), width: 0 };
  const head = h("tr", {}, ...["When", "What", "Who", "How much", "In words"].map((name) => h("th", { scope: "col" }, name)));
  parts.list = h("details.timeline-list", {}, h("summary", {}, "All of it as a table"),
    h("div.timeline-scroll", { tabindex: 0, role: "region", "aria-label": "All that happened, as a table" }, h("table", {}, h("thead", {}, head), parts.rows)));
  parts.list.addEventListener("toggle", () => fill(parts));
  element.classList.add("timeline");
  element.replaceChildren(parts.picture, parts.list);
  kept.set(element, parts);
  new ResizeObserver(() => parts.picture.clientWidth !== parts.width && paint(parts)).observe(parts.picture);
  return parts;
}

function paint(parts) {
  parts.width = parts.picture.clientWidth;
  if (parts.timeline && parts.width) parts.picture.replaceChildren(picture(parts.timeline, parts.width));
  fill(parts);
}

function fill({ list, rows, timeline }) {
  if (list.open && timeline) rows.replaceChildren(...everything(timeline).map(row));
}

/** All that happened, in order: tapes and drop-outs among it. */
function everything({ moments, screenings, dropOuts }) {
  const tapes = screenings.map(({ tapeId, startedAt, endedAt }) => ({ at: startedAt, until: endedAt, what: `tape ${tapeId}`, much: span(startedAt, endedAt) }));
  const outs = dropOuts.map(({ startedAt, endedAt }) => ({ at: startedAt, what: "drop-out", much: span(startedAt, endedAt) }));
  const others = moments.map(({ kind, at, until, username, number, words }) => ({
    at, what: WORDS[kind] ?? kind, who: username, much: until ? span(at, until) : number ? number.toLocaleString("en-GB") : "", words,
  }));
  return [...tapes, ...outs, ...others].sort((one, other) => new Date(one.at) - new Date(other.at));
}

function span(from, until) {
  return until ? length((new Date(until) - new Date(from)) / 1000) : "goes on";
}

function row({ at, what, who = "", much = "", words = "" }) {
  return h("tr", {}, h("td", {}, clock(at, true)), h("td", {}, what), h("td", {}, who), h("td", {}, much), h("td", {}, words));
}

function picture(timeline, width) {
  const isNarrow = width < NARROW;
  const axis = axisOf(timeline, isNarrow ? 4 : 92, width - 12);
  const lanes = [tapes, bits, follows, subs, ghosts, raids, ...(some(timeline, "hype-train") ? [trains] : []), ...(some(timeline, "ad-break") ? [ads] : [])];
  const step = isNarrow ? 60 : 44;
  const top = isNarrow ? 42 : 26;
  const bottom = top + step * (lanes.length - 1) + 24;
  const drawn = lanes.map((lane, number) => {
    const y = top + step * number;
    const name = svg("text.lane-name", isNarrow ? { x: 4, y: y - 28 } : { x: 0, y: y + 5 }, lane.label);
    return svg("g", {}, name, svg("line.lane", { x1: axis.left, x2: axis.right, y1: y, y2: y }), ...lane(timeline, axis, y));
  });
  const outs = timeline.dropOuts.map((out) => dropOut(out, axis, top, bottom));
  const now = timeline.endedAt ? [] : [svg("line.now", { x1: axis.x(timeline.until), x2: axis.x(timeline.until), y1: 6, y2: bottom }), svg("text.now-word", { x: axis.x(timeline.until) + 6, y: top + 5 }, "now")];
  const height = bottom + 30;
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": spoken(timeline) }, ...outs, ...drawn, ...now, ...ticks(axis, bottom + 22));
}

function axisOf({ startedAt, until, endedAt }, left, right) {
  const from = new Date(startedAt).getTime();
  const lasted = Math.max(new Date(until) - from, 60_000);
  // One that is on the air has room for what comes.
  const to = from + (endedAt ? lasted : Math.max(lasted * 1.15, 3_600_000));
  const x = (time) => left + Math.min(Math.max((new Date(time) - from) / (to - from), 0), 1) * (right - left);
  return { from, to, left, right, x, taken: [] };
}

function ticks({ from, to, left, right, x }, y) {
  const room = Math.max(2, Math.floor((right - left) / 92));
  const step = STEPS.find((each) => (to - from) / each <= room) ?? STEPS.at(-1);
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - offset - (to - from) / 100) / step) * step + offset;
  const times = [];
  for (let time = first; time <= to; time += step) times.push(time);
  return times.map((time) => {
    const place = x(time);
    const anchor = place < left + 24 ? "start" : place > right - 24 ? "end" : "middle";
    return svg("text.tick", { x: place, y, "text-anchor": anchor }, clock(time));
  });
}

function tapes({ screenings, until }, axis, y) {
  return screenings.map(({ tapeId, startedAt, endedAt }) => {
    const [from, to] = [axis.x(startedAt), axis.x(endedAt ?? until)];
    const wide = Math.max(to - from - 2, 6);
    const number = String(tapeId);
    const box = Math.min(wide, 12 + 9 * number.length);
    const fits = wide >= 12 + 9 * number.length;
    const lasts = wide - box > 62 ? svg("text.tape-length", { x: from + box + 9, y: y + 6 }, span(startedAt, endedAt)) : null;
    return svg("g", {}, svg("title", {}, `Tape ${number}, ${span(startedAt, endedAt)}`),
      svg("rect.tape", { x: from, y: y - 14, width: wide, height: 28, rx: 4 }), svg("rect.tape-box", { x: from, y: y - 14, width: box, height: 28, rx: 4 }),
      fits ? svg("text.tape-number", { x: from + box / 2, y: y + 5, "text-anchor": "middle" }, number) : null, lasts);
  });
}
tapes.label = "Tapes";

function bits(timeline, axis, y) {
  const bars = new Map();
  for (const { at, number } of of(timeline, "bits")) {
    const place = Math.floor((axis.x(at) - axis.left) / 10);
    bars.set(place, (bars.get(place) ?? 0) + number);
  }
  const most = Math.max(1, ...bars.values());
  return [...bars].map(([place, sum]) => {
    const high = 3 + 22 * Math.sqrt(sum / most);
    return svg("rect.bits", { x: axis.left + place * 10 + 1, y: y - high, width: 8, height: high }, svg("title", {}, `${sum.toLocaleString("en-GB")} bits`));
  });
}
bits.label = "Bits";

function follows(timeline, axis, y) {
  return of(timeline, "follow").map(({ at, username }) => svg("circle.follow", { cx: axis.x(at), cy: y, r: 4.5 }, svg("title", {}, `${username} follows`)));
}
follows.label = "Follows";

function subs(timeline, axis, y) {
  const one = of(timeline, "sub").map(({ at, username }) => svg("rect.sub", { x: axis.x(at) - 4, y: y - 4, width: 8, height: 8 }, svg("title", {}, `${username} subscribes`)));
  const gifts = of(timeline, "gift").map(({ at, username, number }) => svg("g.gift", {}, svg("title", {}, `${username} gives ${number}`),
    svg("path", { d: diamond(axis.x(at), y, 8) }), beside(axis, axis.x(at), y, 12, `+${number}`)));
  return [...one, ...gifts];
}
subs.label = "Subs";

function ghosts(timeline, axis, y) {
  return of(timeline, "ghost").map(({ at, username, words }) =>
    svg("path.ghost", { d: GHOST, transform: `translate(${axis.x(at) - 10} ${y - 12}) scale(.62)`, "fill-rule": "evenodd" }, svg("title", {}, `${words}, for ${username}`)));
}
ghosts.label = "Ghosts";

function raids(timeline, axis, y) {
  return of(timeline, "raid").map(({ at, username, number }) => {
    const x = axis.x(at);
    return svg("g.raid", {}, svg("title", {}, `${username} raids with ${number}`), svg("path", { d: `M${x} ${y - 10}l9 16h-18Z` }), beside(axis, x, y, 14, people(number)));
  });
}
raids.label = "Raids";

function trains(timeline, axis, y) {
  return of(timeline, "hype-train").map(({ at, until, number }) => {
    const [from, to] = [axis.x(at), axis.x(until ?? timeline.until)];
    return svg("g.train", {}, svg("title", {}, `Hype train, up to level ${number}`), svg("rect", { x: from, y: y - 5, width: Math.max(to - from, 6), height: 10 }), beside(axis, Math.max(to, from + 6), y, 8, `level ${number}`));
  });
}
trains.label = "Trains";

function ads(timeline, axis, y) {
  return of(timeline, "ad-break").map(({ at, until }) =>
    svg("rect.ads", { x: axis.x(at), y: y - 5, width: Math.max(axis.x(until ?? timeline.until) - axis.x(at), 6), height: 10 }, svg("title", {}, `Ad break, ${span(at, until)}`)));
}
ads.label = "Ads";

function dropOut({ startedAt, endedAt }, axis, top, bottom) {
  const [from, to] = [axis.x(startedAt), axis.x(endedAt)];
  return svg("g.drop-out", {}, svg("title", {}, `Drop-out, ${span(startedAt, endedAt)}`),
    svg("rect", { x: from, y: top - 18, width: Math.max(to - from, 6), height: bottom - top + 18 }),
    beside(axis, Math.max(to, from + 6), bottom - 4, 6, `✕ drop-out ${span(startedAt, endedAt)}`, from));
}

/** Write words to the right of a place, or to its left; nowhere if others stand there, for the table has all of it. */
function beside({ left, right, taken }, x, y, gap, words, leftOf = x) {
  const wide = 8 * words.length;
  const isFree = (from) => from >= left && from + wide <= right && !taken.some((each) => each.y === y && from < each.to && each.from < from + wide);
  const from = [x + gap, leftOf - gap - wide].find(isFree);
  if (from === undefined) return null;
  taken.push({ y, from, to: from + wide });
  return svg("text", from < x ? { x: leftOf - gap, y: y + 5, "text-anchor": "end" } : { x: from, y: y + 5 }, words);
}

function diamond(x, y, half) {
  return `M${x} ${y - half}l${half} ${half}l${-half} ${half}l${-half} ${-half}Z`;
}

function of({ moments }, kind) {
  return moments.filter((moment) => moment.kind === kind);
}

function some({ moments }, kind) {
  return moments.some((moment) => moment.kind === kind);
}

function people(number) {
  return number === 1 ? "1 person" : `${number.toLocaleString("en-GB")} people`;
}

/** Say in one sentence what the picture shows. */
function spoken({ figures, startedAt, endedAt, until }) {
  const counted = [["tapes", figures.tapes], ["follows", figures.follows], ["bits", figures.bits], ["ghosts", figures.ghosts], ["raids", figures.raids], ["drop-outs", figures.dropOuts]];
  const said = counted.filter(([, number]) => number !== null).map(([name, number]) => `${name}: ${number.toLocaleString("en-GB")}`);
  return `Timeline from ${clock(startedAt)} to ${endedAt ? clock(endedAt) : `now, ${clock(until)}`}. ${said.join(", ")}.`;
}
