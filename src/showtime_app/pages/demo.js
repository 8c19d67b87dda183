/** One of each kind, made up: for a look at the overlay without a show, and for the pictures in the docs. */

const PICTURE = "pages/demo-ghost.svg";

export const examples = [
  { type: "follow", data: { username: "VHSVera" } },
  { type: "cheer", data: { username: "LateFeeLarry", numBits: 200, message: "Keep the change. I owe you for the copy of “Knitting with Power Tools” anyway." } },
  { type: "cheer", data: { username: "TrackingTom", numBits: 30, message: "", powerUp: true } },
  { type: "subscribe", data: { username: "RewindRita", isGift: false, numCumulativeMonths: 14, message: "Still here, still rewinding, still not sorry." } },
  { type: "subscribe", data: { username: "NoRefundsNora", isGift: false, numCumulativeMonths: 1, message: "" } },
  { type: "gift-sub", data: { username: "PublicAccessPete", numSubscriptions: 50 } },
  { type: "raid", data: { username: "BetaMaxine", numViewers: 80 } },
  { type: "hype-train", data: { level: 3 } },
  { type: "watch-streak", data: { username: "RewindRita", numConsecutiveStreams: 5, message: "" } },
  { type: "generated-images", data: { username: "VHSVera", description: "a walrus who never rewinds", urls: [PICTURE] } },
];

export const tape = { tapeId: 31, title: "Lake Tahoe & You", about: "1991 · 44 min · T-120 SP" };

/** A train that has 161 seconds left. */
export const train = () => ({ hypeTrain: { level: 3, progress: 620, goal: 1000, expiresAt: new Date(Date.now() + 161_000).toISOString() } });

/** How long the show has been on the air, in milliseconds. */
export const AIR_TIME = 8_047_000;

export const chat = [
  { id: "1", username: "BetaMaxine", color: "#7fd8ff", text: "is that the real Lake Tahoe or the one from the brochure", emotes: [] },
  { id: "2", username: "LateFeeLarry", color: "#c8d89a", text: "the music", emotes: [] },
  { id: "3", username: "RewindRita", color: "#f0a6d8", text: "adjusts the tracking with great care", emotes: [] },
  { id: "4", username: "PublicAccessPete", color: "#ffd6aa", text: "@RewindRita it is in the manual, page 4: “hit it”", emotes: [] },
  { id: "5", username: "VHSVera", color: "#cebeff", text: "I rented this in 1992. I still have it. Please don’t tell them", emotes: [] },
];
