/** The gallery of ghosts that were paid for, the newest first; with `?ghost=` one of them. */

import { count } from "./alerts.js";
import { copyText } from "./copy.js";
import { h } from "./dom.js";

const PAGE = 24;
const TINTS = ["--peach", "--lime", "--mint", "--ice", "--lilac"];
const here = document.body.dataset.here;
const query = new URLSearchParams(location.search);
const page = document.getElementById("page");

async function begin() {
  try {
    await (query.has("ghost") ? one(query.get("ghost")) : all(query.get("night")));
  } catch (error) {
    page.replaceChildren(lost("The light is out.", `${error.message}. Try again in a moment.`));
  }
  page.removeAttribute("aria-busy");
}

async function all(night) {
  const { ghosts, total } = await list({ night });
  const shelf = h("ol.shelf", {}, ...ghosts.map(box));
  const line = night ? `The ones of night ${night}.` : `They came with the tapes. ${count(total)} so far, each painted for somebody who asked.`;
  const nights = [...new Set(ghosts.map(({ broadcastId }) => broadcastId))].filter(Boolean).slice(0, 3);
  page.replaceChildren(
    h("header.head", {}, h("div", {}, h("h1", {}, "Ghosts"), h("p", {}, line)),
      h("nav", { "aria-label": "Nights" }, filter("All nights", "?", !night), ...nights.map((each) => filter(`Night ${each}`, `?night=${each}`, night === String(each))))),
    ghosts.length ? shelf : lost("The shelf is empty.", "A cheer of 200 bits with “ghost of …” puts the first one here."));
  if (ghosts.length === PAGE) page.append(more(shelf, night, ghosts.at(-1).id));
}

function filter(words, href, isChosen) {
  return h("a.key", { href, ...(isChosen ? { "aria-current": "page" } : {}) }, words);
}

function more(shelf, night, before) {
  const key = h("button.key", { type: "button" }, "More ghosts");
  const line = h("p.more", {}, key);
  key.onclick = async () => {
    key.disabled = true;
    const { ghosts } = await list({ night, before });
    const boxes = ghosts.map(box);
    shelf.append(...boxes);
    key.disabled = false;
    boxes[0]?.querySelector("a").focus();
    if (ghosts.length < PAGE) line.textContent = "Those were all of them.";
    else before = ghosts.at(-1).id;
  };
  return line;
}

function box(ghost) {
  const element = h("li.box", {},
    h("a", { href: `?ghost=${ghost.id}` },
      h("span.spine-name", {}, `GHOST ${ghost.number}`), h("span.tint", { "aria-hidden": "true" }),
      picture(ghost, true),
      h("div.paper", {}, h("h2", {}, ghost.subject), h("p", {}, `for ${ghost.username}`), h("p", {}, `${nightOf(ghost)}${day(ghost.paidAt, { day: "numeric", month: "short" })}`))));
  element.style.setProperty("--tint", `var(${TINTS[ghost.number % TINTS.length]})`);
  return element;
}

async function one(id) {
  const { ghosts } = await list({ around: id });
  const place = ghosts.findIndex((ghost) => ghost.id === id);
  if (place < 0) {
    page.replaceChildren(lost("Nobody is here.", "This ghost is not known, or it has left."), h("p.more", {}, h("a.key", { href: "?" }, "All ghosts")));
    return;
  }
  const ghost = ghosts[place];
  const [newer, older] = [ghosts[place - 1], ghosts[place + 1]];
  document.title = `${ghost.subject}: a ghost of Golden VCR`;
  const saved = h("button.key.main", { type: "button" }, "Copy the link");
  saved.onclick = async () => { saved.textContent = (await copyText(location.href)) ? "Copied" : "Not copied: it stands above, in the browser"; };
  page.replaceChildren(
    h("nav.walk", { "aria-label": "Ghosts" }, h("a.key", { href: "?" }, "‹ All ghosts"),
      h("div", {}, older ? h("a.key", { href: `?ghost=${older.id}` }, `‹ ${older.number}`) : null, newer ? h("a.key", { href: `?ghost=${newer.id}` }, `${newer.number} ›`) : null)),
    h("article.one", {}, h("div.tube", {}, picture(ghost, false)),
      h("div", {}, h("p.number", {}, `GHOST ${ghost.number}`), h("h1", {}, ghost.subject),
        h("dl.paper", {}, ...facts(ghost).map(([term, words]) => h("div", {}, h("dt", {}, term), h("dd", {}, words)))),
        h("p.keys", {}, saved, h("a.key", { href: ghost.url, download: "" }, "Save the picture")))));
}

function facts(ghost) {
  return [
    ["for", ghost.username],
    ["night", `${ghost.broadcastId ? `${ghost.broadcastId}, ` : ""}${day(ghost.paidAt, { weekday: "long", day: "numeric", month: "long", year: "numeric" })}`],
    ["came at", day(ghost.paidAt, { hour: "2-digit", minute: "2-digit" })],
    ...(ghost.tapeId ? [["of tape", String(ghost.tapeId)]] : []),
  ];
}

function picture({ url, subject }, isSmall) {
  return h("img", { src: url, alt: isSmall ? "" : `a ghost of ${subject}`, loading: isSmall ? "lazy" : "eager", width: 1024, height: 1024, referrerpolicy: "no-referrer" });
}

function nightOf({ broadcastId }) {
  return broadcastId ? `night ${broadcastId}, ` : "";
}

function day(time, how) {
  return new Date(time).toLocaleString("en-GB", how);
}

function lost(title, words) {
  return h("div.lost.paper", {}, h("h1", {}, title), h("p", {}, words));
}

async function list(which) {
  const asked = new URLSearchParams({ limit: PAGE, ...Object.fromEntries(Object.entries(which).filter(([, value]) => value)) });
  const response = await fetch(`${here}history/images?${asked}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error((await response.json()).detail ?? `showtime answered ${response.status}`);
  return response.json();
}

begin();
