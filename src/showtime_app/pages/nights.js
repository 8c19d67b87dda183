/** Past nights, compared; with `?night=` one of them: its timeline, its marks, its receipt, its ghosts. */

import { copyText } from "./copy.js";
import { h, icon } from "./dom.js";
import { clock, drawTimeline, length } from "./timeline.js";

const PAGE = 12;
const GHOSTS = 12;
const REFRESH = 30_000;
const TYPED = 300;
const here = document.body.dataset.here;
const page = document.getElementById("page");
const FIGURES = [
  ["tapes", "Tapes"], ["follows", "Follows"], ["bits", "Bits"], ["subs", "Subs"], ["giftSubs", "Gift subs"],
  ["ghosts", "Ghosts"], ["raiders", "Raiders"], ["viewers", "Viewers"], ["dropOuts", "Drop-outs"],
];

async function begin() {
  const night = new URLSearchParams(location.search).get("night");
  try {
    await (night ? one(night) : all());
  } catch (error) {
    page.replaceChildren(h("div.lost.paper", {}, h("h1", {}, error.title ?? "The light is out."), h("p", {}, error.words ?? `${error.message}. Try again in a moment.`), error.link ?? null));
  }
  page.removeAttribute("aria-busy");
}

// --- all nights -----------------------------------------------------------------------------

async function all() {
  const { nights } = await ask(`admin/nights?limit=${PAGE}`);
  if (!nights.length) {
    page.replaceChildren(head("Nights", "None yet."), h("div.lost.paper", {}, h("h2", {}, "The shelf is empty."), h("p", {}, "A night is put here when the stream begins.")));
    return;
  }
  const body = h("tbody", { role: "rowgroup" });
  const columns = ["Night", "Length", ...FIGURES.map(([, name]) => name)];
  const table = h("table.compared", { role: "table" }, h("caption", {}, "The latest first. A bar shows how near a number comes to the highest among these nights."),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...columns.map((name) => h("th", { scope: "col", role: "columnheader" }, name)))), body);
  const shown = [];
  const add = (some) => {
    shown.push(...some);
    body.replaceChildren(...rows(shown));
  };
  add(nights);
  page.replaceChildren(head("Nights", "What was on, and who came."), table);
  if (nights.length === PAGE) page.append(more(shown, add));
}

function rows(nights) {
  const most = Object.fromEntries(["seconds", ...FIGURES.map(([key]) => key)].map((key) => [key, Math.max(1, ...nights.map(({ figures }) => figures[key] ?? 0))]));
  return nights.map((night) => h("tr", { role: "row" },
    h("th", { scope: "row", role: "rowheader" }, h("a", { href: `?night=${night.id}` }, h("span.date", {}, date(night.startedAt)), h("span.number", {}, `night ${night.id}${night.endedAt ? "" : ", on the air"}`)),
      night.unknown.length ? h("span.part", {}, "known in part") : null),
    cell("Length", night.figures.seconds, most.seconds, length(night.figures.seconds)),
    ...FIGURES.map(([key, name]) => cell(name, night.figures[key], most[key], night.figures[key]?.toLocaleString("en-GB")))));
}

function cell(name, number, most, words) {
  const known = number !== null;
  const element = h(known ? "td" : "td.unknown", { role: "cell", "data-name": name }, h("span", {}, known ? words : "not known"));
  element.style.setProperty("--share", known ? number / most : 0);
  return element;
}

function more(shown, add) {
  const key = h("button.key", { type: "button" }, "Earlier nights");
  const line = h("p.more", {}, key);
  key.onclick = async () => {
    key.disabled = true;
    const { nights } = await ask(`admin/nights?limit=${PAGE}&before=${shown.at(-1).id}`);
    add(nights);
    key.disabled = false;
    if (nights.length < PAGE) line.textContent = "Those were all of them.";
  };
  return line;
}

// --- one night ------------------------------------------------------------------------------

async function one(name) {
  const night = `admin/nights/${encodeURIComponent(name)}`;
  const timeline = await ask(`${night}/timeline`);
  document.title = `Night ${timeline.id} of Golden VCR`;
  const drawing = h("div");
  const receipt = h("div");
  const line = h("p");
  const unknown = h("div");
  page.replaceChildren(
    h("header.head", {}, h("div", {}, h("h1", {}, date(timeline.startedAt, true)), line), await walk(timeline)),
    unknown,
    h("section.card", { "aria-label": "Timeline" }, drawing),
    h("div.after", {}, h("section", { "aria-label": "Receipt" }, receipt, copySummary(night)),
      h("div", {}, marks(night, timeline), await ghosts(timeline.id))));
  const show = (told) => {
    line.textContent = subtitle(told);
    unknown.replaceChildren(...told.unknown.map((words) => h("p.unknown-line", {}, words)));
    receipt.replaceChildren(paper(told));
    drawTimeline(drawing, told);
  };
  show(timeline);
  if (timeline.endedAt) return;
  const timer = setInterval(async () => {
    const told = await ask(`${night}/timeline`).catch(() => null);
    if (told) show(told);
    if (told?.endedAt) clearInterval(timer);
  }, REFRESH);
}

