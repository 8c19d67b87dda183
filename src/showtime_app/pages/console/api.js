/** Asks the routes, and says in words what they refuse. */

const AGAIN = 2000;
const here = document.body.dataset.here;
const heard = { skew: 0, left: null, tell: () => {} };

/** Say where notices go, and what to do when nobody is signed in any more. */
export function onTrouble({ tell, left }) {
  heard.tell = tell;
  heard.left = left;
}

/** Say something that went wrong. */
export function tell(words) {
  heard.tell(words);
}

export function address(path) {
  return `${here}${path}`;
}

/** The server's time now, in milliseconds: this machine's, unless the two are seconds apart. */
export function serverNow() {
  return Date.now() + heard.skew;
}

/** Ask a route; gives what it answers, `{}` for nothing, or null after a refusal, which was told. */
export async function ask(method, path, body, { quiet = false } = {}) {
  try {
    const response = await fetch(address(path), {
      method, cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(15_000),
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    noteTime(response.headers.get("date"));
    if (response.ok) return response.status === 204 || response.status === 202 ? {} : await response.json();
    const problem = await response.json().catch(() => ({ detail: `showtime answered ${response.status}` }));
    if (response.status === 401 && !path.startsWith("session")) heard.left?.();
    else if (!quiet) heard.tell(problem.detail);
  } catch {
    if (!quiet) heard.tell("showtime does not answer. Nothing was changed, as far as is known. Try again in a moment.");
  }
  return null;
}

/** Read what a place behind the menu shows: again until it is there, or nobody looks any more. */
export async function readFor(view, path) {
  for (;;) {
    const found = await read(path);
    if (found || !view.isConnected) return found;
    await new Promise((after) => setTimeout(after, AGAIN));
  }
}

/**
 * Make of what reads one that never reads twice at once: whoever calls while it reads gets what is read after, for
 * what is being read may be older than the call; and no older answer comes after a newer one.
 */
export function oneAtATime(look) {
  let now = null;
  let next = null;
  return function again() {
    if (now) return (next ??= now.then(() => { next = null; return again(); }));
    now = look().finally(() => { now = null; });
    return now;
  };
}

export const read = (path) => ask("GET", path, undefined, { quiet: true });

/** Do what a key asks for; it looks pressed until there is an answer, and nothing else changes before. */
export async function command(element, method, path, body) {
  element.setAttribute("aria-busy", "true");
  try {
    return await ask(method, path, body);
  } finally {
    element.removeAttribute("aria-busy");
  }
}

function noteTime(text) {
  const skew = text ? Date.parse(text) + 500 - Date.now() : 0;
  heard.skew = Math.abs(skew) > 2000 ? skew : 0;
}
