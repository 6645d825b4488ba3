// The arithmetic of chapters irf and voices, equal to Python's: resonance, the field, and voices taken out.

export function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
export const dot = (a, b) => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
};
export function squared(u, v) {
  let total = 0;
  for (let axis = 0; axis < u.length; axis++) total += (u[axis] - v[axis]) ** 2;
  return total;
}
const column = (rows, c) => rows.map(row => row[c]);

export function resonance(first, second, bandwidth) {
  const width = bandwidth ** 2;
  return first.map(u => second.map(v => width / (width + squared(u, v))));
}

function cholesky(matrix) {
  const factor = matrix.map(row => row.map(() => 0));
  for (let i = 0; i < matrix.length; i++) for (let j = 0; j <= i; j++) {
    let rest = matrix[i][j];
    for (let k = 0; k < j; k++) rest -= factor[i][k] * factor[j][k];
    factor[i][j] = i === j ? Math.sqrt(rest) : rest / factor[j][j];
  }
  return factor;
}

function solveLower(factor, right) {
  const found = [];
  for (let i = 0; i < right.length; i++) {
    let rest = right[i];
    for (let k = 0; k < i; k++) rest -= factor[i][k] * found[k];
    found.push(rest / factor[i][i]);
  }
  return found;
}

function solveUpper(factor, right) { // with the transposed factor
  const found = [...right];
  for (let i = right.length - 1; i >= 0; i--) {
    found[i] /= factor[i][i];
    for (let k = 0; k < i; k++) found[k] -= factor[i][k] * found[i];
  }
  return found;
}

const shifted = (matrix, add) => matrix.map((row, i) => row.map((value, j) => value + (i === j ? add : 0)));
const landmarkFactor = (landmarks, bandwidth) =>
  cholesky(shifted(resonance(landmarks, landmarks, bandwidth), 1e-8));

export function resonanceCoordinates(X, landmarks, bandwidth) {
  const factor = landmarkFactor(landmarks, bandwidth);
  return resonance(X, landmarks, bandwidth).map(row => [...solveLower(factor, row), 1]);
}

export function softmax(row) {
  const highest = Math.max(...row), raised = row.map(value => Math.exp(value - highest)), total = sum(raised);
  for (let c = 0; c < row.length; c++) raised[c] /= total;
  return raised;
}

function means(rows, classes) {
  const totals = Array(classes).fill(0);
  for (const row of rows) for (let c = 0; c < classes; c++) totals[c] += row[c];
  return totals.map(total => total / rows.length);
}

export function settle(field, groups, temperature, balance, rounds = 200) {
  const classes = field[0].length, count = Math.max(...groups) + 1;
  const shift = Array.from({ length: count }, () => Array(classes).fill(0));
  const believe = j => softmax(field[j].map((f, c) => f / temperature + shift[groups[j]][c]));
  const members = shift.map((_, g) => groups.flatMap((group, j) => (group === g ? [j] : [])));
  for (let round = 0, moved = Infinity; balance && round < rounds && moved >= 1e-7; round++) {
    moved = 0;
    for (let g = 0; g < count; g++) {
      means(members[g].map(believe), classes).forEach((share, c) => {
        const next = balance * (shift[g][c] - Math.log(Math.max(share, 1e-300) * classes));
        moved = Math.max(moved, Math.abs(next - shift[g][c]));
        shift[g][c] = next;
      });
    }
  }
  return [field.map((_, j) => believe(j)), shift];
}

export function freeEnergy(table, field, free, weights, groups, temperature, balance) {
  const classes = table[0].length, xlogy = (x, y) => (x === 0 ? 0 : x * Math.log(y));
  let energy = 0;
  table.forEach((row, j) => row.forEach((q, c) => {
    energy -= 0.5 * weights[j] * (q - 1 / classes) * field[j][c];
    if (free[j]) energy += temperature * weights[j] * xlogy(q, q);
  }));
  for (const group of new Set(groups.filter((_, j) => free[j]))) {
    const inside = (_, j) => free[j] && groups[j] === group;
    const uneven = sum(means(table.filter(inside), classes).map(share => xlogy(share, share * classes)));
    energy += (temperature * balance) / (1 - balance) * sum(weights.filter(inside)) * uneven;
  }
  return energy;
}

