// From a file or a microphone to 16 kHz, and from a long recording to its stretches of speech (chapters audio, speech).
import { FREQUENCIES, HOP, RATE, decibel, frameCount, powerSpectrum, runs, total, windowAt } from "./frames.js";

const SECOND = RATE / HOP; // frames
const NARROW = -50; // dB
const QUIET = -55; // dB
export const SHORTEST = 0.05, PAUSE = 0.8, LEAST = 0.2, LONGEST = 15, AROUND = 0.1; // seconds

// Samples per second that a file says it has; a browser would change them unasked.
export function rateOf(bytes) {
  const view = new DataView(bytes), text = new TextDecoder("latin1").decode(bytes.slice(0, 4096));
  if (text.startsWith("RIFF")) return view.getUint32(text.indexOf("fmt ") + 12, true);
  if (text.startsWith("fLaC")) return view.getUint32(18) >>> 12;
  const vorbis = text.indexOf("\x01vorbis");
  return vorbis > 0 ? view.getUint32(vorbis + 12, true) : 48000;
}

// The waveform of a file at 16 kHz, the mean of its channels.
export async function decoded(bytes) {
  const rate = rateOf(bytes), known = rate >= 8000 && rate <= 192000 && RATE / divisor(rate, RATE) <= 640;
  const context = new OfflineAudioContext(1, 1, known ? rate : 48000);
  const sound = await context.decodeAudioData(bytes), mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((value, n) => { mono[n] += value / sound.numberOfChannels; });
  }
  return resampled(mono, sound.sampleRate);
}

const divisor = (a, b) => (b ? divisor(b, a % b) : a);
const bessel = x => {
  let term = 1, sum = 1;
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
};

// A waveform at 16 kHz: sums of sines over arguments, windowed by Kaiser, flat up to nine tenths of the band.
export function resampled(waveform, rate) {
  if (rate === RATE) return waveform;
  const up = RATE / divisor(rate, RATE), down = rate / divisor(rate, RATE);
  const lower = Math.min(1, RATE / rate), cutoff = 0.957 * lower, reach = Math.ceil(90 / lower), edge = bessel(12);
  const kernel = x => {
    const place = x / reach, wave = Math.PI * cutoff * x;
    const window = Math.abs(place) < 1 ? bessel(12 * Math.sqrt(1 - place ** 2)) / edge : 0;
    return window * cutoff * (x ? Math.sin(wave) / wave : 1);
  };
  const phases = new Map(), result = new Float32Array(Math.round((waveform.length * up) / down));
  for (let n = 0; n < result.length; n++) {
    const centre = Math.floor((n * down) / up), phase = (n * down) % up;
    if (!phases.has(phase)) {
      phases.set(phase, Float64Array.from({ length: 2 * reach + 1 }, (_, k) => kernel(k - reach - phase / up)));
    }
    const taps = phases.get(phase), first = centre - reach;
    let sum = 0;
    for (let k = Math.max(0, -first); k < taps.length && first + k < waveform.length; k++) {
      sum += taps[k] * waveform[first + k];
    }
    result[n] = Math.min(Math.max(sum, -1), 1);
  }
  return result;
}

// A run that is too long, cut where it is softest for a fifth of a second.
function halved(first, end, level) {
  const parts = [];
  while (end - first > LONGEST * SECOND) {
    const low = first + 5 * SECOND, high = Math.min(first + LONGEST * SECOND, end - 2 * SECOND);
    const softness = Array.from({ length: high - low }, (_, k) => total(level.slice(low + k - 5, low + k + 5)));
    const cut = low + softness.indexOf(Math.min(...softness));
    parts.push([first, cut]);
    first = cut;
  }
  return [...parts, [first, end]];
}

// [start, end] in seconds of what is said without a long pause, each with a little silence around it.
export function stretches(active, level) {
  const joined = [];
  for (const [first, end] of runs(active)) {
    if (joined.length && first - joined.at(-1)[1] < PAUSE * SECOND) joined.at(-1)[1] = end;
    else joined.push([first, end]);
  }
  const spoken = joined.filter(([first, end]) => active.slice(first, end).filter(Boolean).length >= LEAST * SECOND);
  const cut = spoken.flatMap(run => halved(...run, level)).map(run => run.map(frame => frame / SECOND));
  return cut.map(([start, end], k) => [
    Math.max(start - AROUND, k ? (cut[k - 1][1] + start) / 2 : 0),
    Math.min(end + AROUND, k < cut.length - 1 ? (end + cut[k + 1][0]) / 2 : active.length / SECOND)]);
}

// What makes a waveform doubtful: clipping, a band as narrow as a telephone's, and a very low level.
export function doubts(waveform) {
  const peak = waveform.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const flat = waveform.filter(value => Math.abs(value) >= 0.999 * peak).length / waveform.length;
  const clipped = peak > 0.99 && flat > 0.01;
  const narrow = highBand(waveform) < NARROW, level = loudest(waveform);
  return [
    ...(clipped ? [`clipped: ${(100 * flat).toFixed(1)}% of the samples are at the maximum`] : []),
    ...(narrow ? ["telephone band: nothing above 4 kHz"] : []),
    ...(level < QUIET ? [`very quiet: nothing above ${level.toFixed(0)} dB`] : [])];
}

// Power of the loudest 64 ms, dB relative to full scale.
function loudest(waveform) {
  const size = Math.min(1024, waveform.length);
  let energy = 0, most = 0;
  waveform.forEach((value, k) => {
    energy += value * value - (k < size ? 0 : waveform[k - size] ** 2);
    if (k >= size - 1) most = Math.max(most, energy);
  });
  return 10 * Math.log10(Math.max(most / size, 1e-12));
}

function highBand(waveform) {
  const spectra = Array.from({ length: frameCount(waveform.length) }, (_, t) => powerSpectrum(windowAt(waveform, t)));
  const sums = spectra.map(total), count = Math.max(1, Math.floor(spectra.length / 10));
  const loudest = sums.map((_, t) => t).sort((a, b) => sums[b] - sums[a]).slice(0, count);
  const band = (low, high) => total(loudest.map(t =>
    total(spectra[t].filter((_, bin) => FREQUENCIES[bin] > low && FREQUENCIES[bin] < high))));
  return decibel(band(4200, 7500) / Math.max(band(300, 3400), 1e-20));
}