function subtitle({ id, startedAt, endedAt, recordings }) {
  const streams = recordings.length > 1 ? ` ${recordings.length} streams of Twitch.` : "";
  return endedAt ? `${clock(startedAt)} to ${clock(endedAt)}. Night ${id} of the house. It is rewound.${streams}` : `Since ${clock(startedAt)}. Night ${id} of the house. It is on the air.${streams}`;
}

/** Link to the night before and the one after; those without a tape are passed over. */
async function walk({ startedAt }) {
  const { broadcasts } = await ask("history").catch(() => ({ broadcasts: [] }));
  const at = new Date(startedAt).getTime();
  const before = broadcasts.filter((each) => new Date(each.startedAt) < at).at(-1);
  const after = broadcasts.find((each) => new Date(each.startedAt) > at);
  const link = (night, words) => night && h("a.key", { href: `?night=${night.id}` }, words);
  return h("nav", { "aria-label": "Nights" }, toConsole(), h("a.key", { href: "?" }, "All nights"),
    link(before, `‹ ${before && date(before.startedAt)}`), link(after, `${after && date(after.startedAt)} ›`));
}

function paper({ id, startedAt, figures, loudest, kindest }) {
  const raids = figures.raids === null ? null : figures.raids ? `${figures.raids} (${figures.raiders.toLocaleString("en-GB")} people)` : "0";
  const lines = [...FIGURES.filter(([key]) => key !== "raiders").map(([key, name]) => [name, figures[key]?.toLocaleString("en-GB") ?? null])];
  lines.splice(6, 0, ["Raids in", raids]);
  const giver = (title, who, what) => who && h("p", {}, `${title}: ${who.username}, ${who.number.toLocaleString("en-GB")} ${what}`);
  return h("div.receipt.paper", {}, h("h2", {}, "Golden VCR"), h("p.which", {}, `night ${id} · ${date(startedAt, false, true)}`),
    h("dl", {}, ...[["Length", length(figures.seconds)], ...lines].map(([name, words]) => h("div", {}, h("dt", {}, name), h("dd", {}, words ?? "not known")))),
    h("div.thanks", {}, giver("Loudest", loudest, "bits"), giver("Kindest", kindest, "subs"), h("p.hand", {}, "Thank you. Please rewind.")));
}

/** A key that copies the summary: it is read beforehand, since a browser lets a click copy at once or not at all. */
function copySummary(night) {
  const said = h("p.said", { role: "status" });
  const fallback = h("textarea", { rows: 8, readonly: "", hidden: "", "aria-label": "Summary for Discord" });
  const key = h("button.key.main.wide", { type: "button" }, icon("copy"), "Copy for Discord");
  let summary = text(`${night}/summary`);
  key.onclick = async () => {
    said.textContent = await copy(await summary, fallback);
    summary = text(`${night}/summary`);
  };
  return h("div", {}, key, fallback, said);
}

async function copy(words, fallback) {
  if (await copyText(words)) return "Copied.";
  fallback.value = words;
  fallback.hidden = false;
  fallback.select();
  return "The browser does not let this page copy: it is selected above.";
}

// --- marks ----------------------------------------------------------------------------------

