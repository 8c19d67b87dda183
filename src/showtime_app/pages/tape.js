/** The label of a tape, when it is new: not when the page comes back to a tape that it has shown. */

import { h, icon } from "./dom.js";
import { reveal } from "./motion.js";

const SHOWN = 12_000;
const NEW = 30_000;
const KEPT = "showtime.tape";

/** Make the cassette's label. */
export function cassette({ tapeId, title, about }) {
  return h("article.cassette", {},
    h("p.osd", {}, icon("play"), "PLAY"),
    h("div.shell", {},
      h("div.number", {}, h("span", {}, "tape"), h("b", {}, String(tapeId))),
      h("div.bar"),
      h("div.title.paper", {}, h("h2", {}, title), h("p", {}, about))));
}

export class Tape {
  #slot;

  constructor(slot) {
    this.#slot = slot;
  }

  /** Take the state of the show. */
  take({ screeningTapeId, screeningStartedAt }) {
    if (screeningTapeId === undefined || sessionStorage.getItem(KEPT) === screeningStartedAt) return;
    sessionStorage.setItem(KEPT, screeningStartedAt);
    const started = new Date(screeningStartedAt);
    if (Date.now() - started > NEW) return;
    const time = started.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    reveal(cassette({ tapeId: screeningTapeId, title: `Tape ${screeningTapeId}`, about: `in the machine since ${time}` }), this.#slot, SHOWN, 0);
  }
}
