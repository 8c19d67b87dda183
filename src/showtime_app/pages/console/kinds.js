/** The kinds of things that happen: their icon, their colour and their word; and what an alert says in short. */

import { plural } from "./draw.js";

export const ALERTS = {
  follow: { mark: "bell", colour: "ice", word: "Follow" },
  cheer: { mark: "gem", colour: "bits", word: "Bits" },
  "power-up": { mark: "bolt", colour: "amber", word: "Power-up" },
  subscribe: { mark: "card", colour: "lilac", word: "Sub" },
  "gift-sub": { mark: "books", colour: "lilac", word: "Gift" },
  raid: { mark: "antenna", colour: "lime", word: "Raid" },
  "hype-train": { mark: "bars", colour: "amber", word: "Train" },
  "watch-streak": { mark: "cassette", colour: "ice", word: "Streak" },
  "generated-images": { mark: "ghost", colour: "mint", word: "Ghost" },
};

/** Kinds of rows of the feed. */
export const ROWS = {
  follow: ALERTS.follow,
  bits: ALERTS.cheer,
  sub: ALERTS.subscribe,
  gift: ALERTS["gift-sub"],
  raid: ALERTS.raid,
  train: ALERTS["hype-train"],
  streak: ALERTS["watch-streak"],
  ghost: ALERTS["generated-images"],
  tape: { mark: "cassette", colour: "paper-flat", word: "Tape" },
  stream: { mark: "antenna", colour: "edge", word: "Stream" },
  host: { mark: "person", colour: "edge", word: "Host" },
  trouble: { mark: "bang", colour: "red", word: "Trouble" },
};

/** What may be chosen of the feed: a word, and its kinds. What the host did is left out of all. */
export const FILTERS = [
  { word: "All", mark: "check", kinds: Object.keys(ROWS).filter((kind) => kind !== "host") },
  { word: "Follows", mark: "bell", kinds: ["follow", "streak"] },
  { word: "Bits", mark: "gem", kinds: ["bits", "train"] },
  { word: "Subs", mark: "card", kinds: ["sub", "gift"] },
  { word: "Ghosts", mark: "ghost", kinds: ["ghost"] },
  { word: "Raids", mark: "antenna", kinds: ["raid"] },
  { word: "Tapes", mark: "cassette", kinds: ["tape", "stream"] },
  { word: "Trouble", mark: "bang", kinds: ["trouble"] },
  { word: "Host", mark: "person", kinds: ["host", "tape"] },
];

/** Tell which kind an alert is painted as: a Power-up is told as a cheer. */
export function kindOf({ type, data }) {
  const name = type === "cheer" && data.powerUp ? "power-up" : type;
  return ALERTS[name] ?? { mark: "bang", colour: "edge", word: type };
}

/** Say an alert in short: who or what, what it is, and what was typed. */
export function sayAlert({ type, data }, more = 0) {
  const others = more ? ` and ${more} more` : "";
  const who = `${data.username ?? ""}${others}`;
  switch (type) {
    case "follow": return { who, what: more ? "follows, joined" : "follow" };
    case "cheer": return { who, what: plural(data.numBits, "bit"), words: data.message };
    case "subscribe": return { who, what: data.numCumulativeMonths > 1 ? `${data.numCumulativeMonths} months` : data.isGift ? "a gift sub" : "new member", words: data.message };
    case "gift-sub": return { who, what: plural(data.numSubscriptions, "gift sub") };
    case "raid": return { who, what: `raid, ${plural(data.numViewers, "person", "people")}` };
    case "hype-train": return { who: "Hype train", what: `level ${data.level}` };
    case "watch-streak": return { who, what: `${plural(data.numConsecutiveStreams, "night")} in a row`, words: data.message };
    case "generated-images": return { who: data.description, what: `ghost for ${data.username}` };
    default: return { who: who || type, what: type };
  }
}
