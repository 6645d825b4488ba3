// The field on a plane: take hold of a point, move a slider, press a button, and see who believes what.
import { button, choice, element, fitted, handles, mixed, number, opened, percent, slider, STAR } from "./panel.js";
import { fit, trust, voiceShare, withoutVoices } from "./resonance.js";

const WIDTH = 480, HEIGHT = 400, GRID = [48, 40];
const SHAPES = ["M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0", "M-5,-5h10v10h-10z", "M0,-7l7,12h-14z",
  "M0,-8l7,8l-7,8l-7,-8z", "M-7,-2.5h4.5v-4.5h5v4.5h4.5v5h-4.5v4.5h-5v-4.5h-4.5z"];
const WAYS = ["as recorded", "centred per speaker", "centred where trusted"];
const SLIDERS = {
  bandwidth: ["γ reach", { min: -1, max: 1, step: 0.05, power: true }],
  damping: ["λ damping", { min: -5, max: 0, step: 0.1, power: true }],
  temperature: ["τ doubt", { min: -2, max: 0, step: 0.05, power: true }],
  balance: ["β shares", { min: 0, max: 0.95, step: 0.05 }],
};

// What follows from where the points are and how everything is set; the picture shows this and nothing else.
export function answer({ X, y, speakers, truth, classes, way, setting }) {
  const free = y.map(one => one < 0), free_only = rows => rows.filter((_, j) => free[j]);
  const nobody = speakers.map(() => 0);
  const share = () => voiceShare(free_only(fit(X, y, nobody, classes, { ...setting, rounds: 8 }).field),
    free_only(speakers));
  const voices = way === 2 ? share() : null;
  const trusted = [0, 1, voices === null ? 0 : trust(voices)][way];
  const places = withoutVoices(X, speakers, trusted);
  const found = fit(places, y, trusted > 0.5 ? speakers : nobody, classes, setting);
  const guesses = found.table.map(row => row.indexOf(Math.max(...row)));
  const wrong = guesses.map((guess, j) => truth !== null && free[j] && guess !== truth[j]);
  const right = truth && 1 - wrong.filter(Boolean).length / free.filter(Boolean).length;
  return { ...found, places, guesses, wrong, right, trusted, voices };
}

