// Some recordings, one after the other: listen, press the key of an emotion, and the next one plays.
import { button, element, opened, percent } from "./panel.js";
import { EXTRA, OTHER, keysOf, many, placeOf } from "./given.js";
import { onePlayer } from "./player.js";

export const ASK_STYLE = `
.ask { flex: 1 1 100%; min-width: 0; max-width: 44rem; margin: 0 auto; display: grid; gap: 0.8rem; font-size: 1rem; }
.ask [tabindex="-1"]:focus { outline: none; }
.ask .top { display: flex; gap: 0.8rem; align-items: center; } .ask progress { flex: 1; height: 0.6rem; min-width: 3rem;
  accent-color: #0072b2; }
.ask h2 { margin: 0; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; line-height: 1.25; }
.ask .words { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 0.5rem; }
.ask .words button { min-height: 3rem; display: flex; gap: 0.5rem; align-items: center; text-align: left;
  overflow-wrap: anywhere; }
.ask .words button span { flex: 1; min-width: 0; } .ask .ask { margin: 0; max-width: none; }
.ask .words button .dot { width: 0.8rem; height: 0.8rem; border-radius: 50%; flex: none; }
.ask .words button[aria-pressed="true"] { outline: 3px solid currentColor; outline-offset: -3px; font-weight: 600; }
kbd { font: inherit; font-size: 0.8em; border: 1px solid color-mix(in srgb, currentColor 45%, transparent);
  border-radius: 3px; padding: 0 0.35rem; min-width: 1.5rem; text-align: center; }
.ask .line { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.ask .line button { min-height: 2.6rem; padding: 0.3rem 0.8rem; } .ask .gap { flex: 1; }
.ask input[type="text"] { flex: 1 1 10rem; width: auto; height: 2.6rem; font: inherit; padding: 0 0.5rem; color: inherit;
  background: color-mix(in srgb, currentColor 6%, transparent); border-radius: 4px;
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent); }
.ask .tick { display: flex; gap: 0.5rem; align-items: center; } .ask .tick input { width: 1.2rem; height: 1.2rem; }
.ask .said { min-height: 1.4em; } .ask audio { margin: 0; } [hidden] { display: none !important; }
.main { background: #0072b2; border-color: #0072b2; color: #fff; font-weight: 600; }
code { user-select: all; overflow-wrap: anywhere; padding: 0.1rem 0.3rem; border-radius: 3px;
  background: color-mix(in srgb, currentColor 9%, transparent); }
@media (max-width: 30rem) { .ask .words { grid-template-columns: 1fr 1fr; } .ask .hint.keys { display: none; } }
`;

