/**
 * What each kind of alert looks like: one function a kind, from its data to an element.
 *
 * A kind is known by its object before it is read: a recorder's screen, a price sticker, a member's card, a
 * shelf, a meter, a picture tube. `more` is how many others of the kind it stands for as well.
 */

import { ghostIcon, h, icon } from "./dom.js";

const LONG_NAME = 16;
const LONG_MESSAGE = 140;
const MAX_HEADS = 80;
const MAX_TAPES = 50;
const MAX_STAMPS = 24;
const STAMPS_A_ROW = 12;
const LEVELS = 5;
const BARS_A_LEVEL = 10;
const SHELF_NAMES = 4;
const SPINES = ["#3b6fb5", "#d2493a", "#e0a63a", "#2f7d57", "#7d3f86", "#c25a8f", "#4a9a8c", "#565264"];

/** Make the element of an alert, or null where its kind is not known; `now` tells the state of the show. */
export function draw({ type, data, more = 0 }, now = {}) {
  const kind = data.powerUp ? "power-up" : type;
  const make = Object.hasOwn(KINDS, kind) ? KINDS[kind] : null;
  if (!make) return null;
  const element = make(data, more, now);
  element.classList.add(`kind-${kind}`);
  return element;
}

const KINDS = {
  follow({ username }, more, now) {
    return blueScreen(["play", "PLAY"], recorderTime(now), username, withOthers(more, "is new here. Mind the step.", "are new here. Mind the step."));
  },

  raid({ username, numViewers }, more) {
    const heads = Math.min(numViewers, MAX_HEADS);
    const line = numViewers === 1 ? "brings one guest in. Sit anywhere." : `brings ${count(numViewers)} people in. Sit anywhere.`;
    const rest = numViewers > MAX_HEADS ? h("p.rest", {}, `and ${count(numViewers - MAX_HEADS)} more`) : null;
    const crowd = h("div.crowd", { "aria-hidden": "true" }, ...Array.from({ length: heads }, ghostIcon));
    const channel = String(numViewers % 100).padStart(2, "0");
    return blueScreen(["antenna", "INCOMING SIGNAL"], `CH 03 » CH ${channel}`, username, withOthers(more, line, "come in. Sit anywhere."), crowd, rest);
  },

  cheer({ username, numBits, message }) {
    return h("article.cheer", {},
      h("div.label.paper", {}, name(username), message ? typed(message) : null),
      h("div.sticker", {}, h("b", {}, count(numBits)), h("span", {}, numBits === 1 ? "BIT" : "BITS")));
  },

  "power-up"({ username, numBits, message }, more) {
    const line = `powers up with ${count(numBits)} ${numBits === 1 ? "bit" : "bits"}`;
    return blueScreen(["bolt", "POWER-UP"], "", username, withOthers(more, line, line),
      h("div.token", { "aria-hidden": "true" }, ghostIcon()), message ? h("p.words", {}, message) : null);
  },

  "watch-streak"({ username, numConsecutiveStreams: streams, message }, more) {
    const nights = streams === 1 ? "1 night" : `${count(streams)} nights in a row`;
    const first = Math.max(1, streams - 9);
    const beads = Array.from({ length: streams - first + 1 }, (_, i) => h("span", {}, String(first + i)));
    return blueScreen(["cassette", "WATCH STREAK"], "", username, withOthers(more, `${nights}. The chair has a shape now.`, "keep coming back."),
      h("div.beads", { "aria-hidden": "true" }, ...beads), message ? h("p.words", {}, message) : null);
  },

  subscribe({ username, isGift, numCumulativeMonths: months, message }, more) {
    const renewed = months > 1;
    const right = renewed
      ? h("div.months", {}, h("b", {}, count(months)), h("span", {}, "months"))
      : h("div.months", {}, h("span", {}, isGift ? "a gift" : "new member"));
    return h("article.member", {},
      h("div.card", {},
        h("div.head", {}, h("span", {}, icon("card"), "GOLDEN VCR VIDEO CLUB"), h("span", {}, isGift ? "GIFT CARD" : "MEMBER")),
        h("div.who", {}, name(username, more), right),
        stamps(Math.max(1, months))),
      message ? h("div.note.paper", {}, typed(message)) : null);
  },

  "gift-sub"({ username, numSubscriptions: gifts, recipients = [] }) {
    const shown = recipients.slice(0, SHELF_NAMES);
    return h("article.gift", {},
      h("div.shelf", {},
        h("div.who", {},
          h("div", {}, name(username), h("p.line", {}, gifts >= MAX_TAPES ? "STOCKS THE WHOLE SHELF" : gifts === 1 ? "LENDS A TAPE" : "STOCKS THE SHELF")),
          h("div.months", {}, h("b", {}, count(gifts)), h("span", {}, gifts === 1 ? "gift sub" : "gift subs"))),
        gifts <= MAX_TAPES ? h("div.tapes", { "aria-hidden": "true" }, ...spines(gifts)) : null,
        h("div.board", { "aria-hidden": "true" })),
      shown.length ? h("p.for", {}, "for ", ...listed(shown, gifts - shown.length)) : null);
  },

  "hype-train"({ level, progress, top }) {
    const share = typeof progress === "number" ? `${Math.floor(progress * 100)} %` : null;
    const first = Math.max(1, level - 2);
    const levels = Array.from({ length: LEVELS }, (_, i) => first + i);
    return h("article.train", {},
      h("p.head", {}, icon("bars"), "HYPE TRAIN"),
      h("div.who", {}, h("h2", {}, `LEVEL ${level}`), share ? h("div.share", {}, h("span", {}, `to level ${level + 1}`), h("b", {}, share)) : null),
      h("div.meter", { "aria-hidden": "true" }, ...levels.map((each) => meterLevel(each, level, progress ?? 1))),
      top ? h("p.top", {}, h("b", {}, top.username), ` shovels most: ${top.what}`) : null);
  },

  "generated-images"({ username, description, urls, number }) {
    const words = [`for ${username}`, number ? `ghost no. ${number}` : null].filter(Boolean).join(" · ");
    return h("article.apparition", {},
      h("div.tube", {}, h("div.glass", {}, h("img", { src: urls[0], alt: `a ghost of ${description}`, referrerpolicy: "no-referrer" }))),
      h("div.label.paper", {}, h("h2", {}, description), h("p", {}, words)));
  },
};

