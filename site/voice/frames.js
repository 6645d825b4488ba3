// The arithmetic of chapter frames: one grid of frames, their spectra, how loud they are, and when somebody speaks.

export const RATE = 16000, HOP = 320, FIELD = 400, WINDOW = 1024, BINS = WINDOW / 2 + 1;
export const GATE = 25, SILENCE = -80; // dB
export const HANN = Float64Array.from({ length: WINDOW }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / WINDOW));
export const FREQUENCIES = Float64Array.from({ length: BINS }, (_, bin) => (bin * RATE) / WINDOW);
const SCALE = WINDOW * HANN.reduce((sum, value) => sum + value * value, 0);

export const frameCount = samples => Math.max(0, Math.floor((samples - FIELD) / HOP) + 1);
export const decibel = (power, floor = 1e-12) => 10 * Math.log10(Math.max(power, floor));
export const total = values => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
};
export const mean = values => (values.length ? total(values) / values.length : NaN);
export function deviation(values) {
  const middle = mean(values);
  return values.length ? Math.sqrt(mean(Array.from(values, value => (value - middle) ** 2))) : NaN;
}

// The 64 ms around the centre of a frame; zeros beyond the ends.
export function windowAt(waveform, frame) {
  const cut = new Float64Array(WINDOW), first = frame * HOP - WINDOW / 2 + FIELD / 2;
  for (let n = Math.max(0, -first); n < WINDOW && first + n < waveform.length; n++) cut[n] = waveform[first + n];
  return cut;
}

// Fourier's sums of a complex signal, in place; its length is a power of two.
export function transform(real, imaginary) {
  const length = real.length, table = turns(length);
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let half = 1; half < length; half *= 2) {
    const step = length / (2 * half);
    for (let start = 0; start < length; start += 2 * half) for (let k = 0; k < half; k++) {
      const a = start + k, b = a + half, cos = table.cos[k * step], sin = table.sin[k * step];
      const re = real[b] * cos - imaginary[b] * sin, im = real[b] * sin + imaginary[b] * cos;
      real[b] = real[a] - re;
      imaginary[b] = imaginary[a] - im;
      real[a] += re;
      imaginary[a] += im;
    }
  }
}

const known = new Map();
function turns(length) {
  if (!known.has(length)) {
    const angles = Array.from({ length: length / 2 }, (_, k) => (-2 * Math.PI * k) / length);
    known.set(length, { cos: Float64Array.from(angles, Math.cos), sin: Float64Array.from(angles, Math.sin) });
  }
  return known.get(length);
}

// Power per bin of one window; the bins add up to the power of the frame.
export function powerSpectrum(cut) {
  const real = cut.map((value, n) => value * HANN[n]), imaginary = new Float64Array(WINDOW);
  transform(real, imaginary);
  const power = new Float64Array(BINS);
  for (let bin = 0; bin < BINS; bin++) {
    const twice = bin === 0 || bin === BINS - 1 ? 1 : 2;
    power[bin] = (twice * (real[bin] ** 2 + imaginary[bin] ** 2)) / SCALE;
  }
  return power;
}

// Curve A of IEC 61672-1 as a factor of power, 1 at 1 kHz.
export const EAR = FREQUENCIES.map(frequency => {
  const square = frequency ** 2;
  const low = Math.sqrt((square + 107.7 ** 2) * (square + 737.9 ** 2)) * (square + 20.6 ** 2);
  return ((12194 ** 2 * square ** 2) / ((square + 12194 ** 2) * low)) ** 2 * 10 ** 0.2;
});

export const levelOf = power => decibel(power.reduce((sum, value, bin) => sum + value * EAR[bin], 0));

// A-weighted level of each frame, dB.
export const loudness = waveform =>
  Float64Array.from({ length: frameCount(waveform.length) }, (_, t) => levelOf(powerSpectrum(windowAt(waveform, t))));

// As numpy has it: straight lines between the sorted values.
export function percentiles(values, wanted) {
  const sorted = Float64Array.from(values).sort();
  return wanted.map(percent => {
    const place = ((sorted.length - 1) * percent) / 100, below = Math.floor(place);
    const next = sorted[Math.min(below + 1, sorted.length - 1)];
    return sorted[below] + (place - below) * (next - sorted[below]);
  });
}

// Frames in which somebody speaks; the threshold follows the recording.
export function activeFrames(level) {
  const threshold = Math.max(percentiles(level, [95])[0] - GATE, SILENCE);
  return Array.from(level, value => value > threshold);
}

// First frame of each run of true, and the frame after its last.
export function runs(mask) {
  const found = [];
  mask.forEach((holds, t) => {
    if (holds && !mask[t - 1]) found.push([t, t + 1]);
    else if (holds) found.at(-1)[1] = t + 1;
  });
  return found;
}

// A track filtered over three neighbours; beyond an end, its last value is repeated.
export const filtered = (track, filter) => Float64Array.from(track, (value, t) =>
  filter(track[Math.max(t - 1, 0)], value, track[Math.min(t + 1, track.length - 1)]));
export const median = (a, b, c) => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
export const average = (a, b, c) => (a + b + c) / 3;
