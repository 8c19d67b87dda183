/** The overlay's address: made, shown once, withdrawn. */

import { h, icon } from "../dom.js";
import { command, readFor } from "./api.js";
import { clock, copy, key, nothing, paint } from "./draw.js";

/** Draw the secrets that hold; gives what ends it. */
export function drawAddress(view) {
  const made = h("div", { role: "status" });
  const list = h("div");
  const name = h("input", { id: "secret-name", type: "text", maxlength: 60, required: "", autocomplete: "off", value: "OBS" });
  const kind = h("select", { id: "secret-kind" }, h("option", { value: "overlay" }, "An overlay"), h("option", { value: "hotkey" }, "A hotkey or a Stream Deck"));
  const press = key("make", "Make it", () => form.requestSubmit(), { mark: "copy", style: "main" });
  const form = h("form.fields", {}, h("p", {}, h("label", { for: "secret-kind" }, "For"), kind), h("p", {}, h("label", { for: "secret-name" }, "Name"), name), h("p.tools", {}, press));
  const refresh = async () => {
    const known = await readFor(view, "admin/show/secrets");
    if (known) paint(list, known.secrets, () => (known.secrets.length ? h("ul.cards", {}, ...known.secrets.map((each) => secret(each, refresh))) : nothing("No address holds.", "Alerts are streamed until the first overlay has one.")));
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    const found = await command(press, "POST", "admin/show/secrets", { kind: kind.value, name: name.value.trim() });
    if (found) made.replaceChildren(once(found));
    refresh();
  };
  view.append(h("h2.big", {}, "Overlay’s address"), h("p.lead", {}, "Whoever has the address can show alerts, and nothing else. It is shown once: paste it into OBS as a browser source of 1920 × 1080."), made, form, h("h3.section", {}, "Those that hold"), list);
  refresh();
  const again = setInterval(refresh, 10_000);
  return () => clearInterval(again);
}

function once({ kind, name, secret: token }) {
  const text = kind === "overlay" ? new URL(`${document.body.dataset.here}overlay#secret=${token}`, location.href).href : token;
  return h("div.card.ok", {}, icon("check"), h("div.body", {}, h("h3", {}, `Made for ${name}: copy it now.`),
    h("p.secret", {}, text), h("p", {}, "It cannot be shown again. If it gets lost, withdraw it and make another."),
    h("p.tools", {}, key("copy-secret", "Copy", (element) => copy(element, text), { mark: "copy", style: "main" }))));
}

function secret({ id, kind, name, madeAt }, refresh) {
  const withdraw = async (element) => {
    if (!element.dataset.sure) {
      element.dataset.sure = "yes";
      element.querySelector("span").textContent = "It stops at once. Withdraw?";
      return;
    }
    await command(element, "DELETE", `admin/show/secrets/${id}`);
    refresh();
  };
  const made = `${kind}, made ${new Date(madeAt).toLocaleDateString("en-GB", { day: "numeric", month: "long" })} at ${clock(madeAt)}`;
  return h("li.card", {}, icon(kind === "overlay" ? "antenna" : "bolt"), h("div.body", {}, h("h3", {}, name), h("p", {}, made), h("p.tools", {}, key(`withdraw-${id}`, "Withdraw", withdraw, { mark: "cross" }))));
}
