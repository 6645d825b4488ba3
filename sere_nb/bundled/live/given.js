// What a person answers: words and their keys, the file that keeps them, and which rows are to be seen.

export const EXTRA = ["no speech", "cannot tell"], OTHER = "another emotion…";

// A key for each word: its first letter that is free, else a digit.
export function keysOf(words) {
  const keys = new Map(), taken = new Set();
  for (const word of words) {
    const free = [...word.toLowerCase().replace(/[^a-z]/g, ""), ..."1234567890"].find(key => !taken.has(key));
    if (free) taken.add(free);
    keys.set(word, free ?? null);
  }
  return keys;
}

// An apostrophe stops a spreadsheet from taking a name for a formula; who reads it takes the apostrophe off again.
export const safeCell = text => (/^'*[=+@\t\r-]/.test(text) ? `'${text}` : text);
export const plainCell = text => (/^'+[=+@\t\r-]/.test(text) ? text.slice(1) : text);
const cellOf = value => {
  const text = safeCell(String(value ?? ""));
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

// answers.csv: path,emotion; start,end where a row is a part of a file; channel where a row is one of several.
export function csvOf(rows, answerOf) {
  const parts = rows.some(row => row.part), sides = rows.some(row => sideOf(row));
  const columns = ["path", "emotion", ...(parts ? ["start", "end"] : []), ...(sides ? ["channel"] : [])];
  const lines = rows.filter(row => answerOf(row)).map(row => [row.path, answerOf(row),
    ...(parts ? (row.part ? [row.start.toFixed(3), row.end.toFixed(3)] : ["", ""]) : []),
    ...(sides ? [sideOf(row) ?? ""] : [])].map(cellOf).join(","));
  return [columns.join(","), ...lines, ""].join("\n");
}

export const sideOf = ({ channel }) => (channel === null || channel === "mix" ? null : channel);
export const many = count => `${count} ${count === 1 ? "answer" : "answers"}`;
export const clock = seconds => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
export const placeOf = row => [...(sideOf(row) ? [`channel ${row.channel}`] : []),
  ...(row.part ? [`${clock(row.start)}–${clock(row.end)}`] : [])].join(", ");
export const doubtsOf = ({ doubt }) => (doubt ?? "").split("; ").filter(Boolean).map(one => one.split(":")[0]);

// Which rows are to be seen: those that meet every wish.
export function seen(rows, answerOf, { text = "", emotion, doubt, voice, yours, low = 0, high = 1 }) {
  const wanted = text.toLowerCase(), all = low <= 0 && high >= 1;
  return rows.filter(row => row.path.toLowerCase().includes(wanted)
    && (!emotion || row.emotion === emotion) && (!voice || row.voice === voice)
    && (!doubt || (doubt === "none" ? !row.doubt : doubt === "any" ? row.doubt : doubtsOf(row).includes(doubt)))
    && (!yours || (yours === "answered") === Boolean(answerOf(row)))
    && (all || (row.confidence !== null && row.confidence >= low - 1e-9 && row.confidence <= high + 1e-9)));
}

// Rows in the order of a column. What is unknown comes last either way.
export function ordered(rows, valueOf, down) {
  const compare = new Intl.Collator(undefined, { numeric: true }).compare, sign = down ? -1 : 1;
  const valued = rows.map((row, place) => ({ row, place, value: valueOf(row) ?? null }));
  const told = valued.filter(one => one.value !== null), rest = valued.filter(one => one.value === null);
  told.sort((a, b) => sign * (typeof a.value === "number" ? a.value - b.value : compare(a.value, b.value))
    || a.place - b.place);
  return [...told, ...rest].map(one => one.row);
}

// The sheet of answers: it remembers in this browser, and knows what is not in a file yet.
export function answerSheet({ rows, store }, told) {
  const key = `sere answers ${store}`, idOf = row => JSON.stringify([row.path, row.channel, row.start, row.end]);
  const ids = new Map(rows.map(row => [row, idOf(row)])), given = new Map();
  for (const row of rows) if (row.given) given.set(ids.get(row), row.given);
  const answerOf = row => given.get(ids.get(row)) ?? null, csv = () => csvOf(rows, answerOf);
  let saved = csv();
  const kept = read(key);
  for (const row of rows) {
    const word = kept?.answers?.[ids.get(row)];
    if (word === null) given.delete(ids.get(row));
    else if (typeof word === "string" && word) given.set(ids.get(row), word);
  }
  if (typeof kept?.saved === "string") saved = kept.saved;
  const past = [], keep = () => {
    const changed = rows.filter(row => (row.given ?? null) !== answerOf(row));
    write(key, { saved, answers: Object.fromEntries(changed.map(row => [ids.get(row), answerOf(row)])) });
  };
  const tell = () => told(rows.filter(answerOf).map(one => ({ path: one.path, emotion: answerOf(one), channel: sideOf(one),
    start: one.part ? one.start : null, end: one.part ? one.end : null })));
  const put = (row, word) => {
    if (word) given.set(ids.get(row), word); else given.delete(ids.get(row));
    keep();
    tell();
  };
  if (given.size) tell();
  return {
    answerOf, csv,
    set(row, word) { past.push([row, answerOf(row)]); put(row, word); },
    undo() { const last = past.pop(); if (last) put(...last); return last?.[0] ?? null; },
    canUndo: () => past.length > 0,
    count: () => rows.filter(answerOf).length,
    restored: rows.filter(row => answerOf(row) && answerOf(row) !== row.given).length,
    unsaved: () => csv() !== saved,
    save() {
      saved = csv();
      keep();
      const link = document.createElement("a"), url = URL.createObjectURL(new Blob([saved], { type: "text/csv" }));
      Object.assign(link, { href: url, download: "answers.csv" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    },
  };
}

// A browser may refuse to remember: then it does not.
const read = key => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
const write = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private window */ } };
