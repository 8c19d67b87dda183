/** Elements, made without markup: what a viewer typed can become nothing but text. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element; `name` is `tag.class.class`, attributes are set as they are, children are nodes or text. */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElement(tag), classes, attributes, children);
}

/** The same, of SVG. */
export function svg(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElementNS(SVG, tag), classes, attributes, children);
}

function filled(element, classes, attributes, children) {
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const OUTLINE = "M4 30V13a12 12 0 0 1 24 0v17l-4-3.4-4 3.4-4-3.4-4 3.4-4-3.4Z";
const EYES = "M12.2 10.6a2.2 3 0 1 0 .01 0ZM19.8 10.6a2.2 3 0 1 0 .01 0Z";

/** The outline of the ghost of the house; its eyes are holes, where it is filled by `evenodd`. */
export const GHOST = OUTLINE + EYES;

/** Draw the ghost of the house. */
export function ghostIcon() {
  const path = svg("path", { d: GHOST, "fill-rule": "evenodd" });
  return svg("svg.ghost-icon", { viewBox: "2 0 28 31", "aria-hidden": "true" }, path);
}

const LINES = {
  play: "M8 5v14l11-7Z",
  card: "M3 6h18v12H3ZM3 10h18M6 14.5h5",
  antenna: "M12 13v8M9 21h6M8.5 13.5a4.5 4.5 0 1 1 7 0M5.6 16a8.5 8.5 0 1 1 12.8 0",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6Z",
  bars: "M4 20h16M6 17v-3M10 17v-6M14 17V8M18 17V4",
  cassette: "M3 6h18v12H3ZM7.5 13a1.5 1.5 0 1 0 .01 0ZM16.5 13a1.5 1.5 0 1 0 .01 0ZM9.5 11h5",
  pause: "M7.4 5.5h2.4v13H7.4ZM14.2 5.5h2.4v13h-2.4Z",
  skip: "M4 5v14l8-7ZM12 5v14l8-7ZM21 5v14",
  again: "M4 4v6h6M4.5 10a8 8 0 1 1-.4 5",
  sound: "M4 9v6h4l5 4V5L8 9ZM17 9a4 4 0 0 1 0 6M19.5 6.5a8 8 0 0 1 0 11",
  mute: "M4 9v6h4l5 4V5L8 9ZM17 9.5l5 5M22 9.5l-5 5",
  shield: "M12 3 4.5 6v6c0 4.6 3.4 7.6 7.5 9 4.1-1.4 7.5-4.4 7.5-9V6ZM9 12l2.2 2.2L15.2 10",
  bell: "M6 16v-5a6 6 0 0 1 12 0v5l1.6 2H4.4ZM10.5 21h3",
  gem: "M12 2.5 5.5 11 12 21.5 18.5 11ZM5.5 11h13M12 2.5v19",
  books: "M4 4h4v16H4ZM8 4h4v16H8ZM13.6 5.2l3.8-1 3.8 14.6-3.8 1Z",
  hand: "M8 12.5V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v9a6 6 0 0 1-6 6c-2.8 0-4.3-1.3-5.6-3.8L3.6 14a1.5 1.5 0 0 1 2.6-1.5L8 15",
  check: "M5 12.5l4.6 4.6L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  bang: "M12 5v8.5M12 18.4v.2",
  up: "M5 15.5l7-7 7 7",
  down: "M5 8.5l7 7 7-7",
  menu: "M4 6.5h16M4 12h16M4 17.5h16",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  person: "M12 12a4 4 0 1 0-.01 0ZM4.5 20.5c0-3.6 3.6-5.5 7.5-5.5s7.5 1.9 7.5 5.5",
  clock: "M12 3.5a8.5 8.5 0 1 0 .01 0ZM12 8v4.4l3 2",
  eject: "M5 15 12 6l7 9ZM5 19h14",
  flask: "M9 3h6M10 3v6L5 18.4A1.7 1.7 0 0 0 6.5 21h11a1.7 1.7 0 0 0 1.5-2.6L14 9V3M7.6 15h8.8",
};

const FILLED = new Set(["play", "pause", "skip"]);

/** Draw one of the icons above, or the ghost: lines as thick as the recorder's letters. */
export function icon(name) {
  if (name === "ghost") return withClass(ghostIcon(), "icon");
  const fill = FILLED.has(name) ? "currentColor" : "none";
  const path = svg("path", { d: LINES[name], fill, stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round", "stroke-linecap": "round" });
  return svg("svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}

function withClass(element, name) {
  element.classList.add(name);
  return element;
}