export function drawAsk({ el, told, sheet, inPage }) {
  const { rows, classes, colours } = told, all = rows.length;
  const free = () => [...new Set(rows.map(sheet.answerOf).filter(word => word && !classes.includes(word) && !EXTRA.includes(word)))];
  let at = Math.max(0, rows.findIndex(row => !sheet.answerOf(row))), keys = new Map();
  if (rows.every(sheet.answerOf)) at = all;
  const sound = onePlayer();
  const count = element("strong", {}), bar = element("progress", { max: all, "aria-label": "answered" });
  const name = element("h2", { tabindex: -1 }), where = element("p", { class: "hint" });
  const words = element("div", { class: "words", role: "group", "aria-label": "which emotion do you hear?" });
  const guess = element("p", { class: "said" });
  const said = element("p", { class: "said", role: "status" }), text = element("input", { type: "text", maxlength: 60,
    "aria-label": "another emotion, in your own word", placeholder: "in your own word" });
  const own = element("form", { class: "line", hidden: true, submit: event => {
    event.preventDefault();
    if (text.value.trim()) answer(text.value.trim().replace(/\s+/g, " "));
  } }, text, element("button", { class: "main" }, "Answer"), button("Close", () => { own.hidden = true; name.focus(); }));
  const peek = element("input", { type: "checkbox", change: () => draw() });
  const back = button("← Back", () => go(at - 1)), skip = button("Skip →", () => go(at + 1));
  const undo = button("Undo", () => takeBack()), save = button("", () => keep());
  const card = element("div", { class: "ask" }, name, where, sound.box, words, own, guess), end = element("div", { class: "ask" });
  const line = element("div", { class: "line" }, back, undo, skip, element("span", { class: "gap" }), save);
  const hint = element("p", { class: "hint keys" }, "Keys: the letter on a button answers; space plays, ← back, → skip, "
    + "Ctrl+Z undo.");

  const guessed = row => (row.confidence === null ? "no speech" : `${row.first}, ${percent(row.confidence)}`);
  const wordButton = word => {
    const key = keys.get(word), dot = colours[word] ? [element("span", { class: "dot", style: `background:${colours[word]}` })] : [];
    const made = button("", () => (word === OTHER ? open() : answer(word)));
    made.replaceChildren(...dot, element("span", {}, word), ...(key ? [element("kbd", { "aria-hidden": "true" }, key.toUpperCase())] : []));
    if (key) made.setAttribute("aria-keyshortcuts", key);
    if (word !== OTHER) made.setAttribute("aria-pressed", sheet.answerOf(rows[at]) === word);
    return made;
  };
  const draw = () => {
    const done = sheet.count(), row = rows[at];
    count.textContent = row ? `${at + 1} of ${all}` : `${done} of ${all} answered`;
    bar.value = done;
    bar.setAttribute("aria-valuetext", `${done} of ${all} answered`);
    back.disabled = at === 0;
    skip.disabled = !row;
    undo.disabled = !sheet.canUndo();
    save.textContent = `Save answers.csv (${done})`;
    save.disabled = !done;
    save.classList.toggle("main", !row && sheet.unsaved());
    card.hidden = !row;
    end.hidden = Boolean(row);
    if (!row) { drawEnd(done); return; }
    keys = keysOf([...classes, ...EXTRA, OTHER, ...free()]);
    words.replaceChildren(...[...classes, ...free(), ...EXTRA, OTHER].map(wordButton));
    name.textContent = row.path;
    where.textContent = [placeOf(row), `${(row.end - row.start).toFixed(1)} s`].filter(Boolean).join(" · ");
    guess.textContent = peek.checked || sheet.answerOf(row) ? `The model's guess: ${guessed(row)}` : "";
  };
  const drawEnd = done => {
    const left = all - done;
    end.replaceChildren(element("h2", { tabindex: -1 }, left ? "That was the last one." : "All are answered. Thank you!"),
      ...(left ? [element("p", {}, `${left} without an answer. `), button("Show the next one without an answer", () =>
        go(rows.findIndex(row => !sheet.answerOf(row))))] : []),
      ...(inPage ? [element("p", {}, "Save your answers, then run in the folder where the file is:")] : []),
      ...(told.next ? [element("p", {}, element("code", {}, told.next))] : []));
  };
  const go = place => {
    if (place < 0 || place > all) return;
    at = place;
    own.hidden = true;
    text.value = "";
    draw();
    if (rows[at]) sound.load(rows[at]); else sound.stop();
    if (rows[at] && sound.allowed()) sound.play();
    (rows[at] ? name : end.firstChild).focus({ preventScroll: true });
  };
  const answer = word => {
    const row = rows[at];
    sound.touched();
    sheet.set(row, word);
    said.textContent = `You: ${word}. The model's guess: ${guessed(row)}. ${sheet.count()} of ${all} answered.`;
    go(at + 1);
  };
  const open = () => { own.hidden = false; text.focus(); };
  const takeBack = () => {
    const row = sheet.undo();
    if (!row) return;
    said.textContent = `Undone: ${row.path}`;
    go(rows.indexOf(row));
  };
  const keep = () => {
    sheet.save();
    said.textContent = `answers.csv saved with ${many(sheet.count())}. You can go on and save again.`;
    draw();
  };
  const press = event => {
    const from = event.composedPath()[0], typed = from instanceof HTMLElement && from.matches("input[type=text], select, audio");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typed) { takeBack(); event.preventDefault(); return; }
    if (event.key === "Escape" && !own.hidden) { own.hidden = true; name.focus(); return; }
    if (typed || event.ctrlKey || event.metaKey || event.altKey) return;
    const word = rows[at] && [...keys].find(([, key]) => key === event.key.toLowerCase())?.[0];
    if (event.key === "ArrowLeft") go(at - 1);
    else if (event.key === "ArrowRight" && rows[at]) go(at + 1);
    else if (event.key === " " && rows[at] && !from.matches?.("button, [type=checkbox]")) sound.toggle();
    else if (word && !event.repeat) (word === OTHER ? open : () => answer(word))();
    else return;
    sound.touched();
    event.preventDefault();
  };
  opened(el, "Which emotion do you hear?", element("style", {}, ASK_STYLE), element("div", { class: "ask" },
    element("div", { class: "top" }, count, bar), card, end, line,
    element("label", { class: "tick" }, peek, element("span", {}, "show the model's guess before I answer")), hint, said));
  el.shadowRoot.addEventListener("keydown", press);
  if (told.alone) document.addEventListener("keydown", press);
  if (sheet.restored) said.textContent = `Still here from an earlier visit: ${many(sheet.restored)}.`;
  draw();
  if (rows[at]) sound.load(rows[at]);
}
