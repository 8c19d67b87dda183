/** A short sound for each kind, made up here; off unless the page is told otherwise. */

const LOUDNESS = 0.12;

/** Of each kind: its notes, as [hertz, when it begins, how long it lasts, the form of its wave]. */
const NOTES = {
  follow: [[988, 0, 0.5, "sine"], [784, 0.22, 0.7, "sine"]],
  cheer: [[1568, 0, 0.09, "square"], [2093, 0.09, 0.5, "triangle"]],
  "power-up": [[523, 0, 0.1, "square"], [784, 0.1, 0.1, "square"], [1047, 0.2, 0.25, "square"]],
  subscribe: [[196, 0, 0.09, "triangle"], [131, 0.08, 0.3, "triangle"]],
  "gift-sub": [[220, 0, 0.06, "square"], [175, 0.12, 0.06, "square"], [147, 0.24, 0.2, "triangle"]],
  raid: [[440, 0, 0.1, "sawtooth"], [587, 0.14, 0.1, "sawtooth"], [880, 0.28, 0.4, "sine"]],
  "hype-train": [[110, 0, 0.8, "sawtooth"], [123, 0.25, 0.8, "sawtooth"]],
  "watch-streak": [[659, 0, 0.3, "sine"], [880, 0.15, 0.4, "sine"]],
  "generated-images": [[60, 0, 1.1, "sine"], [120, 0, 1.1, "sine"], [1900, 0.1, 0.9, "sine"]],
};

let context = null;

/** Play the sound of a kind; a kind that has none is silent. */
export function play(kind) {
  context ??= new AudioContext();
  for (const [hertz, begins, lasts, type] of NOTES[kind] ?? []) {
    const at = context.currentTime + begins;
    const wave = new OscillatorNode(context, { type, frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.01);
    volume.gain.setTargetAtTime(0, at + lasts * 0.4, lasts * 0.2);
    wave.connect(volume).connect(context.destination);
    wave.start(at);
    wave.stop(at + lasts + 0.3);
  }
}