function marks(night, { recordings, screenings }) {
  const offset = h("input", { type: "number", id: "offset", step: "0.1", min: "-86400", max: "86400", value: "0", inputmode: "decimal" });
  const by = h("select", { id: "clock" }, h("option", { value: "stream" }, "Each stream"), h("option", { value: "tape" }, "Each tape"));
  const lists = h("div.marks", { role: "region", "aria-label": "Marks", tabindex: "0" });
  const saves = h("span.saves");
  const said = h("p.said", { role: "status" });
  const fallback = h("textarea", { rows: 8, readonly: "", hidden: "", "aria-label": "Marks" });
  const copies = h("button.key", { type: "button" }, icon("copy"), "Copy the marks");
  const query = () => `offset=${encodeURIComponent(offset.value || "0")}&clock=${by.value}`;
  let latest = "";
  const show = async () => {
    const asked = query();
    try {
      latest = await text(`${night}/marks.txt?${asked}`);
    } catch (error) {
      said.textContent = `${error.message}.`;
      return;
    }
    if (asked !== query()) return;
    said.textContent = "";
    lists.replaceChildren(...latest.split("\n\n").filter(Boolean).map(part));
    if (!latest) lists.replaceChildren(h("p", {}, "No tape was on."));
    const count = by.value === "tape" ? screenings.length : recordings.length;
    saves.replaceChildren(save("Save the text", `${night}/marks.txt?${asked}`),
      ...Array.from({ length: count }, (_, number) => save(count > 1 ? `Save WebVTT ${number + 1}` : "Save WebVTT", `${night}/marks.vtt?${asked}&part=${number + 1}`)));
  };
  let typing;
  offset.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(show, TYPED);
  };
  by.onchange = show;
  copies.onclick = async () => { said.textContent = await copy(latest, fallback); };
  show();
  return h("section", {}, h("h2.osd", {}, "Marks for the recording"),
    h("div.controls", {}, h("label", { for: "clock" }, "Times of", by), h("label", { for: "offset" }, "Shift by", offset, "s")),
    lists, h("div.keys", {}, copies, saves), fallback, said);
}

function save(words, path) {
  return h("a.key", { href: here + path, download: "" }, words);
}

/** One part of the text: its title, and a line for each mark. */
function part(words) {
  const [title, ...lines] = words.trim().split("\n");
  return h("div", {}, h("h3", {}, title), h("ol", {}, ...lines.map((line) => {
    const end = line.indexOf(" ");
    return h("li", {}, h("span.time", {}, line.slice(0, end)), h("span", {}, line.slice(end + 1)));
  })));
}

// --- ghosts ---------------------------------------------------------------------------------

async function ghosts(night) {
  const { ghosts: found } = await ask(`history/images?night=${night}&limit=${GHOSTS}`).catch(() => ({ ghosts: [] }));
  if (!found.length) return null;
  return h("section", {}, h("h2.osd", {}, "Ghosts of the night ", h("small", {}, String(found.length))), h("ul.row", {}, ...found.reverse().map(({ id, url, subject }) =>
    h("li", {}, h("a", { href: `${here}ghosts?ghost=${id}` }, h("img", { src: url, alt: `a ghost of ${subject}`, width: 1024, height: 1024, loading: "lazy", referrerpolicy: "no-referrer" }))))));
}

// --- what all of it needs -------------------------------------------------------------------

function head(title, words) {
  return h("header.head", {}, h("div", {}, h("h1", {}, title), h("p", {}, words)), h("nav", { "aria-label": "The house" }, toConsole()));
}

function toConsole() {
  return h("a.key", { href: `${here}console` }, "The console");
}

function date(time, isLong = false, hasYear = false) {
  return new Date(time).toLocaleDateString("en-GB", { day: "numeric", month: isLong ? "long" : "short", ...(isLong ? { weekday: "long" } : {}), ...(hasYear ? { year: "numeric" } : {}) });
}

async function ask(path) {
  return (await answer(path, "application/json")).json();
}

async function text(path) {
  return (await answer(path, "text/plain, application/problem+json;q=0.5")).text();
}

async function answer(path, accept) {
  const response = await fetch(here + path, { headers: { Accept: accept } });
  if (response.ok) return response;
  const words = await response.text();
  throw Object.assign(new Error(words.startsWith("{") ? JSON.parse(words).detail : words || `showtime answered ${response.status}`), await remedyOf(response.status));
}

async function remedyOf(status) {
  if (status === 404) return { title: "No such night.", words: "It is not in the list, or nothing is on the air.", link: h("p.more", {}, h("a.key", { href: "?" }, "All nights")) };
  if (![400, 401, 403].includes(status)) return {};
  return { title: "This is behind the counter.", words: "Nights are for the broadcaster, and for moderators whom the broadcaster lets in. Sign in first.", link: h("p.more", {}, h("a.key.main", { href: await door() }, "Sign in")) };
}

/** Lead to where one signs in here: to Twitch and back, or to the console, which tells how. */
async function door() {
  const asked = await fetch(`${here}session`, { headers: { Accept: "application/json" } }).then((found) => found.json()).catch(() => ({}));
  return asked.way === "twitch" ? `${here}session/sign-in?to=${encodeURIComponent(location.pathname + location.search)}` : `${here}console`;
}

begin();
