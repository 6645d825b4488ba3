// The loop of chapter semisup, round by round: the field teaches a network, its most certain beliefs first.
import { button, choice, element, fitted, handles, mixed, opened, percent, slider, STAR } from "./panel.js";
import { fit, sum } from "./resonance.js";
import { teach } from "./student.js";

const WIDTH = 480, HEIGHT = 400, GRID = [48, 40], FAR = 2.5;
const DOT = "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0";
const LINES = { accepted: ["lesson", "2 4"], sure: ["sure", "7 4"], right: ["right", null] };

// The points, those of one language turned by degrees and moved up.
export const placed = (X, moves, turn, up) => X.map(([x, y], j) => {
  const [cos, sin] = [Math.cos, Math.sin].map(of => of((turn * Math.PI) / 180));
  return moves[j] ? [x * cos - y * sin, x * sin + y * cos + up] : [x, y];
});

const highest = row => row.indexOf(Math.max(...row));

// What follows from the points and from how everything is set; the picture shows this and nothing else.
export function answer({ X, y, speakers, truth, moves, classes, turn, up, field, layer, setting, rounds }) {
  const places = placed(X, moves, turn, up), free = X.flatMap((_, j) => (y[j] < 0 ? [j] : []));
  const { table } = fit(places, y, speakers, classes, field), told = teach(places, y, table, layer, setting, rounds);
  const part = (rows, holds) => rows.filter(holds).length / rows.length;
  const log = told.history.map(({ lesson, beliefs }) => ({
    lesson, beliefs, accepted: lesson.length / free.length,
    shares: Array.from({ length: classes }, (_, c) => part(free, j => highest(beliefs[j]) === c)),
    sure: sum(free.map(j => Math.max(...beliefs[j]))) / free.length,
    right: truth && part(free, j => highest(beliefs[j]) === truth[j]),
    taught: truth && part(lesson, j => highest(table[j]) === truth[j]),
  }));
  return { places, table, log, asked: told.asked };
}

