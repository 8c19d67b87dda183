/**
 * How things come and go. Only the Web Animations of the browser move anything, so that whoever looks frame by
 * frame can pause them and set their time. A pixel brightens once and darkens once in a showing (WCAG 2.3.1):
 * what is printed is revealed or fades, it never slides or grows while it is lit.
 */

import { h } from "./dom.js";

const IN = 500;
const OUT = 320;
const BAND = 64;
const AROUND = 60;
const DIM = 400;
const TUBE = 600;
const PICTURE = 1200;
const LABEL = 350;
const FADE = 200;
const A_PART = 30;

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Show an element for so many milliseconds, from its coming to its having gone; gives `finished` and `stop()`. */
export function reveal(element, slot, milliseconds, elapsed) {
  slot.replaceChildren(element);
  return run(slot, calm() ? [fade(element, milliseconds)] : revealed(element, slot, milliseconds), elapsed);
}

/**
 * Show a ghost: the room dims, the tube comes on, the picture materialises, then its label appears. It is alone:
 * the `others` are not seen meanwhile.
 */
export function materialise(element, slot, room, milliseconds, elapsed, others = []) {
  slot.replaceChildren(element);
  const moves = calm() ? [fade(element, milliseconds), faded(room, milliseconds, 0, FADE)] : materialised(element, room, milliseconds);
  return run(slot, [...moves, ...others.map((each) => hidden(each, milliseconds))], elapsed);
}

function run(slot, moves, elapsed) {
  const mine = slot.firstChild;
  for (const move of moves) move.currentTime = elapsed;
  const empty = () => {
    for (const move of moves) move.cancel();
    if (slot.firstChild === mine) slot.replaceChildren();
    return null;
  };
  return { finished: Promise.allSettled(moves.map((move) => move.finished)).then(empty), stop: empty };
}

function revealed(element, slot, milliseconds) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const noise = h("div.tracking", { "aria-hidden": "true" });
  noise.style.width = `${width + 2 * AROUND}px`;
  noise.style.height = `${height + 2 * AROUND}px`;
  slot.append(noise);
  const start = IN / milliseconds;
  const end = Math.max(start, 1 - OUT / milliseconds);
  const all = { duration: milliseconds, fill: "both" };
  const edge = (y) => ({ clipPath: `inset(${-AROUND}px ${-AROUND}px ${height - y}px ${-AROUND}px)` });
  const band = (y, opacity) => {
    const position = `0 ${y + AROUND - BAND / 2}px`;
    return { maskPosition: position, webkitMaskPosition: position, opacity };
  };
  const [top, bottom] = [-AROUND, height + AROUND];
  return [
    element.animate([edge(top), { ...edge(bottom), offset: start }, { ...edge(bottom), offset: end }, edge(top)], all),
    noise.animate(
      [band(top, 1), { ...band(bottom, 1), offset: start }, { ...band(bottom, 0), offset: start },
        { ...band(bottom, 0), offset: end }, { ...band(bottom, 1), offset: end }, band(top, 1)], all),
    ...parts(element),
  ];
}

/** Stamps, cassettes and heads appear in their places, one after the other. */
function parts(element) {
  return [...element.querySelectorAll(".stamp, .spine, .crowd > *, .beads > *")].map((part, place) =>
    part.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 120, delay: IN + place * A_PART, fill: "backwards" }));
}

function materialised(element, room, milliseconds) {
  const [tube, label] = element.children;
  const picture = tube.querySelector("img");
  // A showing that is shorter than all of it has it in less time.
  const pace = Math.min(1, (milliseconds - OUT) / (DIM + TUBE + PICTURE + LABEL));
  const [dim, lit, clear] = [DIM, DIM + TUBE, DIM + TUBE + PICTURE].map((time) => time * pace);
  const at = (time) => Math.min(1, time / milliseconds);
  const dark = { filter: "blur(22px) brightness(.12)" };
  const bright = { filter: "blur(0) brightness(1)" };
  return [
    faded(room, milliseconds, 0, dim),
    faded(tube, milliseconds, dim, TUBE * pace),
    picture.animate(
      [dark, { ...dark, offset: at(lit), easing: "ease-out" }, { ...bright, offset: at(clear) }, bright],
      { duration: milliseconds, fill: "both" }),
    faded(label, milliseconds, clear, LABEL * pace),
  ];
}

function faded(element, milliseconds, from, time) {
  const at = (moment) => Math.min(1, Math.max(0, moment / milliseconds));
  return element.animate(
    [{ opacity: 0 }, { opacity: 0, offset: at(from) }, { opacity: 1, offset: at(from + time) }, { opacity: 1, offset: at(Math.max(from + time, milliseconds - OUT)) }, { opacity: 0 }],
    { duration: milliseconds, fill: "both" });
}

function hidden(element, milliseconds) {
  const at = Math.min(0.5, DIM / milliseconds);
  return element.animate([{ opacity: 1 }, { opacity: 0, offset: at }, { opacity: 0, offset: 1 - at }, { opacity: 1 }], { duration: milliseconds });
}

function fade(element, milliseconds) {
  return faded(element, milliseconds, 0, FADE);
}
