/** The feed of the night: what happened, the newest first. What is new waits until the host wants to see it. */

import { h, icon } from "../dom.js";
import { command, oneAtATime, read } from "./api.js";
import { clock, copy, key, nothing, paint, plural } from "./draw.js";
import { FILTERS, ROWS } from "./kinds.js";
import { tag } from "./screen.js";

const $ = (id) => document.getElementById(id);
const PAGE = matchMedia("(min-width: 1000px)").matches ? 40 : 15;
const MOST = 200;
const TAGS = { missed: ["clock", "missed"], skipped: ["skip", "skipped"], interrupted: ["bang", "interrupted"], held: ["hand", "held"] };

export class Feed {
  #rows = [];
  #new = [];
  #before = null;
  #filter = FILTERS[0];
  #open = new Set();
  #isRead = false;
  #may = {};

  /** Read what is new, and what has become of what is there. */
  refresh = oneAtATime(() => this.#read());

  async #read() {
    const filter = this.#filter;
    const page = await read(`admin/night?kinds=${filter.kinds}&limit=${Math.min(MOST, this.#rows.length + PAGE)}`);
    if (!page || filter !== this.#filter) return;
    const now = new Map(page.rows.map((row) => [row.id, row]));
    const newest = this.#rows[0]?.id ?? -1;
    if (!this.#isRead || !this.#rows.length) {
      this.#rows = page.rows;
      this.#before = page.before;
      this.#new = [];
    } else {
      this.#rows = this.#rows.map((row) => now.get(row.id) ?? row);
      this.#new = page.rows.filter(({ id }) => id > newest);
    }
    this.#isRead = true;
    this.draw();
  }

  /** Show what has come in. */
  showNew() {
    if (!this.#new.length) return;
    const isWhole = this.#new.length < MOST;
    this.#rows = isWhole ? [...this.#new, ...this.#rows] : this.#new;
    if (!isWhole) this.#before = this.#new.at(-1).id;
    this.#new = [];
    this.draw();
    $("feed").querySelector(".row button")?.focus({ preventScroll: true });
  }

  allow(may) {
    this.#may = may;
    this.draw();
  }

  #choose(filter) {
    this.#filter = filter;
    this.#isRead = false;
    this.#rows = [];
    this.draw();
    this.refresh();
  }

  async #older(element) {
    const page = await command(element, "GET", `admin/night?kinds=${this.#filter.kinds}&limit=${PAGE}&before=${this.#before}`);
    if (!page) return;
    this.#rows = [...this.#rows, ...page.rows];
    this.#before = page.before;
    this.draw();
  }

