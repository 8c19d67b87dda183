/** Moderators whom the broadcaster lets in. */

import { h, icon } from "../dom.js";
import { command, readFor } from "./api.js";
import { key, nothing, paint } from "./draw.js";

/** Draw who may come in; gives what ends it. */
export function drawPeople(view) {
  const list = h("div");
  const name = h("input", { id: "moderator", type: "text", required: "", maxlength: 25, pattern: "[A-Za-z0-9_]{1,25}", autocomplete: "off", autocapitalize: "none" });
  const press = key("add", "Let in", () => form.requestSubmit(), { mark: "person", style: "main" });
  const form = h("form.fields", {}, h("p", {}, h("label", { for: "moderator" }, "Twitch name"), name), h("p.tools", {}, press));
  const refresh = async () => {
    const found = await readFor(view, "admin/moderators");
    if (found) paint(list, found, () => (found.moderators.length ? h("ul.cards", {}, ...found.moderators.map((each) => person(each, refresh))) : nothing("Nobody but you.", "A moderator may press every key, and decides nothing about points.")));
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (await command(press, "PUT", `admin/moderators/${encodeURIComponent(name.value.trim().toLowerCase())}`)) name.value = "";
    refresh();
  };
  view.append(h("h2.big", {}, "Moderators"), h("p.lead", {}, "They sign in with Twitch, and may do all that is done during a show: keys, tapes, ghosts, tests."), form, h("h3.section", {}, "Let in"), list);
  refresh();
}

function person({ id, userId, login, displayName }, refresh) {
  const shown = displayName || login;
  const remove = async (element) => { await command(element, "DELETE", `admin/moderators/${encodeURIComponent(id ?? userId)}`); refresh(); };
  return h("li.card", {}, icon("person"), h("div.body", {}, h("h3", {}, shown), h("p", {}, login), h("p.tools", {}, key(`out-${login}`, "Let out", remove, { mark: "cross" }))));
}
