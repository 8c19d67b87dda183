/** The menu, and what stands behind it: one place at a time, named by what is behind the `#`. */

import { h, icon } from "../dom.js";
import { drawAddress } from "./address.js";
import { drawBefore } from "./before.js";
import { paint } from "./draw.js";
import { drawPeople } from "./people.js";
import { drawRules } from "./rules.js";
import { drawSimulate } from "./simulate.js";

const $ = (id) => document.getElementById(id);
const SHORTCUTS = [["p", "Pause, or play"], ["s", "Skip what plays"], ["a", "Show the last one again"], ["m", "Mute, or sound on"], ["f", "Safe mode, on and off"], ["n", "See what is new"], ["?", "This list"], ["Esc", "Back to tonight"]];

const PLACES = [
  { name: "", title: "Tonight", mark: "play", may: () => true },
  { name: "before", title: "Before the show", mark: "check", may: () => true, draw: drawBefore },
  { name: "address", title: "Overlay’s address", mark: "copy", may: (may) => may.secrets, draw: drawAddress },
  { name: "rules", title: "Rules of kinds", mark: "books", may: (may) => may.rules, draw: drawRules },
  { name: "people", title: "Moderators", mark: "person", may: (may) => may.moderators, draw: drawPeople },
  { name: "simulate", title: "Simulate", mark: "flask", may: (may, { isDev }) => isDev, draw: drawSimulate },
  { name: "keyboard", title: "Keyboard", mark: "hand", may: () => true, draw: drawKeyboard },
];

/** The places, of which one is open. */
export class Places {
  #open = null;
  #leave = null;
  #state = null;

  constructor(signOut) {
    this.signOut = signOut;
    paint($("menu"), "menu", () => icon("menu"));
    $("menu").onclick = () => this.#toggle();
    addEventListener("hashchange", () => this.draw(this.#state));
    document.addEventListener("click", ({ target }) => { if (!$("places").hidden && !target.closest("#places, #menu")) this.#toggle(false); });
  }

  #toggle(isOpen = $("places").hidden) {
    $("places").hidden = !isOpen;
    $("menu").setAttribute("aria-expanded", isOpen);
    if (isOpen) $("places").querySelector("a")?.focus();
  }

  /** Close the menu, or go back to tonight. */
  escape() {
    if (!$("places").hidden) {
      this.#toggle(false);
      $("menu").focus();
    } else if (location.hash) location.hash = "";
  }

  /** Leave what is open: nobody is signed in any more. */
  close() {
    this.#leave?.();
    this.#leave = null;
    this.#open = null;
    this.#toggle(false);
  }

  draw(state) {
    if (!state?.session?.role) return;
    this.#state = state;
    const wanted = location.hash.slice(1);
    const allowed = PLACES.filter(({ may }) => may(state.may, state));
    const place = allowed.find(({ name }) => name === wanted) ?? allowed[0];
    paint($("places"), [allowed.map(({ name }) => name), place.name, state.session.displayName], () => [
      h("ul", {}, ...allowed.map(({ name, title, mark }) => h("li", {}, this.#link(`#${name}`, title, mark, name === place.name))),
        h("li", {}, h("a", { href: `${document.body.dataset.here}nights`, "data-key": "nights" }, icon("clock"), "Nights")),
        h("li", {}, this.#signOut(state.session)))]);
    const isShow = place.name === "";
    $("show").hidden = !isShow;
    $("other").hidden = isShow;
    if (this.#open !== place.name) {
      this.#leave?.();
      this.#leave = null;
      const isFirst = this.#open === null;
      this.#open = place.name;
      document.title = isShow ? "Console of Golden VCR" : `${place.title}: console of Golden VCR`;
      if (!isShow) {
        const view = h("div.place");
        $("other").replaceChildren(view);
        this.#leave = place.draw(view, state) ?? null;
      }
      if (!isFirst) $("view").focus({ preventScroll: true });
      scrollTo(0, 0);
      this.#toggle(false);
    }
  }

  #link(href, title, mark, isHere) {
    return h("a", { href, "data-key": `place-${href}`, ...(isHere ? { "aria-current": "page" } : {}) }, icon(mark), title);
  }

  #signOut({ displayName }) {
    const element = h("button", { type: "button", "data-key": "sign-out" }, icon("eject"), `Sign out${displayName ? ` ${displayName}` : ""}`);
    element.onclick = () => this.signOut();
    return element;
  }
}

function drawKeyboard(view) {
  view.append(h("h2.big", {}, "Keyboard"), h("p.lead", {}, "One letter each, wherever you are on the page, but not while you type."),
    h("dl.shortcuts", {}, ...SHORTCUTS.map(([letter, words]) => h("div", {}, h("dt", {}, h("kbd", {}, letter)), h("dd", {}, words)))));
}
