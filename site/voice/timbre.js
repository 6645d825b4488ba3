// The arithmetic of chapter prosody, frame by frame: shape of the spectrum, its change, and the quality of a voice.
import { BINS, FREQUENCIES, RATE, WINDOW, decibel, mean, total } from "./frames.js";
import { LAGS, autocorrelation } from "./pitch.js";

// Bins from one frequency up to below another.
const between = (low, high) => [low, high].map(edge => {
  const bin = FREQUENCIES.findIndex(frequency => frequency >= edge);
  return bin < 0 ? BINS : bin;
});

// Mel filters as librosa makes them: straight to 1 kHz, logarithmic above; triangles of equal area.
const toHz = mel => (mel < 15 ? (mel * 200) / 3 : 1000 * Math.exp(((mel - 15) * Math.log(6.4)) / 27));
const HIGHEST_MEL = 15 + (27 * Math.log(RATE / 2 / 1000)) / Math.log(6.4);
const EDGES = Array.from({ length: 28 }, (_, k) => toHz((HIGHEST_MEL * k) / 27));
const MEL = Array.from({ length: 26 }, (_, k) => FREQUENCIES.map(frequency => {
  const rise = (frequency - EDGES[k]) / (EDGES[k + 1] - EDGES[k]);
  const fall = (EDGES[k + 2] - frequency) / (EDGES[k + 2] - EDGES[k + 1]);
  return (2 * Math.max(0, Math.min(rise, fall))) / (EDGES[k + 2] - EDGES[k]);
}));

const product = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

// Slope of the straight line through levels between two frequencies, dB per kHz.
function slope(level, low, high) {
  const [first, end] = between(low, high), band = FREQUENCIES.slice(first, end), middle = mean(band);
  const centred = band.map(frequency => (frequency - middle) / 1000);
  return product(level.subarray(first, end), centred) / product(centred, centred);
}

// Cepstral coefficients 1 to 4.
function cepstrum(share) {
  const levels = MEL.map(filter => decibel(product(share, filter), 1e-10)), count = levels.length;
  return [1, 2, 3, 4].map(k => Math.sqrt(2 / count) * total(levels.map((value, n) =>
    value * Math.cos((Math.PI * k * (2 * n + 1)) / (2 * count)))));
}

const BANDS = { low: [50, 1000], high: [1000, 5000], first: [0, 2000], second: [2000, 5000] };

// The eleven numbers of `SPECTRAL`, whatever the gain.
export function spectralShape(power) {
  const sum = total(power), share = power.map(value => (sum > 1e-14 ? value / sum : 1 / BINS));
  const level = share.map(value => decibel(value, 1e-10));
  const inside = (values, band) => values.subarray(...between(...BANDS[band]));
  const [low, high] = ["low", "high"].map(band => decibel(total(inside(share, band))));
  const [first, second] = ["first", "second"].map(band => Math.max(...inside(level, band)));
  const centroid = product(share.subarray(1), FREQUENCIES.slice(1).map(Math.log2));
  const slopes = [slope(level, 0, 500), slope(level, 500, 1500), slope(level, 1500, 5000)];
  return [centroid, mean(level), ...slopes, high - low, first - second, ...cepstrum(share)];
}

// Hellinger's distance from the spectrum of the frame before.
export function flux(power, before) {
  const roots = values => {
    const sum = Math.max(total(values), 1e-20);
    return values.map(value => Math.sqrt(value / sum));
  };
  const now = roots(power), then = roots(before);
  return Math.sqrt(total(now.map((value, bin) => (value - then[bin]) ** 2)));
}

// Harmonics-to-noise ratio, dB (Boersma 1993).
export function harmonicity(frame, pitch) {
  const returned = autocorrelation(frame), period = Math.round(RATE / pitch);
  const around = Array.from({ length: 9 }, (_, k) => returned[Math.min(Math.max(period + k - 4, 1), LAGS - 1)]);
  const kept = Math.min(Math.max(Math.max(...around), 0.001), 0.999);
  return decibel(kept / (1 - kept));
}

const ORDER = 10, CEILING = 352; // poles; bins, 5.5 kHz
const LIFT = Float64Array.from({ length: CEILING + 1 }, (_, k) =>
  1 + 0.97 ** 2 - 2 * 0.97 * Math.cos((2 * Math.PI * k) / WINDOW));
