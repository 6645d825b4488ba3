// The ready model of chapter recogniser in a browser: its networks run by ONNX Runtime,
// its answers as `sere_nb` gives them.
import { FIELD, HOP, RATE, SILENCE, loudness, total } from "./frames.js";
import { speechSign, voice } from "./listening.js";
import { functionals, tracks } from "./prosody.js";
import { LONGEST, SHORTEST, doubts, stretches } from "./sound.js";

export const NO_SPEECH = "no speech";
const COUNT = 8; // moments of an answer

// The model, with all that it needs from the folder of this file: some twenty megabytes, once.
export async function loaded(folder, told = () => {}) {
  told("Loading the runtime …");
  const runtime = await import(`${folder}ort/ort.wasm.bundle.min.mjs`);
  Object.assign(runtime.env.wasm, { numThreads: 1, wasmPaths: { wasm: `${folder}ort/ort-wasm-simd-threaded.wasm` } });
  const fetched = async name => {
    const answer = await fetch(folder + name);
    if (!answer.ok) throw new Error(`${name} is not beside this page`);
    return answer;
  };
  const session = async name => {
    told(`Loading ${name} …`);
    const bytes = new Uint8Array(await (await fetched(name)).arrayBuffer());
    return runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  };
  const network = (one, input, output) => async (values, ...shape) =>
    (await one.run({ [input]: new runtime.Tensor("float32", values, shape) }))[output].data;
  return {
    head: await (await fetched("head.json")).json(),
    encode: network(await session("encoder.onnx"), "waveform", "frames"),
    salience: network(await session("pitch.onnx"), "frames", "salience"),
    listen: network(await session("listener.onnx"), "chunks", "said"),
  };
}

const softmax = row => {
  const raised = row.map(value => Math.exp(value - Math.max(...row))), sum = total(raised);
  return raised.map(value => value / sum);
};

// Probabilities of a raw vector; what is missing counts as usual.
export function probabilities(head, vector) {
  const normal = vector.map((value, k) => (Number.isFinite(value) ? (value - head.mean[k]) / head.spread[k] : 0));
  return softmax(head.weights.map((row, c) => head.bias[c] + total(row.map((weight, k) => weight * normal[k]))));
}

// An utterance as moments: stretches of equal active time, each with the mean of its frames.
export function moments(frames, active, count = COUNT) {
  const width = frames.length / active.length, spoken = active.flatMap((speaks, t) => (speaks ? [t] : []));
  const pieces = Array.from({ length: count }, () => []);
  spoken.forEach((t, k) => pieces[Math.floor((k * count) / spoken.length)].push(t));
  return pieces.filter(piece => piece.length).map(piece => {
    const vector = new Float64Array(width);
    for (const t of piece) for (let d = 0; d < width; d++) vector[d] += frames[t * width + d] / piece.length;
    const [from, to] = [piece[0], piece.at(-1)].map(t => (t * HOP + FIELD / 2) / RATE);
    return { from: from - 0.01, to: to + 0.01, weight: piece.length / spoken.length, vector };
  });
}

const pooled = parts => {
  const weight = total(parts.map(part => part.weight));
  return Array.from(parts[0].vector, (_, d) => total(parts.map(part => part.weight * part.vector[d])) / weight);
};

// How much less likely the winner were without each moment, log odds.
export function evidence(head, parts, prosody) {
  const odds = chances => chances.map(p => Math.log(Math.max(p, 1e-12)) - Math.log1p(-Math.min(p, 1 - 1e-12)));
  const said = some => odds(probabilities(head, [...pooled(some), ...prosody]));
  const whole = said(parts), winner = whole.indexOf(Math.max(...whole));
  return parts.map((_, m) => (parts.length > 1 ? whole[winner] - said(parts.filter((_, k) => k !== m))[winner] : 0));
}

// The answer to one stretch of sound, 16 kHz.
export async function answered(model, waveform) {
  const { head, encode, salience } = model;
  const all = await tracks(waveform, salience), prosody = functionals(all);
  const parts = moments(await encode(waveform, 1, waveform.length), all.active);
  const chances = probabilities(head, [...pooled(parts), ...prosody]);
  const confidence = Math.max(...chances), decided = evidence(head, parts, prosody);
  const unsure = confidence < head.unsure ? [`unsure: below ${Math.round(100 * head.unsure)}%`] : [];
  return {
    emotion: head.classes[chances.indexOf(confidence)], confidence, probabilities: chances, prosody,
    moments: parts.map(({ from, to, weight }, m) => ({ from, to, weight, evidence: decided[m] })),
    doubt: [...unsure, ...doubts(waveform)].join("; "),
  };
}

// When somebody speaks: all of a short recording, the stretches of a long one, nothing in silence.
export async function heard(model, waveform) {
  const seconds = waveform.length / RATE;
  if (seconds < SHORTEST) throw new Error(`No speech: ${Math.round(1000 * seconds)} ms are too short.`);
  const level = loudness(waveform);
  if (!level.some(value => value > SILENCE)) throw new Error(`No speech: nothing in it is louder than ${SILENCE} dB.`);
  if (seconds <= LONGEST) return [[0, seconds]];
  const spoken = await voice(waveform, model.listen);
  const parts = stretches(spoken.map(probability => probability > 0.5), level);
  if (!parts.length) throw new Error(`No speech in ${seconds.toFixed(0)} s.`);
  return parts;
}

// The answer to one stretch, if it is speech.
export async function asked(model, waveform) {
  const sign = await speechSign(waveform, model.listen);
  if (sign >= model.head.spoken) return { ...await answered(model, waveform), sign };
  return { emotion: NO_SPEECH, confidence: 0, probabilities: [], moments: [], doubt: "", sign };
}

// Answers to all stretches, one after the other; the page may draw in between.
export async function* answers(model, waveform) {
  const parts = await heard(model, waveform);
  for (const [number, [start, end]] of parts.entries()) {
    await new Promise(resolve => { setTimeout(resolve); });
    const piece = waveform.slice(Math.round(start * RATE), Math.round(end * RATE));
    yield { ...await asked(model, piece), start, end, number, count: parts.length };
  }
}
