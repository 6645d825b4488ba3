// Pictures of many answers: shares of emotions per voice, and a long recording as a strip that plays where it is touched.
import { element, percent } from "./panel.js";
import { clock, sideOf } from "./given.js";

const TALL = 64, OTHERS = { unsure: "#bbbbbb", "no speech": "#88888840", "cannot tell": "#93a1ad" };
const OWN = ["#56b4e9", "#8c6d31", "#7b4fa3", "#a1b94a"]; // words of the person who answers
export const colourOf = (colours, word) => colours[word] ?? OTHERS[word]
  ?? OWN[[...word].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % OWN.length];

// What each voice says, in shares: a bar per voice, and one of all.
export function shareBars(rows, wordOf, { order, colours, voices, chosen }) {
  const groups = new Map([["all", rows], ...voices.map(voice => [voice, rows.filter(row => row.voice === voice)])]);
  const bar = ([voice, some]) => {
    const counts = new Map();
    for (const row of some) counts.set(wordOf(row), (counts.get(wordOf(row)) ?? 0) + 1);
    const words = [...counts.keys()].sort((a, b) => order.indexOf(a) - order.indexOf(b));
    const told = words.map(word => `${word} ${percent(counts.get(word) / some.length)}`).join(", ");
    const parts = words.map(word => element("span", { style: `flex:${counts.get(word)};background:${colourOf(colours, word)}`,
      title: `${word}: ${counts.get(word)} of ${some.length}` }));
    const label = voice === "all" ? element("span", {}, "all")
      : element("button", { type: "button", click: () => chosen(voice), "aria-label": `show only voice ${voice}` }, voice);
    return [label, element("span", { class: "share", role: "img", "aria-label": `${voice}: ${told}` }, ...parts),
      element("span", { class: "amount" }, String(some.length))];
  };
  const there = order.filter(word => rows.some(row => wordOf(row) === word));
  const legend = element("p", { class: "legend" }, ...there.map(word => element("span", {},
    element("span", { class: "dot", style: `background:${colourOf(colours, word)}` }), word)));
  return element("div", {}, legend, element("div", { class: "bars" }, ...[...groups].flatMap(bar)));
}

// Long recordings: the stretches of one file and channel, in the order of time.
export function longOnes(rows) {
  const groups = new Map();
  for (const row of rows.filter(one => one.part)) {
    const key = JSON.stringify([row.path, row.channel]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map(some => some.sort((a, b) => a.start - b.start));
}

// The stretch at a time, else the next one, else the last.
export const stretchAt = (some, time) => some.find(row => time < row.end) ?? some.at(-1);

// One long recording: colour is emotion, height is confidence, the dashed line is where an answer is unsure.
export function strip(some, { wordOf, colours, level, sound, host }) {
  const length = Math.max(some[0].length, ...some.map(row => row.end)), wide = 1000, across = time => (wide * time) / length;
  const side = sideOf(some[0]) ? `, channel ${some[0].channel}` : "", name = `${some[0].path}${side}`;
  const high = row => (row.confidence === null ? 0.08 : row.confidence) * TALL;
  const bars = some.map(row => element("rect", { x: across(row.start), width: Math.max(1.5, across(row.end - row.start)) }));
  const cursor = element("line", { y1: 0, y2: TALL, stroke: "currentColor", "stroke-width": 2, visibility: "hidden",
    "vector-effect": "non-scaling-stroke" });
  const svg = element("svg", { viewBox: `0 0 ${wide} ${TALL}`, preserveAspectRatio: "none", tabindex: 0, role: "slider", class: "strip",
    "aria-label": `Timeline of ${name}`, "aria-valuemin": 0, "aria-valuemax": length.toFixed(1), "aria-valuenow": 0 }, ...bars,
  element("line", { x1: 0, x2: wide, y1: TALL - level * TALL, y2: TALL - level * TALL, stroke: "currentColor",
    "stroke-dasharray": "5 4", "vector-effect": "non-scaling-stroke" }), cursor);
  const said = element("p", { class: "said" });
  let now = some[0].start;
  const paint = () => some.forEach((row, k) => {
    bars[k].setAttribute("y", TALL - high(row));
    bars[k].setAttribute("height", high(row));
    const word = wordOf(row);
    bars[k].setAttribute("fill", colourOf(colours, word === "unsure" ? row.first : word));
    bars[k].setAttribute("fill-opacity", word === "unsure" ? 0.45 : 1);
  });
  const tell = () => {
    const row = some.find(one => now >= one.start - 0.01 && now <= one.end + 0.05);
    const told = row ? `${wordOf(row)}${row.confidence === null ? "" : ` ${percent(row.confidence)}`}` : "pause";
    said.textContent = `${clock(now)} of ${clock(length)} · ${told}`;
    svg.setAttribute("aria-valuenow", now.toFixed(1));
    svg.setAttribute("aria-valuetext", said.textContent);
    cursor.setAttribute("x1", across(now));
    cursor.setAttribute("x2", across(now));
  };
  // Play from a time on, and after a stretch the next one.
  const go = (time, playing = true) => {
    const row = stretchAt(some, time);
    host.append(sound.box);
    now = Math.min(Math.max(time, row.start), row.end - 0.05);
    sound.load(row, now, done => {
      const next = some[some.indexOf(done) + 1];
      if (next) go(next.start);
    });
    cursor.setAttribute("visibility", "visible");
    tell();
    if (playing) sound.play();
  };
  svg.addEventListener("pointerdown", event => {
    const box = svg.getBoundingClientRect();
    svg.focus();
    go((length * (event.clientX - box.left)) / box.width);
    event.preventDefault();
  });
  svg.addEventListener("keydown", event => {
    const at = some.indexOf(stretchAt(some, now)), to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1,
      Home: 0, End: some.length - 1 }[event.key];
    if (to !== undefined) go(some[Math.min(Math.max(to, 0), some.length - 1)].start, sound.playing());
    else if (event.key === " " || event.key === "Enter") some.includes(sound.row()) ? sound.toggle() : go(now);
    else return;
    event.preventDefault();
  });
  paint();
  tell();
  const moved = () => {
    const here = some.includes(sound.row());
    cursor.setAttribute("visibility", here ? "visible" : "hidden");
    if (here) { now = sound.time(); tell(); }
  };
  return { node: element("div", { class: "long" }, element("h3", {}, name), svg, said, host), paint, moved };
}