  draw() {
    paint($("filters"), this.#filter.word, () => FILTERS.map((each) => key(`filter-${each.word}`, each.word, () => this.#choose(each), { mark: each.mark, style: "chip", pressed: each === this.#filter })));
    paint($("news"), this.#new.length, () => (this.#new.length ? key("news", `${this.#new.length < MOST ? this.#new.length : `${MOST} or more`} new`, () => this.showNew(), { mark: "up", style: "news" }) : []));
    paint($("feed"), [this.#rows, [...this.#open], this.#before, this.#isRead, this.#may], () => {
      if (!this.#isRead) return h("p.rest", {}, "Reading the night.");
      if (!this.#rows.length) return nothing("Quiet, so far.", this.#filter === FILTERS[0] ? "What happens tonight stands here." : "Nothing of this kind tonight.");
      return [h("ol.rows", {}, ...this.#rows.map((row) => this.#row(row))), this.#before === null ? null : h("p.rest", {}, key("older", "Older", (element) => this.#older(element), { mark: "down" }))];
    });
  }

  #toggle(id) {
    if (!this.#open.delete(id)) this.#open.add(id);
    this.draw();
  }

  #row(row) {
    const { mark, colour, word } = ROWS[row.kind];
    const isOpen = this.#open.has(row.id);
    const alert = row.alerts.at(-1);
    const tags = [row.isTest ? tag("flask", "test") : null, TAGS[alert?.state] ? tag(...TAGS[alert.state]) : null, row.handledAt ? tag("check", "handled", ".done") : null];
    const unfold = h("button.unfold", { type: "button", "aria-expanded": isOpen, "data-key": `row-${row.id}` },
      h("span.kind", {}, icon(mark)), h("span.text", {}, h("span.unseen", {}, `${word}: `), h("b", {}, title(row)), h("span.what", {}, ...tags, summary(row))),
      h("time", { datetime: row.sentAt ?? row.at }, clock(row.sentAt ?? row.at)), alert ? null : icon(isOpen ? "up" : "down"));
    unfold.onclick = () => this.#toggle(row.id);
    const again = alert && this.#may.show
      ? key(`again-${row.id}`, "", (element) => command(element, "POST", "show/commands/show-again", { alert: alert.id }), { mark: "again", style: "hand", label: `Show again: ${title(row)}` })
      : null;
    const element = h(`li.row${row.handledAt ? ".handled" : ""}${isOpen ? ".open" : ""}`, {}, h("div.head", {}, unfold, again), isOpen ? this.#details(row, alert) : null);
    element.style.setProperty("--kind", `var(--${colour})`);
    return element;
  }

  #details(row, alert) {
    const facts = [
      ["Said", row.kind === "ghost" ? null : row.words],
      ["Came", [row.sentAt ? `${clock(row.sentAt, true)} by Twitch` : null, `${clock(row.at, true)} here`, `no. ${row.id}`].filter(Boolean).join(", ")],
      ["Shown", alert ? shown(alert) : null],
      ...row.effects.map(({ kind, status, points, remark }) => [points === null ? kind.replaceAll("-", " ") : "Points", [points, status, remark].filter((part) => part !== null).join(", ")]),
      ["For", row.parts.length ? row.parts.map(({ who }) => who).join(", ") : null],
      ["Remark", row.remark],
      ["Handled", row.handledAt ? clock(row.handledAt, true) : null],
      ["Message", row.message],
    ].filter(([, words]) => words);
    const text = [`${title(row)}: ${row.what}`, ...facts.map(([term, words]) => `${term}: ${words}`)].join("\n");
    const isHandled = row.handledAt !== null;
    return h("div.details", {},
      h("dl", {}, ...facts.map(([term, words]) => h("div", {}, h("dt", {}, term), h("dd", {}, words)))),
      h("p.tools", {},
        alert && this.#may.show ? key(`now-${row.id}`, "Show it now", (element) => command(element, "POST", "show/commands/show-again", { alert: alert.id }), { mark: "again", style: "main" }) : null,
        this.#may.show ? key(`handled-${row.id}`, isHandled ? "Not handled" : "Handled", async (element) => { await command(element, isHandled ? "DELETE" : "POST", `admin/night/${row.id}/handled`); this.refresh(); }, { mark: isHandled ? "cross" : "check" }) : null,
        key(`copy-${row.id}`, "Copy", (element) => copy(element, text), { mark: "copy" })));
  }
}

function title({ kind, who, what, words, isTest }) {
  if (isTest) return "Test Pattern";
  if (kind === "ghost") return words;
  if (kind === "tape" || !who) return what.charAt(0).toUpperCase() + what.slice(1);
  return who;
}

function summary({ kind, who, what, words, parts, isTest }) {
  if (isTest) return what;
  if (kind === "ghost") return what === "ghost" ? `for ${who}` : `${who} ${what}`;
  if (!who) return words ?? ROWS[kind].word.toLowerCase();
  return parts.length ? `${what}, ${plural(parts.length, "row")} folded` : what;
}

function shown({ state, reason, at }) {
  const when = at ? ` at ${clock(at, true)}` : "";
  if (state === "streamed") return "to whoever read the alerts: there was no queue";
  return `${state}${when}${reason ? `; ${reason}` : ""}`;
}
