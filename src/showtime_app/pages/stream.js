/**
 * Server-sent events with names, read with `fetch`: a refusal has its status, a 502 is not the end, silence is
 * noticed, and no connection of the browser's few for streams is held.
 */

const SILENCE = 40_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;

/**
 * Follow a stream until its bearer is refused, or until `signal` says so.
 *
 * `secret` null: the browser has a session. `take(event, data)` is given each event; `tell(trouble)` null or, in
 * words, why nothing comes.
 */
export async function follow(url, secret, take, tell, signal = new AbortController().signal) {
  let lastId = "";
  let wait = FIRST_WAIT;
  while (!signal.aborted) {
    const attempt = new AbortController();
    try {
      const headers = { Accept: "text/event-stream", ...(secret ? { Authorization: `Bearer ${secret}` } : {}) };
      if (lastId) headers["Last-Event-ID"] = lastId;
      const response = await fetch(url, { headers, signal: AbortSignal.any([attempt.signal, signal]), cache: "no-store" });
      if (response.status >= 400 && response.status < 500 && response.status !== 429) {
        tell(`${response.status}: ${await response.text()}`);
        return;
      }
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      wait = FIRST_WAIT;
      tell(null);
      for await (const { event, id, data } of events(response.body, attempt)) {
        if (id !== null) lastId = id;
        if (data !== null) take(event, JSON.parse(data));
      }
    } catch (error) {
      if (!signal.aborted) tell(`showtime does not answer (${error.message}): trying again`);
    } finally {
      attempt.abort();
    }
    await new Promise((after) => setTimeout(after, wait));
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }
}

async function* events(body, attempt) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const alarm = setTimeout(() => attempt.abort(new Error("nothing was heard for a while")), SILENCE);
    const { value, done } = await reader.read().finally(() => clearTimeout(alarm));
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    yield* blocks.map(read);
  }
}

function read(block) {
  const found = { event: "message", id: null, data: null };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const [field, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    if (field === "data") found.data = found.data === null ? value : `${found.data}\n${value}`;
    else if (field === "event" || field === "id") found[field] = value;
  }
  return found;
}
