/** Copies text, also where a browser has no clipboard for the page: those that come by HTTP, as from `dev --lan`. */

import { h } from "./dom.js";

/**
 * Copy text, which may still be on its way: a browser lets a click copy at once or not at all.
 * Gives whether it is copied; rejected if the text does not come.
 */
export async function copyText(text) {
  const isCopied = await toClipboard(text).then(() => true, () => false);
  return isCopied || byHand(await text);
}

async function toClipboard(text) {
  if (typeof text === "string") return navigator.clipboard.writeText(text);
  const type = "text/plain";
  return navigator.clipboard.write([new ClipboardItem({ [type]: text.then((words) => new Blob([words], { type })) })]);
}

/** Copy what is selected, as a person would. */
function byHand(words) {
  const active = document.activeElement;
  const area = h("textarea", { "aria-label": "What is copied", readonly: "" });
  area.style.cssText = "position: fixed; inset: 0 auto auto 0; opacity: 0; font-size: 16px";
  area.value = words;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  active?.focus({ preventScroll: true });
  return isCopied;
}
