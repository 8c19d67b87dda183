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
};

/** Draw one of the icons above: lines as thick as the recorder's letters. */
export function icon(name) {
  const fill = name === "play" ? "currentColor" : "none";
  const path = svg("path", { d: LINES[name], fill, stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round", "stroke-linecap": "round" });
  return svg("svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}
