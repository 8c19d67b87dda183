/** The newest lines of the chat. They jump, at most twice a second; what was taken away is gone at once. */

import { h } from "./dom.js";

const SHOWN = 8;
const BETWEEN = 500;
const LEAST_CONTRAST = 4.5;
const GROUND = 0.0035; // the luminance of what the lines stand on
const NAMELESS = "#bdb5d8";

export class Chat {
  #list;
  #lines = [];
  #timer = null;

  constructor(list) {
    this.#list = list;
  }

  /** Take an event of the chat: a message, a deletion, or that all is cleared. */
  take({ type, message, deletion }) {
    if (type === "message") {
      this.#lines = [...this.#lines, message].slice(-SHOWN);
      this.#timer ??= setTimeout(() => this.#draw(), BETWEEN);
    } else {
      const gone = new Set(deletion?.messageIds);
      this.#lines = type === "clear" ? [] : this.#lines.filter(({ id }) => !gone.has(id));
      this.#draw();
    }
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const drawn = new Map([...this.#list.children].map((line) => [line.dataset.id, line]));
    this.#list.replaceChildren(...this.#lines.map((message) => drawn.get(message.id) ?? line(message)));
  }
}

function line({ id, username, color, text, emotes, channel }) {
  const element = h("li.line-of-chat", { "data-id": id },
    h("span", {}, h("b", {}, username), channel ? ` (${channel})` : null, " ", ...words(text, emotes)));
  element.style.setProperty("--colour", legible(color));
  return element;
}

/** `$$` is a dollar sign, `$0` the first emote. */
function words(text, emotes) {
  return text.split(/(\$\$|\$\d+)/).filter(Boolean).map((part) => {
    const emote = part.startsWith("$") && part !== "$$" ? emotes[Number(part.slice(1))] : undefined;
    if (emote) return h("img", { src: emote.url, alt: emote.name, referrerpolicy: "no-referrer" });
    return part === "$$" ? "$" : part;
  });
}

/** Lighten a viewer's colour until it can be read. */
export function legible(color) {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return NAMELESS;
  let parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  while ((luminance(parts) + 0.05) / (GROUND + 0.05) < LEAST_CONTRAST) parts = parts.map((part) => Math.min(255, part + 12));
  return `rgb(${parts.join(" ")})`;
}

function luminance(parts) {
  const [red, green, blue] = parts.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
