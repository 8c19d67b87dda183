/** The small counter of a hype train while it runs: its level, how far it is to the next one, the time that is left. */

import { count, share } from "./alerts.js";
import { h } from "./dom.js";

const BARS = 20;
const SECOND = 1000;

export class Train {
  #slot;
  #running = null;
  #timer = null;

  constructor(slot) {
    this.#slot = slot;
  }

  /** Take what is told of the train. */
  take({ hypeTrain }) {
    this.#running = hypeTrain;
    this.#draw();
  }

  /** Say how far it is on a level, from 0 to 1; undefined: it is not there. */
  progressOn(level) {
    return this.#running?.level === level ? share(this.#running) : undefined;
  }

  #draw() {
    clearTimeout(this.#timer);
    const left = this.#running?.expiresAt ? Date.parse(this.#running.expiresAt) - Date.now() : null;
    const isOver = this.#running === null || (left !== null && left <= 0);
    this.#slot.replaceChildren(...(isOver ? [] : [counter(this.#running, left)]));
    if (!isOver && left !== null) this.#timer = setTimeout(() => this.#draw(), left % SECOND || SECOND);
  }
}

function counter(train, left) {
  const done = share(train);
  const bars = Array.from({ length: BARS }, (_, i) => h(i < Math.round(done * BARS) ? "i.lit" : "i"));
  return h("div.counter", {},
    h("p.head", {}, h("span", {}, `HYPE TRAIN ${count(train.level)}`), left === null ? null : h("span", { role: "timer" }, clock(left))),
    h("p.bars", { "aria-hidden": "true" }, ...bars),
    h("p", {}, `${Math.floor(done * 100)} % of the way to level ${count(train.level + 1)}`));
}

function clock(milliseconds) {
  const seconds = Math.ceil(milliseconds / SECOND);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
