/** Ghosts that wait for the host, and the tape. */

import { h, icon } from "../dom.js";
import { command } from "./api.js";
import { clock, key, nothing, paint } from "./draw.js";

const $ = (id) => document.getElementById(id);

/** Draw the ghosts that wait before they are painted. */
export function drawAsking({ awaiting, may }, changed) {
  const ghosts = awaiting ?? [];
  $("asking").hidden = ghosts.length === 0;
  $("asking-about").textContent = ghosts.length ? String(ghosts.length) : "";
  paint($("asking-list"), [ghosts, may.ghosts], () => h("ul.cards", {}, ...ghosts.map((ghost) => {
    const decide = (decision) => async (element) => { await command(element, "POST", `admin/ghosts/${ghost.id}/${decision}`); changed("awaiting"); };
    return h("li.card.ghost", {},
      icon("ghost"), h("div.body", {}, h("h3", {}, ghost.subject), h("p", {}, `for ${ghost.username}. ${ghost.reason}. Until ${clock(ghost.until)}, then its points go back.`),
        may.ghosts ? h("p.tools", {}, key(`approve-${ghost.id}`, "Paint it", decide("approve"), { mark: "check", style: "main" }), key(`refuse-${ghost.id}`, "Refuse", decide("refuse"), { mark: "cross" })) : null));
  })));
}

/** Draw the tape: what is in, and those that were on last. */
export function drawTape({ channel, tapes, may }) {
  const number = channel?.screeningTapeId ?? null;
  const isLive = Boolean(channel?.isLive);
  $("tape-about").textContent = number === null ? "" : `${number} is in since ${clock(channel.screeningStartedAt)}`;
  paint($("tape-tools"), [number, may.tapes], () => (number === null || !may.tapes ? [] : key("eject", "Eject", (element) => command(element, "DELETE", "admin/tape"), { mark: "eject" })));
  paint($("tape"), [number, isLive, tapes, may.tapes], () => {
    if (!isLive) return nothing("The machine is off.", "A tape goes in once the stream is on the air.");
    if (!may.tapes) return number === null ? nothing("No tape is in.", "") : [];
    return [putIn(), h("ul.tapes", { tabindex: "-1" }, ...(tapes ?? []).map(({ id }) => h("li", {}, cassette(id, id === number))))];
  });
}

function cassette(id, isIn) {
  const element = key(`tape-${id}`, "", (pressed) => command(pressed, "POST", `admin/tape/${id}`), { style: "cassette", label: isIn ? `Tape ${id} is in: put it in again` : `Put tape ${id} in` });
  element.append(h("b", {}, String(id)), h("span.paper", {}, isIn ? [icon("play"), "in"] : `Tape ${id}`));
  return element;
}

function putIn() {
  const number = h("input", { id: "tape-number", type: "text", inputmode: "numeric", pattern: "[0-9]{1,10}", required: "", autocomplete: "off", size: 6, "data-key": "tape-number" });
  const press = key("put-in", "Put it in", () => form.requestSubmit(), { mark: "cassette" });
  const form = h("form.put-in", {}, h("label", { for: "tape-number" }, "Number"), number, press);
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (await command(press, "POST", `admin/tape/${encodeURIComponent(number.value.trim())}`)) number.value = "";
  };
  return form;
}
