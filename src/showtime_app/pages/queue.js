/**
 * Takes what is to be played from the queue, reports that it is painted, and acknowledges it afterwards.
 *
 * Frames are counted, for a source that OBS hides is not painted, and nobody tells it. What was played is
 * acknowledged before anything else is asked for: an answer may be lost, an acknowledgement may come late.
 */

const REPORT = 400;
const SECOND = 1000;

/** Play the queue for as long as the page lives. `play(item, elapsed)` gives what is painted: `finished`, `stop()`. */
export class Queue {
  #post;
  #play;
  #wake = () => {};
  #endedAt = -Infinity;

  constructor(secret, play) {
    const overlay = identity();
    let frames = 0;
    const paint = () => { frames += 1; requestAnimationFrame(paint); };
    requestAnimationFrame(paint);
    this.#play = play;
    this.#post = (path) => fetch(`show/${path}`, {
      method: "POST", cache: "no-store", signal: AbortSignal.timeout(4000),
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      body: JSON.stringify({ overlay, frames }),
    });
  }

  /** Ask again at once: something has changed. */
  wake() {
    this.#wake();
  }

  /** Take and play, until the secret is refused; gives the words of the refusal. */
  async run() {
    let mirrored = null;
    for (;;) {
      const answer = await this.#ask("next");
      if (answer?.refused) return answer.refused;
      const item = answer?.playing ?? null;
      if (mirrored && mirrored.showing !== (item?.showing ?? null)) mirrored = mirrored.painted.stop();
      if (item && answer.role === "leader") {
        await this.#perform(item);
        continue;
      }
      if (item && !mirrored) mirrored = { showing: item.showing, painted: this.#paint(item, answer.elapsedSeconds * SECOND) };
      await this.#pause(answer ? Math.min(REPORT, answer.waitSeconds * SECOND || REPORT) : REPORT);
    }
  }

  async #perform(item) {
    const calm = Math.max(0, this.#endedAt + SECOND - performance.now());
    let painted = null;
    let over = false;
    const played = after(calm).then(() => {
      if (over) return;
      painted = this.#paint(item, 0);
      return painted.finished;
    }).then(() => "played");
    while (!over && (await Promise.race([played, after(REPORT)])) !== "played") {
      const answer = await this.#ask(`${item.showing}/alive`);
      over = Boolean(answer?.refused);
    }
    while (!over) {
      const answer = await this.#ask(`${item.showing}/done`);
      if (answer) break;
      await after(REPORT);
    }
    over = true;
    painted?.stop();
    this.#endedAt = performance.now();
  }

  /** Paint an item; one that cannot be painted holds up no other. */
  #paint(item, elapsed) {
    try {
      return this.#play(item, elapsed);
    } catch (error) {
      console.error(error);
      return { finished: after(item.seconds * SECOND - elapsed), stop: () => null };
    }
  }

  /** Give the answer, `refused` with its words for what will not be otherwise, or null where none came. */
  async #ask(path) {
    try {
      const response = await this.#post(path);
      if (response.ok) return response.status === 204 ? {} : await response.json();
      if (response.status >= 400 && response.status < 500 && response.status !== 429) return { refused: await response.text() };
    } catch {
      // It is asked again: what is painted meanwhile goes on.
    }
    return null;
  }

  #pause(milliseconds) {
    return Promise.race([after(milliseconds), new Promise((wake) => { this.#wake = wake; })]);
  }
}

function after(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

function identity() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
