/** The night as it goes on: its timeline where there is room, and its summary to copy. */

import { drawTimeline } from "../timeline.js";
import { address, serverNow, tell } from "./api.js";
import { copy, duration, key, paint, plural } from "./draw.js";

let drawn = null;
const $ = (id) => document.getElementById(id);

/** Draw the timeline, and what is above it. */
export function drawNight({ channel, timeline, totals }) {
  const isLive = Boolean(channel?.isLive);
  paint($("tonight-tools"), isLive, () => (isLive ? key("summary", "", copySummary, { mark: "copy", style: "hand", label: "Copy the summary of the night" }) : []));
  $("timeline").hidden = !isLive || !timeline;
  if ($("timeline").hidden) return;
  const sums = totals && [totals.follows && plural(totals.follows, "follow"), totals.bits && plural(totals.bits, "bit"), totals.ghosts && plural(totals.ghosts, "ghost")];
  const day = new Date(timeline.startedAt).toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long" });
  $("night-about").textContent = [day, ...(sums ?? [])].filter(Boolean).join(", ");
  const { screeningTapeId: tape, screeningStartedAt: since } = channel;
  $("night-tape").textContent = tape === undefined ? "" : `Tape ${tape}, ${duration((serverNow() - Date.parse(since)) / 1000, true)}`;
  if (drawn !== timeline) drawTimeline($("night-line"), timeline);
  drawn = timeline;
}

function copySummary(element) {
  return copy(element, readSummary());
}

async function readSummary() {
  const response = await fetch(address("admin/nights/live/summary"), { cache: "no-store" }).catch(() => null);
  if (response?.ok) return response.text();
  tell("The summary did not come, and nothing was copied. Try again in a moment.");
  throw new Error("no summary");
}
