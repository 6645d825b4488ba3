// When somebody speaks, as silero-vad hears it (chapter speech): what it makes of 32 ms alone, and its memory.
import { FIELD, HOP, frameCount, mean } from "./frames.js";

const CHUNK = 512, BEFORE = 64, CONTEXT = 35 * CHUNK, LANE = 250 * CHUNK; // samples
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

// Probability of speech in each frame. Every 8 s the memory begins anew, and hears the 1.12 s before.
export async function voice(waveform, network) {
  const padded = new Float32Array(CONTEXT + waveform.length), said = [];
  padded.set(waveform, CONTEXT);
  for (let start = 0; start < waveform.length; start += LANE) {
    const lane = await probabilities(padded.subarray(start, start + CONTEXT + LANE), network);
    said.push(...lane.subarray(CONTEXT / CHUNK));
  }
  const chunk = (_, t) => said[Math.floor((HOP * t + FIELD / 2) / CHUNK)];
  return Array.from({ length: frameCount(waveform.length) }, chunk);
}

// How much it sounds as if somebody speaks, 0 … 1.
export async function speechSign(waveform, network) {
  const said = (await voice(waveform, network)).sort((a, b) => b - a);
  return mean(said.slice(0, Math.min(SUREST, Math.max(1, said.length >> 1))));
}
