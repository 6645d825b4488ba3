// The arithmetic of chapter prosody, utterance by utterance: tracks on the grid of frames, and one vector made of them.
import {
  HOP, RATE, activeFrames, average, deviation, filtered, frameCount, levelOf, mean, median, percentiles, powerSpectrum,
  runs, windowAt,
} from "./frames.js";
import { crepe, voicedFrames } from "./pitch.js";
import { flux, spectralShape, voice } from "./timbre.js";

const BALANCE = 12, VOICE = 11; // numbers of a frame: its change and shape; the quality of a voice
const SECOND = RATE / HOP; // frames
const finite = values => Array.from(values).filter(Number.isFinite);
const meanAndStd = values => [mean(finite(values)), deviation(finite(values))];
const differences = values => Array.from(values.slice(1), (value, t) => value - values[t]);

// All tracks of a waveform; `network` is CREPE's.
export async function tracks(waveform, network) {
  const count = frameCount(waveform.length);
  const spectra = Array.from({ length: count }, (_, t) => powerSpectrum(windowAt(waveform, t)));
  const level = Float64Array.from(spectra, levelOf), active = activeFrames(level);
  const { pitch, periodicity } = await crepe(waveform, active, network);
  const voiced = voicedFrames(periodicity, active);
  const balance = spectra.map((power, t) => [t ? flux(power, spectra[t - 1]) : 0, ...spectralShape(power)]);
  const quality = spectra.map((power, t) =>
    (voiced[t] ? voice(windowAt(waveform, t), power, pitch[t]) : Array(VOICE).fill(NaN)));
  const heard = pitch.map((hertz, t) => (voiced[t] ? hertz : NaN));
  return { pitch: heard, periodicity, level, active, voiced, balance, quality };
}

// Where a track lies and how widely: mean, deviation, percentiles 20, 50 and 80, range.
function levels(values) {
  const there = finite(values);
  const [low, middle, high] = there.length ? percentiles(there, [20, 50, 80]) : [NaN, NaN, NaN];
  return [...meanAndStd(there), low, middle, high, high - low];
}

// How fast it rises where it rises, and falls where it falls, per second.
function changes(values) {
  const slopes = differences(values).map(step => step * SECOND);
  return [...meanAndStd(slopes.filter(one => one > 0)), ...meanAndStd(slopes.filter(one => one < 0).map(one => -one))];
}

// How much it trembles.
const roughness = values => Math.log(meanAndStd(differences(differences(values)).map(Math.abs))[0] + 0.001);

// Pitch in semitones, freed of single outliers within each voiced stretch.
function contour(pitch) {
  const tones = pitch.map(hertz => 12 * Math.log2(hertz / 27.5));
  for (const [start, end] of runs(pitch.map(Number.isFinite))) {
    filtered(tones.slice(start, end), median).forEach((tone, t) => { tones[start + t] = tone; });
  }
  return tones;
}

const columns = (rows, count) => Array.from({ length: count }, (_, k) => meanAndStd(rows.map(row => row[k]))[0]);

// Peaks per second, stretches per second, how long they last, shares, logarithm of seconds.
function rhythm(level, active, voiced) {
  const smooth = filtered(level, average), seconds = level.length / SECOND;
  const peaks = active.filter((speaks, t) => speaks && t > 0 && t < level.length - 1
    && smooth[t] > smooth[t - 1] && smooth[t] >= smooth[t + 1]).length;
  const lengths = mask => runs(mask).map(([start, end]) => (end - start) / SECOND);
  const own = lengths(voiced), others = lengths(voiced.map(one => !one));
  const lasting = [...meanAndStd(own), ...meanAndStd(others)];
  const shares = [mean(voiced.map(Number)), 1 - mean(active.map(Number))];
  return [peaks / seconds, own.length / seconds, ...lasting, ...shares, Math.log(seconds)];
}

// The 63 functionals of an utterance's tracks, from its first active frame to its last.
export function functionals(all) {
  const first = all.active.indexOf(true), end = all.active.lastIndexOf(true) + 1;
  const [pitch, level, active, voiced, balance, quality] = ["pitch", "level", "active", "voiced", "balance", "quality"]
    .map(name => all[name].slice(first, end));
  const tones = contour(pitch), loud = levels(level.filter((_, t) => active[t])), smooth = filtered(level, average);
  return [
    ...levels(tones), ...changes(tones), roughness(tones),
    loud[1], loud[3], loud[5], ...changes(smooth.map((value, t) => (active[t] ? value : NaN))),
    roughness(level.map((value, t) => (voiced[t] ? value : NaN))),
    ...columns(balance.filter((_, t) => voiced[t]), BALANCE),
    ...columns(balance.filter((_, t) => active[t] && !voiced[t]), BALANCE),
    ...columns(quality, VOICE), ...rhythm(level, active, voiced),
  ];
}