export function organise(coordinates, table, free, weights, groups, damping, temperature, balance, rounds) {
  const total = sum(weights), classes = table[0].length, moving = free.flatMap((one, j) => (one ? [j] : []));
  weights = weights.map(weight => weight / total);
  table = table.map(row => [...row]);
  const axes = coordinates[0].map((_, a) => column(coordinates, a));
  const weighted = axes.map(axis => axis.map((value, j) => value * weights[j]));
  const factor = cholesky(shifted(axes.map(a => weighted.map(b => dot(a, b))), damping));
  const charge = () => Array.from({ length: classes }, (_, c) => {
    const told = column(table, c).map(q => q - 1 / classes);
    return solveUpper(factor, solveLower(factor, weighted.map(axis => dot(axis, told))));
  });
  let charges = charge();
  const field = () => coordinates.map(row => charges.map(one => dot(row, one)));
  const names = [...new Set(moving.map(j => groups[j]))].sort((a, b) => a - b), energies = [];
  const members = moving.map(j => names.indexOf(groups[j]));
  const shift = Array.from({ length: Math.max(...groups) + 1 }, () => Array(classes).fill(0));
  for (let round = 0; round < rounds && moving.length; round++) {
    const now = field(), settled = settle(moving.map(j => now[j]), members, temperature, balance);
    moving.forEach((j, place) => { table[j] = settled[0][place]; });
    names.forEach((name, place) => { shift[name] = settled[1][place]; });
    charges = charge();
    energies.push(freeEnergy(table, field(), free, weights, groups, temperature, balance));
  }
  return { table, charges, shift, energies, field: field() };
}

export function voiceShare(values, speakers) {
  const names = [...new Set(speakers)], total = values.length, axes = values[0].map((_, a) => a);
  if (names.length < 2 || names.length === total) return NaN;
  const own = names.map(name => values.filter((_, j) => speakers[j] === name));
  const overall = means(values, axes.length), centres = own.map(rows => means(rows, axes.length));
  const each = (total - sum(own.map(rows => rows.length ** 2)) / total) / (names.length - 1);
  let voice = 0, all = 0;
  for (const a of axes) {
    const inside = sum(own.map((rows, s) => sum(rows.map(row => (row[a] - centres[s][a]) ** 2))));
    const apart = sum(own.map((rows, s) => rows.length * (centres[s][a] - overall[a]) ** 2));
    const within = inside / (total - names.length);
    const between = Math.max((apart / (names.length - 1) - within) / each, 0);
    voice += between;
    all += between + within;
  }
  return voice / Math.max(all, 1e-12);
}

export const trust = share => (Number.isNaN(share) ? 0 : 1 / (1 + Math.exp((share - 0.45) / 0.04)));

export function withoutVoices(X, speakers, trusted, few = 2, usual = 8) {
  const left = X.map(row => [...row]);
  for (const name of new Set(speakers)) {
    const own = left.filter((_, j) => speakers[j] === name), n = own.length, mean = means(own, X[0].length);
    mean.forEach((centre, a) => {
      const variance = sum(own.map(row => (row[a] - centre) ** 2)) / n;
      const spread = (trusted * (n * variance + usual)) / (n + usual) + 1 - trusted;
      for (const row of own) row[a] = (row[a] - ((trusted * n) / (n + few)) * centre) / Math.sqrt(spread);
    });
  }
  return left;
}

// The estimator of chapter irf on points of a plane: no whitening, one corpus, every point a landmark.
export function fit(X, y, speakers, classes, { bandwidth, damping, temperature, balance, rounds }) {
  const free = y.map(one => one < 0), known = y.filter(one => one >= 0).length;
  const names = [...new Set(speakers)];
  const heard = name => sum(speakers.map((one, j) => (one === name && free[j] ? 1 : 0)));
  const groups = speakers.map(one => (heard(one) < 2 * classes ? names.length : names.indexOf(one)));
  const centre = means(X, 2), spread = sum(X.map(row => sum(row.map((v, a) => (v - centre[a]) ** 2)))) / X.length;
  const width = bandwidth * Math.sqrt(2 * spread) || 1;
  const table = y.map(one =>
    Array.from({ length: classes }, (_, c) => (one < 0 ? 1 / classes : Number(one === c))));
  const weights = free.map(one => (one ? 1 / Math.max(X.length - known, 1) : 0.3 / known));
  const found = organise(resonanceCoordinates(X, X, width), table, free, weights, groups,
    damping * Math.max(1, (5 * classes) / known), temperature, balance, rounds);
  const factor = landmarkFactor(X, width), last = X.length;
  const pull = found.charges.map(one => solveUpper(factor, one.slice(0, last)));
  const shift = means(groups.filter((_, j) => free[j]).map(group => found.shift[group]), classes);
  const asked = places => resonance(places, X, width).map(row =>
    softmax(pull.map((one, c) => (dot(row, one) + found.charges[c][last]) / temperature + shift[c])));
  return { ...found, asked };
}
