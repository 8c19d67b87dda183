/** The rules of each kind of alerts. */

import { h, icon } from "../dom.js";
import { command, readFor } from "./api.js";
import { key } from "./draw.js";
import { ALERTS } from "./kinds.js";

const BUSY = { queue: "waits", skip: "is skipped" };
const SAFE = { show: "is shown", join: "become one", drop: "is skipped" };

/** Draw a form for each kind. */
export function drawRules(view) {
  const list = h("div.rules");
  view.append(h("h2.big", {}, "Rules of kinds"), h("p.lead", {}, "They hold from what is taken next."), list);
  readFor(view, "admin/show/rules").then((found) => list.replaceChildren(...Object.entries(found?.rules ?? {}).map(([kind, rule]) => form(kind, rule))));
}

function form(kind, rule) {
  const { mark = "bang", word = kind, colour = "edge" } = ALERTS[kind] ?? {};
  const id = (name) => `rule-${kind}-${name}`;
  const seconds = h("input", { id: id("seconds"), type: "number", min: 0.5, max: 120, step: 0.5, required: "", value: rule.seconds });
  const bits = kind === "cheer" ? h("input", { id: id("bits"), type: "number", min: 1, step: 1, required: "", value: rule.minBits }) : null;
  const busy = select(id("busy"), BUSY, rule.ifBusy);
  const safe = select(id("safe"), SAFE, rule.inSafeMode);
  const joined = h("input", { id: id("joined"), type: "checkbox", ...(rule.isJoined ? { checked: "" } : {}) });
  const press = key(`save-${kind}`, "Save", () => element.requestSubmit(), { mark: "check" });
  const said = h("span.said", { role: "status" });
  const element = h("form.rule", { "aria-label": word }, h("h3", {}, icon(mark), word),
    field("Seconds", seconds), bits ? field("From bits", bits) : null, field("If busy, it", busy), field("In safe mode", safe),
    h("p.tick", {}, joined, h("label", { for: joined.id }, "Those that wait become one")), h("p.tools", {}, press, said));
  element.style.setProperty("--kind", `var(--${colour})`);
  element.oninput = () => { said.textContent = "not saved"; };
  element.onsubmit = async (event) => {
    event.preventDefault();
    const wanted = { seconds: Number(seconds.value), ifBusy: busy.value, inSafeMode: safe.value, isJoined: joined.checked, ...(bits ? { minBits: Number(bits.value) } : {}) };
    said.textContent = (await command(press, "PUT", `admin/show/rules/${kind}`, wanted)) ? "saved" : "not saved";
  };
  return element;
}

function field(words, control) {
  return h("p", {}, h("label", { for: control.id }, words), control);
}

function select(id, choices, chosen) {
  return h("select", { id }, ...Object.entries(choices).map(([value, words]) => h("option", { value, ...(value === chosen ? { selected: "" } : {}) }, words)));
}
