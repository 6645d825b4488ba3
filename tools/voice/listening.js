// When somebody speaks, as silero-vad hears it (chapter 02f): what it makes of 32 ms alone, and its memory.
import { FIELD, HOP, WINDOW, frameCount, mean } from "./frames.js";

const CHUNK = 512, BEFORE = 64, CONTEXT = 35 * CHUNK, PIECE = 4000 * CHUNK; // samples
const SUREST = 25; // frames of which it has to be sure

// Probability of speech in each chunk of a sound; its end is filled up with zeros.
function probabilities(sound, network) {
  const count = Math.ceil(sound.length / CHUNK), width = BEFORE + CHUNK, chunks = new Float32Array(count * width);
  for (let k = 0; k < count; k++) {
    const first = k * CHUNK - BEFORE, missing = Math.max(0, -first);
    chunks.set(sound.subarray(first + missing, first + width), k * width + missing);
  }
  return network(chunks, count, width);
}

// Probability of speech in each frame, 128 s at a time.
export async function voice(waveform, network) {
  const padded = new Float32Array(CONTEXT + waveform.length), found = [];
  padded.set(waveform, CONTEXT);
  for (let start = 0, last = false; !last; start += PIECE) {
    last = padded.length - start < CONTEXT + PIECE + WINDOW;
    const piece = padded.subarray(start, last ? padded.length : start + CONTEXT + PIECE + WINDOW);
    const said = (await probabilities(piece, network)).subarray(CONTEXT / CHUNK);
    const frames = Math.min(PIECE / HOP, Math.max(0, frameCount(piece.length) - CONTEXT / HOP));
    for (let t = 0; t < frames; t++) found.push(said[Math.floor((HOP * t + FIELD / 2) / CHUNK)]);
  }
  return found;
}

// How much it sounds as if somebody speaks, 0 … 1.
export async function speechSign(waveform, network) {
  const said = (await voice(waveform, network)).sort((a, b) => b - a);
  return mean(said.slice(0, Math.min(SUREST, Math.max(1, said.length >> 1))));
}