/** The kinds that are drawn here. */
export const kinds = Object.keys(KINDS);

function blueScreen(mark, corner, username, line, ...rest) {
  return h("article.bluescreen", {},
    h("div.screen", {}, h("div.picture", { "aria-hidden": "true" }),
      h("p.osd", {}, h("span", {}, icon(mark[0]), mark[1]), h("span", {}, corner)),
      name(username),
      h("p.line", {}, line),
      ...rest));
}

function name(username, more = 0) {
  const heading = h("h2.name", {}, username);
  if ([...username].length > LONG_NAME) heading.classList.add("long");
  if (more) heading.append(h("small", {}, ` and ${count(more)} more`));
  return heading;
}

function withOthers(more, one, many) {
  return more ? `and ${count(more)} more ${many}` : one;
}

function typed(message) {
  const text = h("p.message", {}, message);
  if ([...message].length > LONG_MESSAGE) text.classList.add("long");
  return text;
}

function stamps(months) {
  const row = months > STAMPS_A_ROW ? 2 * STAMPS_A_ROW : STAMPS_A_ROW;
  const filled = Math.min(months, MAX_STAMPS);
  const holes = Array.from({ length: row }, (_, i) => {
    if (i >= filled) return h("i.empty");
    return h(i === filled - 1 ? "i.stamp.newest" : "i.stamp", {}, ghostIcon());
  });
  return h("div.stamps", { "aria-hidden": "true" }, ...holes);
}

function spines(gifts) {
  return Array.from({ length: gifts }, (_, i) => {
    const spine = h("i.spine");
    spine.style.setProperty("--colour", SPINES[Math.imul(i + 3, 2654435761) >>> 29]);
    spine.style.setProperty("--height", `${91 + (Math.imul(i + 1, 2246822519) >>> 28) / 2}%`);
    if (gifts > 20 && i === 37) spine.classList.add("leaning");
    return spine;
  });
}

function meterLevel(each, level, progress) {
  const lit = each < level ? BARS_A_LEVEL : each === level ? Math.round(progress * BARS_A_LEVEL) : 0;
  const bars = Array.from({ length: BARS_A_LEVEL }, (_, i) => h(i < lit ? "i.lit" : "i"));
  const words = each < level ? `${each} ✓` : each === level ? `${each} ◄ here` : String(each);
  return h(each === level ? "div.here" : each < level ? "div.past" : "div", {}, h("p", {}, ...bars), h("span", {}, words));
}

function listed(names, more) {
  const shown = names.flatMap((each, i) => (i ? [", ", h("b", {}, each)] : [h("b", {}, each)]));
  return more > 0 ? [...shown, ` and ${count(more)} more`] : shown;
}

function recorderTime({ broadcastStartedAt, at = Date.now() }) {
  if (!broadcastStartedAt) return "SP 0:00:00";
  const seconds = Math.max(0, Math.floor((at - Date.parse(broadcastStartedAt)) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  return `SP ${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Say how far a hype train is on its way to the next level, from 0 to 1. */
export function share({ progress, goal }) {
  return goal > 0 ? Math.min(1, progress / goal) : 0;
}

/** Write a number as people read it: 1,200. */
export function count(number) {
  return Number(number).toLocaleString("en");
}
