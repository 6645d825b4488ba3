// All recordings as a table that sorts, filters, plays, and takes corrections.
import { button, element, opened, percent } from "./panel.js";
import { EXTRA, OTHER, doubtsOf, many, ordered, placeOf, seen } from "./given.js";
import { onePlayer } from "./player.js";
import { colourOf, longOnes, shareBars, strip } from "./strips.js";

const PAGE = 100, LONG = 12;
export const SHEET_STYLE = `
.sheet { flex: 1 1 100%; min-width: 0; display: grid; gap: 0.9rem; } [hidden] { display: none !important; }
.sheet h2 { font-size: 1.15rem; margin: 0.6rem 0 0; } .sheet h3 { font-size: 0.95rem; margin: 0; font-weight: 500; overflow-wrap: anywhere; }
.sheet .dot { width: 0.8rem; height: 0.8rem; border-radius: 50%; display: inline-block; flex: none; margin-right: 0.4rem; vertical-align: -0.05rem; }
.sheet .legend { margin: 0 0 0.5rem; row-gap: 0.2rem; }
.bars { display: grid; grid-template-columns: minmax(4rem, max-content) 1fr max-content; gap: 0.3rem 0.7rem; align-items: center; }
.bars button { max-width: 11rem; overflow-wrap: anywhere; text-align: left; } .share { display: flex; height: 1.4rem; border-radius: 3px; overflow: hidden; gap: 1px; }
.amount, .num { font-variant-numeric: tabular-nums; white-space: nowrap; }
.long { display: grid; gap: 0.25rem; } svg.strip { height: 64px; cursor: pointer; overflow: hidden; border-radius: 3px; touch-action: pan-y;
  background: color-mix(in srgb, currentColor 7%, transparent); }
.wishes { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.5rem 0.8rem; align-items: end; }
.wishes label { display: grid; grid-template-columns: 1fr; gap: 0.1rem; } .wishes select { grid-column: 1; width: 100%; height: 2.2rem; }
.sheet input:is([type=search], [type=text], [type=number]) { height: 2.2rem; font: inherit; padding: 0 0.45rem; color: inherit;
  border-radius: 4px; background: color-mix(in srgb, currentColor 6%, transparent);
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent); }
.range { display: flex; gap: 0.4rem; align-items: center; } .bar { display: flex; flex-wrap: wrap; gap: 0.5rem 0.8rem; align-items: center; }
.bar .said { flex: 1 1 12rem; } .main { background: #0072b2; border-color: #0072b2; color: #fff; font-weight: 600; }
.sheet table { width: 100%; } .sheet thead th { text-align: left; padding: 0.1rem 0.2rem; }
.sheet thead button { background: none; border-color: transparent; font-weight: 600; text-align: left; white-space: nowrap; }
.sheet td { text-align: left; padding: 0.25rem 0.4rem; vertical-align: middle; min-width: 0;
  border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.sheet td button { width: 2.6rem; } .sheet td.name { overflow-wrap: anywhere; min-width: 9rem; } .sheet td select { width: 100%; min-width: 9rem; }
.sheet td.doubt { font-size: 0.9em; max-width: 16rem; } tr.mine td.yours select { outline: 2px solid #0072b2; }
.tiny { display: flex; height: 0.45rem; max-width: 100%; width: 6.5rem; gap: 1px; border-radius: 2px; overflow: hidden; margin-top: 0.15rem; }
.sheet .player { min-width: 0; } code { user-select: all; overflow-wrap: anywhere; }
.own { display: flex; gap: 0.3rem; } .own input { flex: 1; min-width: 6rem; } .sheet td.yours .own button { width: auto; }
@media (max-width: 44rem) {
  .sheet thead tr { display: flex; flex-wrap: wrap; } .sheet thead th:is(:first-child, :last-child) { display: none; }
  .sheet tbody, .sheet table { display: block; } .sheet tbody tr { display: grid; grid-template-columns: 2.9rem 1fr auto; gap: 0.2rem 0.5rem;
    padding: 0.5rem 0; border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
  .sheet td { border: 0; padding: 0; } .sheet td.play { grid-row: 1 / 3; } .sheet td.name { grid-column: 2 / 4; } .sheet td.voice::before { content: "voice "; }
  .sheet td:is(.voice, .doubt) { grid-column: 2 / 4; max-width: none; font-size: 0.9em; } .sheet td:is(.yours, .wide) { grid-column: 1 / 4; }
  .sheet td.yours { display: flex; gap: 0.6rem; align-items: center; } td.yours::before { content: "your answer"; white-space: nowrap; font-size: 0.9em; }
  .sheet td:empty { display: none; }
}
`;