function render({ model, el }) {
  const told = model.get("data"), { scene, emotions, colours, field, setting, layer } = told;
  const { y, truth, speakers } = scene, moves = speakers.map(name => name === told.moves), rounds = setting.epochs;
  const state = { X: scene.X.map(row => [...row]), y, speakers, truth, moves, classes: emotions.length, turn: 0, up: 0,
    field: { ...field }, layer, setting: { ...setting }, rounds: 0 };
  const reach = [[0, 0], [90, 0], [180, 0], [0, FAR]].flatMap(way => placed(state.X, moves, ...way));
  const { toPicture, toPlane } = fitted(reach, WIDTH, HEIGHT, 24);
  let found = null, chosen = null;

  const ground = element("canvas", { width: GRID[0], height: GRID[1], "aria-hidden": true });
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "application",
    "aria-label": "Plane of utterances. Arrows move the chosen one, N and P choose the next or the one before." });
  const [lines, bars] = [92, 62].map(tall => element("svg", { viewBox: `0 0 300 ${tall}`, role: "img" }));
  const said = element("p", { class: "said", role: "status" }), about = element("p", { class: "hint" });
  const marks = y.map((label, j) => {
    const shape = element("path", { d: label < 0 ? DOT : STAR, stroke: "currentColor" });
    const cross = element("path", { d: "M-7,-7L7,7M7,-7L-7,7", stroke: "currentColor", "stroke-width": 2 });
    const ring = element("circle", { r: 16, fill: "none", stroke: "currentColor", "stroke-width": 2 });
    const whole = element("g", { class: "grab", "data-point": j },
      element("circle", { r: 13, fill: "transparent" }), shape, cross, ring);
    return { shape, cross, ring, whole };
  });
  for (const known of [false, true]) svg.append(...marks.filter((_, j) => y[j] < 0 !== known).map(mark => mark.whole));

  const draw = () => {
    found = answer(state);
    const now = found.log.at(-1);
    marks.forEach(({ shape, cross, ring, whole }, j) => {
      whole.setAttribute("transform", `translate(${toPicture(found.places[j])})`);
      shape.setAttribute("fill", `rgb(${mixed(found.table[j], colours)})`);
      shape.setAttribute("fill-opacity", y[j] < 0 && now && !now.lesson.includes(j) ? 0.15 : 1);
      const wrong = now && truth && y[j] < 0 && highest(now.beliefs[j]) !== truth[j];
      cross.setAttribute("visibility", wrong ? "visible" : "hidden");
      ring.setAttribute("visibility", j === chosen ? "visible" : "hidden");
    });
    paint();
    tell(now);
    plot();
  };

  const paint = () => {
    const places = Array.from({ length: GRID[0] * GRID[1] }, (_, cell) => toPlane([
      (cell % GRID[0] + 0.5) * WIDTH / GRID[0], (Math.floor(cell / GRID[0]) + 0.5) * HEIGHT / GRID[1]]));
    const context = ground.getContext("2d"), image = context.createImageData(...GRID);
    found.asked(places).forEach((beliefs, cell) => image.data.set([...mixed(beliefs, colours), 110], 4 * cell));
    context.putImageData(image, 0, 0);
  };

  const list = row => emotions.map((name, c) => `${name} ${percent(row[c])}`).join(", ");
  const tell = now => {
    const most = now ? Math.max(...now.shares) : 0, of = y.filter(one => one < 0).length;
    said.replaceChildren([`round ${state.rounds} of ${rounds}`, ...(now ? [
      `lesson: ${now.lesson.length} of ${of}` + (truth ? `, ${percent(now.taught)} taught rightly` : ""),
      `network${truth ? ` right ${percent(now.right)},` : ""} sure ${percent(now.sure)}`, list(now.shares)]
      : ["nothing learned yet"])].join(" · "), ...(most > 0.9 ? [" · ", element("strong", {},
      `${percent(most)} are ${emotions[highest(now.shares)]} to the model: it has collapsed`)] : []));
    about.textContent = chosen === null ? "Dots: what the field believes, faint if not in the lesson. Ground: what the "
      + "network answers. Drag a point. Keys: arrows, N and P."
      : `Point ${chosen + 1}, ${y[chosen] < 0 ? "unlabelled" : "labelled"}. Field: ${list(found.table[chosen])}. `
        + `Network: ${list(found.asked([found.places[chosen]])[0])}.`;
  };

  const across = round => 6 + (round * 250) / rounds;
  const plot = () => {
    const { log } = found, kinds = Object.entries(LINES).filter(([key]) => truth || key !== "right");
    lines.replaceChildren(
      ...[["0", 86], ["100\u00a0%", 22]].flatMap(([name, y]) => [
        element("line", { x1: 6, y1: y, x2: 256, y2: y, stroke: "currentColor", "stroke-opacity": 0.4 }),
        element("text", { x: 260, y: y + 4, "font-size": 13 }, name)]),
      ...kinds.flatMap(([key, [name, dashes]], place) => [
        element("polyline", { points: log.map((row, k) => [across(k + 0.5), 86 - 64 * row[key]]).join(" "),
          fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": dashes }),
        element("line", { x1: 6 + 90 * place, x2: 30 + 90 * place, y1: 8, y2: 8, stroke: "currentColor",
          "stroke-width": 2, "stroke-dasharray": dashes }),
        element("text", { x: 35 + 90 * place, y: 13, "font-size": 13 }, name)]));
    bars.replaceChildren(element("text", { x: 6, y: 12, "font-size": 13 }, "shares of the emotions, round by round"),
      ...log.flatMap(({ shares }, k) => shares.map((share, c) => element("rect", { x: across(k) + 1, fill: colours[c],
        width: 250 / rounds - 2, y: 18 + 42 * sum(shares.slice(0, c)), height: 42 * share }))));
    const now = log.at(-1);
    lines.setAttribute("aria-label", now ? `Round ${log.length}: ` + kinds.map(([key, [name]]) =>
      `${name} ${percent(now[key])}`).join(", ") : "No round yet");
    bars.setAttribute("aria-label", now ? `Shares of the emotions: ${list(now.shares)}` : "No round yet");
  };

  const go = round => { state.rounds = Math.min(round, rounds); draw(); };
  handles(svg, { count: () => y.length, place: j => toPicture(found.places[j]), chosen: j => { chosen = j; draw(); },
    move: (j, at) => {
      const [x, up] = toPlane(at), away = [[x, up - (moves[j] ? state.up : 0)]];
      state.X[j] = placed(away, [moves[j]], -state.turn, 0)[0];
      draw();
    } });
  const set = (part, key, name, range) =>
    slider(name, { ...range, value: part[key] }, value => { part[key] = value; draw(); });
  const colour = (name, c) => element("span", {}, element("svg", { viewBox: "-8 -8 16 16", "aria-hidden": true },
    element("circle", { r: 6, fill: colours[c] })), name);
  opened(el, "The loop, round by round",
    element("div", { class: "stage" }, element("div", { class: "picture" }, ground, svg),
      element("div", { class: "legend" }, ...emotions.map(colour),
        ...["★ label", ...(truth ? ["✕ network wrong"] : [])].map(text => element("span", {}, text))), about),
    element("div", { class: "controls" },
      element("div", { class: "buttons" }, button("One round", () => go(state.rounds + 1)),
        button("Settle", () => go(rounds)), button("Restart", () => go(0))),
      ...(moves.includes(true) ? [set(state, "turn", "turn °", { min: 0, max: 180, step: 5, digits: 0 }),
        set(state, "up", "move up", { min: 0, max: FAR, step: 0.1, digits: 1 })] : []),
      choice("shares", [`even, β ${field.balance}`, "free, β 0"],
        place => { state.field.balance = place ? 0 : field.balance; draw(); }),
      set(state.setting, "first", "ρ trust", { min: 0.1, max: 1, step: 0.05 }),
      set(state.setting, "momentum", "μ memory", { min: 0, max: 0.99, step: 0.01 }),
      set(state.setting, "agreement", "λ agree", { min: 0, max: 5, step: 0.25 }), said, lines, bars));
  draw();
}

export default { render };
