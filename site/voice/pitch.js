// The arithmetic of chapter pitch: what CREPE's network says becomes a path, and the path a pitch.
import { HANN, HOP, RATE, WINDOW, filtered, mean, median, runs, transform, windowAt } from "./frames.js";

export const LAGS = 400;
const LOWEST = 39, HIGHEST = 248, REACH = 11, BATCH = 32; // bins of CREPE; frames that the network sees at a time
const STEPS = Array.from({ length: 2 * REACH + 1 }, (_, k) => Math.log(REACH + 1 - Math.abs(k - REACH)));
const cents = bin => 20 * bin + 1997.3794084376191; // above 10 Hz

// Products of a signal with itself, up to 25 ms apart.
function correlate(signal) {
  const real = new Float64Array(2 * WINDOW), imaginary = new Float64Array(2 * WINDOW);
  real.set(signal);
  transform(real, imaginary);
  for (let k = 0; k < real.length; k++) real[k] = real[k] ** 2 + imaginary[k] ** 2;
  imaginary.fill(0);
  transform(real, imaginary); // the spectrum is even: there and back are the same but for the length
  return real.slice(0, LAGS).map(value => value / (2 * WINDOW));
}

const OF_WINDOW = correlate(HANN);

// Autocorrelation of a frame, 1 at lag 0, freed of that of the window (Boersma 1993, equation 9).
export function autocorrelation(frame) {
  const middle = mean(frame), products = correlate(frame.map((value, n) => (value - middle) * HANN[n]));
  const most = Math.max(products[0], 1e-20);
  return products.map((value, lag) => value / most / (OF_WINDOW[lag] / OF_WINDOW[0]));
}

// The path through rows of saliences with the greatest sum of salience and step scores.
export function viterbi(salience) {
  const bins = HIGHEST - LOWEST, cameFrom = [];
  let score = Float64Array.from(salience[0]);
  for (let t = 1; t < salience.length; t++) {
    const next = new Float64Array(bins), from = new Int16Array(bins);
    for (let bin = 0; bin < bins; bin++) {
      let best = -Infinity;
      for (let k = Math.max(0, REACH - bin); k <= 2 * REACH && bin + k - REACH < bins; k++) {
        const candidate = score[bin + k - REACH] + STEPS[k];
        if (candidate > best) [best, from[bin]] = [candidate, bin + k - REACH];
      }
      next[bin] = best + salience[t][bin];
    }
    cameFrom[t] = from;
    score = next;
  }
  const path = [score.indexOf(Math.max(...score))];
  for (let t = salience.length - 1; t > 0; t--) path.unshift(cameFrom[t][path[0]]);
  return path;
}

// A pitch measured anew at the autocorrelation's peak next to its period; changed by 20 cents at most.
export function finePitch(frame, pitch) {
  const resemblance = autocorrelation(frame), period = Math.round(RATE / pitch);
  const near = [-2, -1, 0, 1, 2].map(shift => Math.min(Math.max(period + shift, 1), LAGS - 2));
  const peak = near.reduce((best, lag) => (resemblance[lag] > resemblance[best] ? lag : best));
  const [before, top, after] = [-1, 0, 1].map(shift => resemblance[peak + shift]);
  const bend = Math.min(before - 2 * top + after, -1e-9);
  const fine = RATE / (peak + Math.min(Math.max((0.5 * (before - after)) / bend, -1), 1));
  return 1200 * Math.abs(Math.log2(fine / pitch)) <= 20 ? fine : pitch;
}

// Saliences between 50 and 550 Hz, a row per frame; zero in pauses, which never reach the network.
async function saliences(waveform, active, network) {
  const wanted = active.flatMap((speaks, t) => (speaks ? [t] : []));
  const rows = active.map(() => new Float32Array(HIGHEST - LOWEST));
  for (let start = 0; start < wanted.length; start += BATCH) {
    const chosen = wanted.slice(start, start + BATCH), frames = new Float32Array(chosen.length * WINDOW);
    chosen.forEach((t, row) => frames.set(windowAt(waveform, t), row * WINDOW));
    const said = await network(frames, chosen.length, WINDOW), width = said.length / chosen.length;
    chosen.forEach((t, row) => rows[t].set(said.subarray(row * width + LOWEST, row * width + HIGHEST)));
  }
  return rows;
}

// Pitch in Hz, NaN in pauses, and periodicity in 0 … 1.
export async function crepe(waveform, active, network) {
  const salience = await saliences(waveform, active, network), last = HIGHEST - LOWEST - 1;
  const path = viterbi(salience);
  const pitch = path.map((bin, t) => {
    if (!active[t]) return NaN;
    let sum = 0, weight = 0;
    for (let shift = -4; shift <= 4; shift++) {
      const near = Math.min(Math.max(bin + shift, 0), last);
      sum += salience[t][near] * cents(near + LOWEST);
      weight += salience[t][near];
    }
    return finePitch(windowAt(waveform, t), 10 * 2 ** (sum / Math.max(weight, 1e-9) / 1200));
  });
  return { pitch, periodicity: path.map((bin, t) => salience[t][bin]) };
}

// Active frames of periodic sound, in stretches of at least three.
export function voicedFrames(periodicity, active) {
  const smooth = filtered(periodicity, median), voiced = active.map((speaks, t) => speaks && smooth[t] >= 0.5);
  for (const [start, end] of runs(voiced)) if (end - start < 3) voiced.fill(false, start, end);
  return voiced;
}

export const secondsOf = frames => (frames * HOP) / RATE;
