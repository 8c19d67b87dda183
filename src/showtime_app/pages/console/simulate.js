/** On a laptop: every event that Twitch could send. */

import { h, icon } from "../dom.js";
import { command, readFor } from "./api.js";
import { key } from "./draw.js";

/** Draw a form for events. */
export function drawSimulate(view) {
  const said = h("p.said", { role: "status" });
  const place = h("div");
  view.append(h("h2.big", {}, "Simulate"), h("p.lead", {}, "Only where showtime runs by itself. Each is sent as Twitch would send it, signed, to the callback."), said, place);
  readFor(view, "local/simulate").then((found) => found && place.replaceChildren(form(found.events, said)));
}

function form(events, said) {
  const fields = h("div.fields");
  const kind = h("select", { id: "event" }, ...events.map(({ name, about }) => h("option", { value: name }, `${name}: ${about}`)));
  const show = () => fields.replaceChildren(...events.find(({ name }) => name === kind.value).takes.map((option) => h("p", {}, h("label", { for: `option-${option}` }, option.replaceAll("_", " ")), h("input", { id: `option-${option}`, type: "text", autocomplete: "off", "data-option": option }))));
  kind.onchange = show;
  const press = key("send", "Send it", () => element.requestSubmit(), { mark: "flask", style: "main" });
  const element = h("form.fields", {}, h("p", {}, h("label", { for: "event" }, "Event"), kind), fields, h("p.tools", {}, press));
  element.onsubmit = async (event) => {
    event.preventDefault();
    const options = Object.fromEntries([...fields.querySelectorAll("input")].filter(({ value }) => value).map(({ dataset, value }) => [dataset.option, value]));
    const answer = await command(press, "POST", "local/simulate", { event: kind.value, options });
    if (answer) said.replaceChildren(icon("check"), `Sent: ${answer.sent.join(", ")}.`);
  };
  show();
  return element;
}