const WAVES = Array.from({ length: ORDER + 1 }, (_, lag) => LIFT.map((_, k) =>
  ((k % CEILING ? 2 : 1) * Math.cos((Math.PI * k * lag) / CEILING)) / (2 * CEILING)));

// Coefficients of the all-pole model of a spectrum below 5.5 kHz, by Levinson's recursion.
function predictor(power) {
  const sum = total(power), lifted = LIFT.map((lift, k) => (power[k] * lift) / sum);
  const lags = WAVES.map(wave => product(lifted, wave));
  lags[0] *= 1.0001; // a trace of white noise keeps the equations solvable
  let found = [], error = lags[0];
  for (let order = 1; order <= ORDER; order++) {
    const before = found, missing = lags[order] - total(before.map((value, i) => value * lags[order - 1 - i]));
    const reflection = missing / error;
    found = [...before.map((value, i) => value - reflection * before[order - 2 - i]), reflection];
    error *= 1 - reflection ** 2;
  }
  return found;
}

// Zeros of z¹⁰ − a₁z⁹ − … − a₁₀, all at once (Aberth 1973).
export function zeros(coefficients) {
  const degree = coefficients.length, polynomial = [1, ...coefficients.map(value => -value)];
  const found = Array.from({ length: degree }, (_, k) => {
    const angle = (2 * Math.PI * k) / degree + 0.4;
    return [0.9 * Math.cos(angle), 0.9 * Math.sin(angle)];
  });
  const divide = ([a, b], [c, d]) => [(a * c + b * d) / (c * c + d * d), (b * c - a * d) / (c * c + d * d)];
  for (let round = 0, moved = 1; round < 200 && moved > 1e-13; round++) {
    moved = 0;
    for (let k = 0; k < degree; k++) {
      const [x, y] = found[k];
      let value = [0, 0], rate = [0, 0];
      for (const coefficient of polynomial) {
        rate = [rate[0] * x - rate[1] * y + value[0], rate[0] * y + rate[1] * x + value[1]];
        value = [value[0] * x - value[1] * y + coefficient, value[0] * y + value[1] * x];
      }
      if (Math.hypot(...value) < 1e-300) continue;
      const inverse = divide(rate, value); // 1 over Newton's step
      for (let j = 0; j < degree; j++) if (j !== k) {
        const push = divide([1, 0], [x - found[j][0], y - found[j][1]]);
        inverse[0] -= push[0];
        inverse[1] -= push[1];
      }
      const step = divide([1, 0], inverse);
      found[k] = [x - step[0], y - step[1]];
      moved = Math.max(moved, Math.hypot(...step));
    }
  }
  return found;
}

// Frequencies of F1 … F3, then their bandwidths, Hz; NaN where there are fewer.
export function formants(power) {
  const rate = 2 * FREQUENCIES[CEILING];
  const resonances = zeros(predictor(power)).map(([x, y]) => [
    (Math.atan2(y, x) * rate) / (2 * Math.PI), (-Math.log(Math.hypot(x, y) + 1e-9) * rate) / Math.PI]);
  const kept = resonances.filter(([frequency, width]) => frequency >= 150 && frequency <= 5300 && !(width > 1000));
  kept.sort((a, b) => a[0] - b[0]);
  const first = [0, 1, 2].map(k => kept[k] ?? [NaN, NaN]);
  return [...first.map(one => one[0]), ...first.map(one => one[1])];
}

// Highest level within some width of a frequency, dB.
function peakLevel(level, frequency, width) {
  const [low, high] = [-1, 1].map(sign => Math.round(((frequency + sign * width) * WINDOW) / RATE));
  let most = -Infinity;
  for (let bin = low; bin <= high; bin++) most = Math.max(most, level[Math.min(Math.max(bin, 0), BINS - 1)]);
  return most;
}

// The eleven numbers of `_VOICE` of a voiced frame.
export function voice(frame, power, pitch) {
  const sum = total(power), level = power.map(value => decibel(value / sum)), resonances = formants(power);
  const [first, second] = [1, 2].map(k => peakLevel(level, k * pitch, pitch / 4));
  const typical = [500, 1500, 2500].map((usual, k) => (Number.isNaN(resonances[k]) ? usual : resonances[k]));
  const above = typical.map(frequency => peakLevel(level, frequency, Math.max(0.6 * pitch, 60)) - first);
  return [harmonicity(frame, pitch), first - second, ...resonances, ...above];
}