export function drawSheet({ el, told, sheet, inPage }) {
  const { rows, classes, colours, level } = told, voices = [...new Set(rows.map(row => row.voice).filter(voice => voice !== null))]
    .sort(new Intl.Collator(undefined, { numeric: true }).compare);
  const wordOf = row => sheet.answerOf(row) ?? row.emotion, order = () => [...new Set([...classes, ...rows.map(wordOf)])];
  const wish = {}, sort = { by: "", down: false };
  let page = 0;
  const sound = onePlayer(() => { strips.forEach(one => one.moved()); mark(); });
  const said = element("p", { class: "said", role: "status" }), body = element("tbody"), shares = element("div");
  const save = button("", () => { sheet.save(); said.textContent = `answers.csv saved with ${many(sheet.count())}.`; counted(); });
  const undo = button("Undo", () => { const row = sheet.undo(); if (row) { draw(); changed(row); said.textContent = `Undone: ${row.path}`; } });
  const playerRow = element("tr", { hidden: true }, element("td", { colspan: 7, class: "wide" }));
  const strips = longOnes(rows).map(some => strip(some, { wordOf, colours, level, sound, host: element("div") }));
  const buttons = new Map();

  // --- one row
  const mark = () => buttons.forEach((made, row) => {
    const on = sound.row() === row && sound.playing();
    if (made.textContent === (on ? "❚❚" : "▶")) return;
    made.textContent = on ? "❚❚" : "▶";
    made.setAttribute("aria-label", `${on ? "pause" : "play"} ${row.path} ${placeOf(row)}`.trim());
  });
  const listen = (row, line) => {
    if (sound.row() === row && playerRow.previousSibling === line) { sound.toggle(); return; }
    line.after(playerRow);
    playerRow.hidden = false;
    playerRow.firstChild.append(sound.box);
    sound.load(row);
    sound.play();
  };
  const words = () => [...classes, ...order().filter(word => !classes.includes(word) && word !== "unsure" && !EXTRA.includes(word)), ...EXTRA];
  const chooser = (row, line) => {
    const select = element("select", { "aria-label": `your answer to ${row.path} ${placeOf(row)}`.trim(), change: () => {
      if (select.value === OTHER) ownWord(row, line, select); else put(row, select.value, line);
    } });
    select.append(...["", ...words(), OTHER].map(word => element("option", { value: word }, word || "–")));
    select.value = sheet.answerOf(row) ?? "";
    return select;
  };
  const ownWord = (row, line, select) => {
    const text = element("input", { type: "text", maxlength: 60, "aria-label": "another emotion, in your own word" });
    const done = event => { event.preventDefault(); put(row, text.value.trim().replace(/\s+/g, " ") || sheet.answerOf(row) || "", line); };
    const form = element("form", { class: "own", submit: done }, text, element("button", {}, "OK"));
    text.addEventListener("keydown", event => { if (event.key === "Escape") done(event); });
    select.replaceWith(form);
    text.focus();
  };
  const offer = word => body.querySelectorAll(".yours select").forEach(select => { // a new word, in every row
    if (![...select.options].some(one => one.value === word)) select.lastChild.before(element("option", { value: word }, word));
  });
  const put = (row, word, line) => {
    sheet.set(row, word || null);
    if (word) offer(word);
    const cell = line.querySelector(".yours");
    cell.replaceChildren(chooser(row, line));
    cell.firstChild.focus();
    changed(row);
    said.textContent = word ? `${row.path}: ${word}. ${many(sheet.count())}.` : `${row.path}: answer taken away.`;
    line.classList.toggle("mine", Boolean(word));
  };
  const changed = () => { counted(); bars(); strips.forEach(one => one.paint()); };
  const counted = () => {
    save.textContent = `Save answers.csv (${sheet.count()})`;
    save.disabled = !sheet.count() && !sheet.unsaved();
    save.classList.toggle("main", sheet.unsaved());
    undo.disabled = !sheet.canUndo();
  };
  const oneRow = row => {
    const line = element("tr", { class: sheet.answerOf(row) ? "mine" : "" }), play = button("▶", () => listen(row, line));
    play.setAttribute("aria-label", `play ${row.path} ${placeOf(row)}`.trim());
    buttons.set(row, play);
    const shown = row.emotion === "unsure" ? `unsure (${row.first})` : row.emotion, place = placeOf(row);
    const tiny = row.confidence === null ? [] : [element("span", { class: "tiny", "aria-hidden": "true" }, ...classes.map((word, c) =>
      element("span", { style: `flex:${row.probabilities[c]};background:${colourOf(colours, word)}` })))];
    const kind = (name, ...children) => element("td", { class: name }, ...children);
    line.append(kind("play", play), kind("name", row.path, ...(place ? [element("div", { class: "hint" }, place)] : [])),
      kind("emotion", element("span", { class: "dot", style: `background:${colourOf(colours, row.emotion)}` }), shown),
      kind("num", row.confidence === null ? "" : percent(row.confidence), ...tiny), kind("voice", row.voice ?? ""),
      kind("doubt", row.doubt ?? ""), kind("yours", chooser(row, line)));
    return line;
  };

  // --- the table
  const value = { recording: row => `${row.path}\u0000${String(Math.round(row.start * 1000)).padStart(12, "0")}`, emotion: row => row.emotion, confidence: row => row.confidence,
    voice: row => row.voice, doubt: row => row.doubt, yours: row => sheet.answerOf(row) };
  const heads = Object.keys(value).map(name => element("th", { scope: "col" }, button(name, () => {
    sort.down = sort.by === name ? !sort.down : name === "confidence";
    sort.by = name;
    page = 0;
    draw();
  })));
  const before = button("← Before", () => turn(-1)), after = button("Next →", () => turn(1)), where = element("span", { class: "num" });
  const turn = by => { page += by; draw(); table.scrollIntoView({ block: "start" }); };
  const table = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, element("span", { class: "hint" }, "listen")), ...heads)), body);
  const draw = () => {
    const some = seen(rows, sheet.answerOf, wish), list = sort.by ? ordered(some, value[sort.by], sort.down) : some;
    page = Math.max(0, Math.min(page, Math.ceil(list.length / PAGE) - 1));
    const here = list.slice(page * PAGE, (page + 1) * PAGE);
    buttons.clear();
    body.replaceChildren(...here.map(oneRow));
    const at = here.indexOf(sound.row());
    if (at >= 0 && playerRow.contains(sound.box)) body.children[at].after(playerRow);
    else if (playerRow.contains(sound.box)) sound.stop();
    heads.forEach((head, k) => {
      const on = sort.by === Object.keys(value)[k];
      head.setAttribute("aria-sort", on ? (sort.down ? "descending" : "ascending") : "none");
      head.firstChild.textContent = Object.keys(value)[k] + (on ? (sort.down ? " ↓" : " ↑") : "");
    });
    where.textContent = list.length ? `${page * PAGE + 1}–${page * PAGE + here.length} of ${list.length}` : "none";
    before.disabled = page === 0;
    after.disabled = (page + 1) * PAGE >= list.length;
    said.textContent = list.length === rows.length ? `${rows.length} rows.` : `${list.length} of ${rows.length} rows are shown.`;
    mark();
    counted();
  };

  // --- what is wished for
  const wished = change => { Object.assign(wish, change); page = 0; draw(); };
  const pick = (name, key, options) => element("label", {}, element("span", {}, name), element("select", { "aria-label": name,
    change: event => wished({ [key]: event.target.value }) }, ...[["", "all"], ...options].map(([to, text]) => element("option", { value: to }, text))));
  const count = (test, text) => [text, `${text} (${rows.filter(test).length})`];
  const kinds = [...new Set(rows.flatMap(doubtsOf))].sort();
  const limit = (name, key, start) => element("input", { type: "number", min: 0, max: 100, step: 5, value: start, "aria-label": name,
    input: event => wished({ [key]: Number(event.target.value || start) / 100 }) });
  const wishes = element("div", { class: "wishes" },
    element("label", {}, element("span", {}, "name"), element("input", { type: "search", "aria-label": "name",
      input: event => wished({ text: event.target.value }) })),
    pick("emotion", "emotion", [...new Set([...classes, ...rows.map(row => row.emotion)])].map(word => count(row => row.emotion === word, word))),
    element("div", {}, element("span", {}, "confidence, %"), element("div", { class: "range" }, limit("lowest confidence, %", "low", 0), "–",
      limit("highest confidence, %", "high", 100))),
    ...(kinds.length ? [pick("doubt", "doubt", [["none", "none"], ["any", "any"], ...kinds.map(kind => count(row => doubtsOf(row).includes(kind), kind))])] : []),
    ...(voices.length ? [pick("voice", "voice", voices.map(voice => count(row => row.voice === voice, voice)))] : []),
    pick("your answers", "yours", [["answered", "answered"], ["open", "not answered"]]));
  const bars = () => shares.replaceChildren(shareBars(rows, wordOf, { order: order(), colours, voices: voices.slice(0, 30), chosen: voice => {
    const select = wishes.querySelector('[aria-label="voice"]');
    select.value = voice;
    wished({ voice });
    wishes.scrollIntoView({ block: "start" });
  } }));
  const longs = element("div", { class: "sheet" }, ...strips.slice(0, LONG).map(one => one.node));
  const more = button(`Show ${strips.length - LONG} more`, () => { longs.append(...strips.slice(LONG).map(one => one.node)); more.remove(); });
  opened(el, "Answers", element("style", {}, SHEET_STYLE), element("div", { class: "sheet" },
    element("h2", {}, voices.length ? "Voices compared" : "Emotions"), shares,
    ...(strips.length ? [element("h2", {}, "Long recordings"), element("p", { class: "hint" }, `Colour: emotion. Height: confidence; below the dashed line (${percent(level)}) an answer is unsure, and pale. `
      + "Click to listen. Keys: arrows go from stretch to stretch, space plays."), longs, ...(strips.length > LONG ? [more] : [])] : []),
    element("h2", {}, "All recordings"), wishes, element("div", { class: "bar" }, said, undo, save), element("div", { class: "scroll" }, table),
    element("div", { class: "bar" }, before, where, after),
    ...(told.next && inPage ? [element("p", {}, "Answers corrected? Save them, then run: ", element("code", {}, told.next))] : [])));
  bars();
  draw();
  if (sheet.restored) said.textContent += ` Still here from an earlier visit: ${many(sheet.restored)}.`;
}
