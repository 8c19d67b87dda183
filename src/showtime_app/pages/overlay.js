/**
 * The overlay for OBS: what the queue says, one alert at a time; the chat; a tape that is new; a
 * hype train while it runs.
 *
 * Its address: `overlay#secret=…`. `?layers=alerts,train,chat,tape` chooses what is painted, `?sound=1` makes it heard,
 * and `?demo=1` plays one of each kind, without a show and without a secret (`?demo=raid`: of one kind).
 */

import { draw } from "./alerts.js";
import { Chat } from "./chat.js";
import * as demo from "./demo.js";
import { materialise, reveal } from "./motion.js";
import { Queue } from "./queue.js";
import * as sound from "./sound.js";
import { follow } from "./stream.js";
import { cassette, Tape } from "./tape.js";
import { Train } from "./train.js";

const WIDTH = 1920;
const HEIGHT = 1080;
const SLOTS = { alerts: ["alert", "ghost", "dim"], train: ["train"], chat: ["chat"], tape: ["tape"] };
const DEMO_SECONDS = 6;

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const layers = new Set((query.get("layers") ?? Object.keys(SLOTS).join()).split(","));
const train = new Train($("train"));
let state = {};
let isMuted = query.get("sound") !== "1";

function begin() {
  fit();
  addEventListener("resize", fit);
  for (const [layer, slots] of Object.entries(SLOTS)) for (const slot of slots) $(slot).classList.toggle("layer-off", !layers.has(layer));
  const secret = new URLSearchParams(location.hash.slice(1)).get("secret");
  if (query.has("demo")) demonstrate(query.get("demo"));
  else if (secret) connect(secret);
  else notice("This address has no secret. Copy the overlay’s whole address, with what stands behind the #.");
}

function fit() {
  $("stage").style.transform = `scale(${Math.min(innerWidth / WIDTH, innerHeight / HEIGHT)})`;
}

/** Paint an item of the queue from so many milliseconds after its beginning. */
function play({ alert, more, seconds }, elapsed) {
  const progress = alert.type === "hype-train" ? train.progressOn(alert.data.level) : undefined;
  const data = progress === undefined ? alert.data : { ...alert.data, progress };
  const element = draw({ ...alert, data, more }, state);
  const milliseconds = seconds * 1000;
  if (!element) return { finished: new Promise((done) => setTimeout(done, milliseconds)), stop: () => null };
  if (!isMuted) sound.play(alert.type);
  if (alert.type === "generated-images") return materialise(element, $("ghost"), $("dim"), milliseconds, elapsed, ["chat", "tape", "train"].map($));
  return reveal(element, $("alert"), milliseconds, elapsed);
}

function connect(secret) {
  const chat = new Chat($("chat"));
  const tape = new Tape($("tape"));
  const queue = new Queue(secret, play);
  const takes = {
    state(now) { state = now; tape.take(now); },
    queue(now) { isMuted = now.isMuted || query.get("sound") !== "1"; queue.wake(); },
    train(now) { train.take(now); },
    chat(event) { chat.take(event); },
  };
  // All of it, where that will do: an instance of the version before refuses a layer that it does not know.
  const url = layers.has("chat") ? "show" : "show?layers=state,queue,train";
  follow(url, secret, (event, data) => takes[event]?.(data), (trouble) => trouble?.startsWith("4") && notice(trouble));
  if (layers.has("alerts")) queue.run().then(notice);
}

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
}

async function demonstrate(kind) {
  document.body.classList.add("demo");
  state = { isLive: true, broadcastStartedAt: new Date(Date.now() - demo.AIR_TIME).toISOString() };
  const chat = new Chat($("chat"));
  for (const message of demo.chat) chat.take({ type: "message", message });
  const shown = demo.examples.filter(({ type, data }) => kind === "1" || type === kind || (kind === "power-up" && data.powerUp));
  if (kind === "1" || kind === "hype-train") train.take(demo.train());
  if (kind === "1" || kind === "tape") reveal(cassette(demo.tape), $("tape"), 12_000, 0);
  for (let place = 0; shown.length; place = (place + 1) % shown.length) {
    await play({ alert: shown[place], more: 0, seconds: DEMO_SECONDS }, 0).finished;
    await new Promise((done) => setTimeout(done, 1000));
  }
}

begin();