function render({ model, el }) {
  const { scenes, emotions, colours, setting } = model.get("data");
  const state = { classes: emotions.length, way: 0, setting: { ...setting, rounds: 0 } };
  let found = null, toPlane = null, toPicture = null, marks = [], chosen = null;

  const ground = element("canvas", { width: GRID[0], height: GRID[1], "aria-hidden": true });
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "application",
    "aria-label": "Plane of utterances. Arrows move the chosen one, N and P choose the next or the one before, "
      + "L gives it a label, another one, or none." });
  const curve = element("svg", { viewBox: "0 0 300 70", role: "img" });
  const said = element("p", { class: "said", role: "status" }), about = element("p", { class: "hint" });

  const draw = () => {
    found = answer(state);
    found.places.forEach((place, j) => {
      const known = state.y[j] >= 0, colour = mixed(known ? one_hot(state.y[j]) : found.table[j], colours);
      marks[j].shape.setAttribute("d", known ? STAR : SHAPES[state.names.indexOf(state.speakers[j]) % 5]);
      marks[j].shape.setAttribute("fill", `rgb(${colour})`);
      marks[j].whole.setAttribute("transform", `translate(${toPicture(place)})`);
      marks[j].cross.setAttribute("visibility", found.wrong[j] && state.setting.rounds ? "visible" : "hidden");
      marks[j].ring.setAttribute("visibility", j === chosen ? "visible" : "hidden");
    });
    paint();
    tell();
  };
  const one_hot = label => emotions.map((_, c) => Number(c === label));

  const paint = () => {
    const places = Array.from({ length: GRID[0] * GRID[1] }, (_, cell) => toPlane([
      (cell % GRID[0] + 0.5) * WIDTH / GRID[0], (Math.floor(cell / GRID[0]) + 0.5) * HEIGHT / GRID[1]]));
    const context = ground.getContext("2d"), image = context.createImageData(...GRID);
    found.asked(places).forEach((beliefs, cell) => image.data.set([...mixed(beliefs, colours), 110], 4 * cell));
    context.putImageData(image, 0, 0);
  };

  const tell = () => {
    const energies = found.energies, rounds = state.setting.rounds;
    const parts = [`round ${rounds}`];
    if (rounds) parts.push(`free energy ${number(energies.at(-1), 4)}`);
    if (rounds && found.right !== null) parts.push(`right ${percent(found.right)}`);
    if (found.voices !== null) {
      parts.push(`speakers’ share ${number(found.voices, 2)}, trust ${number(found.trusted, 2)}`);
    }
    said.textContent = parts.join(" · ");
    const low = Math.min(...energies), high = Math.max(...energies), last = Math.max(8, rounds);
    const points = energies.map((energy, k) =>
      [18 + (k * 270) / (last - 1), 60 - (high > low ? (45 * (energy - low)) / (high - low) : 0)]);
    curve.setAttribute("aria-label", rounds
      ? `Free energy of ${rounds} rounds, from ${number(energies[0], 4)} to ${number(energies.at(-1), 4)}`
      : "Free energy: no round yet");
    curve.replaceChildren(
      element("line", { x1: 8, y1: 66, x2: 292, y2: 66, stroke: "currentColor", "stroke-opacity": 0.5 }),
      element("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 2 }),
      ...points.map(([cx, cy]) => element("circle", { cx, cy, r: 3.5 })),
      element("text", { x: 292, y: 14, "text-anchor": "end", "font-size": 13 }, "free energy, round by round"));
    about.textContent = chosen === null ? "Drag a point, or double-click it to give it a label. "
      + "Keys: arrows, N and P, L." : `Point ${chosen + 1}, speaker ${state.speakers[chosen]}: `
      + emotions.map((name, c) => `${name} ${percent(found.table[chosen][c])}`).join(", ")
      + (state.y[chosen] >= 0 ? " (labelled)" : "");
  };

  // The recorded place moves by as much as the shown one has to go; speakers' means move along.
  const move = (j, picture) => {
    toPlane(picture).forEach((value, a) => { state.X[j][a] += value - found.places[j][a]; });
    draw();
  };
  const label = j => {
    const next = state.y[j] + 1 < emotions.length ? state.y[j] + 1 : -1;
    if (next < 0 && state.y.filter(one => one >= 0).length === 1) return true; // somebody has to know something
    state.y[j] = next;
    draw();
    return true;
  };

  const begin = number => {
    const { X, y, speakers, truth } = scenes[number];
    Object.assign(state, { X: X.map(row => [...row]), y: [...y], speakers, truth, names: [...new Set(speakers)] });
    state.setting.rounds = 0;
    ({ toPlane, toPicture } = fitted(X, WIDTH, HEIGHT));
    marks = X.map((_, j) => {
      const shape = element("path", { stroke: "currentColor", "stroke-width": 1 });
      const cross = element("path", { d: "M-7,-7L7,7M7,-7L-7,7", stroke: "currentColor", "stroke-width": 2 });
      const ring = element("circle", { r: 16, fill: "none", stroke: "currentColor", "stroke-width": 2 });
      const whole = element("g", { class: "grab", "data-point": j, dblclick: () => label(j) },
        element("circle", { r: 14, fill: "transparent" }), shape, cross, ring);
      return { shape, cross, ring, whole };
    });
    svg.replaceChildren(...marks.map(mark => mark.whole));
    chosen = null;
    draw();
  };

  const rounds = change => { state.setting.rounds = change(state.setting.rounds); draw(); };
  const sliders = Object.entries(SLIDERS).map(([name, [title, range]]) =>
    slider(title, { ...range, value: setting[name] }, value => { state.setting[name] = value; draw(); }));
  const colour = (name, c) => element("span", {}, element("svg", { viewBox: "-8 -8 16 16", "aria-hidden": true },
    element("path", { d: SHAPES[0], fill: colours[c] })), name);
  handles(svg, { count: () => state.X.length, place: j => toPicture(found.places[j]), move,
    chosen: j => { chosen = j; draw(); }, key: (event, j) => "lL".includes(event.key) && label(j) });
  const several = new Set(scenes.flatMap(scene => scene.speakers)).size > 1;
  opened(el, "The field on a plane",
    element("div", { class: "stage" }, element("div", { class: "picture" }, ground, svg),
      element("div", { class: "legend" }, ...emotions.map(colour),
        ...["★ label", ...(several ? ["shape: speaker"] : []), ...(scenes[0].truth ? ["✕ wrong"] : [])]
          .map(text => element("span", {}, text))), about),
    element("div", { class: "controls" },
      element("div", { class: "buttons" }, button("One round", () => rounds(n => n + 1)),
        button("Settle", () => rounds(() => 8)), button("Restart", () => rounds(() => 0))),
      ...(scenes.length > 1 ? [choice("scene", scenes.map(scene => scene.name), begin)] : []),
      ...(several ? [choice("voices", WAYS, way => { state.way = way; draw(); })] : []),
      ...sliders, said, curve));
  begin(0);
}

export default { render };
