// The arithmetic of chapters model and semisup, equal to Python's: lessons, a small network that learns them, and its average.
import { dot, softmax, sum } from "./resonance.js";

const BATCH = 64; // rows of a step of `teach`

export const lessonShare = (epoch, epochs, first) =>
  Math.min(1, first + ((1 - first) * 2 * epoch) / Math.max(1, epochs - 1));

// The places of the most certain beliefs, the same number for every class.
export function lessons(beliefs, share) {
  const classes = beliefs.length ? beliefs[0].length : 1, count = Math.ceil((share * beliefs.length) / classes);
  const best = c => beliefs.map((_, j) => j).sort((a, b) => beliefs[b][c] - beliefs[a][c]).slice(0, count);
  return [...new Set(Array.from({ length: classes }, (_, c) => best(c)).flat())].sort((a, b) => a - b);
}

// Of the standard normal distribution: [how much lies below x, density].
export function normal(x) {
  const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  let term = Math.abs(x) > 9 ? 0 : x, below = term;
  for (let n = 3; Math.abs(term) > 1e-17; n += 2) below += (term *= x * x / n);
  return [Math.abs(x) > 9 ? Number(x > 0) : 0.5 + density * below, density];
}

// The network of chapter model with one path. Its weights are one list: a row [across, up, bias] per unit, then a row
// per class, bias last.
export function heard(weights, units, classes, [x, y]) {
  const hidden = [], slope = [];
  for (let h = 0; h < 3 * units; h += 3) {
    const z = weights[h] * x + weights[h + 1] * y + weights[h + 2], [below, density] = normal(z);
    hidden.push(z * below);
    slope.push(below + z * density);
  }
  const row = c => weights.slice(3 * units + c * (units + 1), 3 * units + (c + 1) * (units + 1));
  const head = Array.from({ length: classes }, (_, c) => row(c));
  return { hidden, slope, head, beliefs: softmax(head.map(one => dot(hidden, one) + one[units])) };
}

// How the mean loss against what is wanted, (n, C), changes with each weight.
function gradient(weights, units, places, wanted) {
  const found = weights.map(() => 0), classes = wanted[0].length;
  places.forEach((place, j) => {
    const { hidden, slope, head, beliefs } = heard(weights, units, classes, place), all = sum(wanted[j]);
    const miss = beliefs.map((p, c) => (all * p - wanted[j][c]) / places.length);
    for (let h = 0; h < units; h++) {
      const back = slope[h] * sum(miss.map((m, c) => m * head[c][h]));
      [...place, 1].forEach((value, a) => { found[3 * h + a] += back * value; });
    }
    const head_at = c => 3 * units + c * (units + 1);
    miss.forEach((m, c) => [...hidden, 1].forEach((value, h) => { found[head_at(c) + h] += m * value; }));
  });
  return found;
}

// `teach` of chapter semisup with nothing hidden and no TRIC; a lesson fits into one batch, so chance has no part in it.
export function teach(X, y, table, layer, { epochs, first, agreement, momentum, rate }, rounds = epochs) {
  const units = layer.length, classes = table[0].length, free = X.flatMap((_, j) => (y[j] < 0 ? [j] : []));
  const known = X.flatMap((_, j) => (y[j] < 0 ? [] : [j])), unlearned = Array(classes * (units + 1)).fill(0);
  let student = [...layer.flat(), ...unlearned], teacher = [...student];
  const asked = places => places.map(place => heard(teacher, units, classes, place).beliefs);
  const slow = student.map(() => 0), square = student.map(() => 0), history = [];
  for (let epoch = 0; epoch < rounds; epoch++) {
    const lesson = lessons(free.map(j => table[j]), lessonShare(epoch, epochs, first)).map(place => free[place]);
    const rows = [...known, ...lesson], places = rows.map(j => X[j]), said = asked(places);
    const wanted = rows.map((j, place) => table[j].map((q, c) => q + agreement * said[place][c]));
    const pace = rate * (1 - epoch / epochs), done = (epoch * lesson.length) / BATCH;
    gradient(student, units, places, wanted).forEach((down, k) => { // AdamW
      slow[k] = 0.9 * slow[k] + 0.1 * down;
      square[k] = 0.999 * square[k] + 0.001 * down ** 2;
      const spread = Math.sqrt(square[k] / (1 - 0.999 ** (epoch + 1))) + 1e-8;
      student[k] -= pace * (0.01 * student[k] + slow[k] / (1 - 0.9 ** (epoch + 1)) / spread);
    });
    const memory = Math.min(momentum, (1 + done) / (10 + done));
    teacher = teacher.map((weight, k) => memory * weight + (1 - memory) * student[k]);
    history.push({ lesson, beliefs: asked(X) });
  }
  return { history, asked };
}
