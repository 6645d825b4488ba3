// The chain of chapter tric, step by step: from a label to the unlabelled, on among them, and home.
import { button, element, fitted, handles, number, opened, percent, slider, STAR } from "./panel.js";
import { dot, softmax, squared, sum } from "./resonance.js";

const WIDTH = 480, HEIGHT = 360;
const STEPS = ["at a label", "to the unlabelled", "on among them", "home"];
const NAMES = ["L → U", "U → U", "U → L"], SHAPES = [4, 1, 1 / 3];

export function transitions(first, second, bandwidth, sharpness, loops = true) {
  return first.map((u, i) => softmax(second.map((v, j) =>
    loops || i !== j ? -sharpness * Math.log1p(squared(u, v) / bandwidth ** 2) : -Infinity)));
}

export function walk(anchors, unlabelled, bandwidth, sharpness) {
  return [transitions(anchors, unlabelled, bandwidth, sharpness),
    transitions(unlabelled, unlabelled, bandwidth, sharpness, false),
    transitions(unlabelled, anchors, bandwidth, sharpness)];
}

const times = (row, matrix) => matrix[0].map((_, j) => dot(row, matrix.map(line => line[j])));

// Where a walk from one anchor is after none to three steps.
export function whereabouts(start, anchors, tables) {
  const places = [anchors.map((_, i) => Number(i === start))];
  for (const table of tables) places.push(times(places.at(-1), table));
  return places;
}

const homeward = (place, classes, start) => sum(place.filter((_, j) => classes[j] === classes[start]));

export function chain(anchors, classes, tables) {
  const home = anchors.map((_, i) => homeward(whereabouts(i, anchors, tables)[3], classes, i));
  return -sum(home.map(share => Math.log(Math.max(share, Number.MIN_VALUE)))) / anchors.length;
}

function render({ model, el }) {
  const told = model.get("data"), { classes, colours } = told, labels = classes.length;
  const points = [...told.anchors, ...told.unlabelled].map(row => [...row]);
  const state = { start: told.start, step: 0, bandwidth: told.bandwidth, sharpness: told.sharpness, chosen: null };
  const { toPlane, toPicture } = fitted(points, WIDTH, HEIGHT);

  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, tabindex: 0, role: "application",
    "aria-label": "Plane of labels and unlabelled points. Arrows move the chosen one, N and P choose the next or "
      + "the one before; the walk starts at the label chosen last." });
  const said = element("p", { class: "said", role: "status" });
  const canvases = SHAPES.map(shape =>
    element("canvas", { "aria-hidden": true, style: `aspect-ratio: ${shape}` }));
  const figures = NAMES.map((name, k) => element("figure", {}, canvases[k], element("figcaption", {}, name)));
  const discs = points.map(() => element("circle", { fill: "#8464d8", "fill-opacity": 0.6 }));
  const rings = points.map(() =>
    element("circle", { r: 17, fill: "none", stroke: "currentColor", "stroke-width": 2 }));
  const marks = points.map((_, j) => element("g", { class: "grab", "data-point": j },
    element("circle", { r: 13, fill: "transparent" }), discs[j],
    j < labels ? element("path", { d: STAR, fill: colours[classes[j]], stroke: "currentColor" })
      : element("circle", { r: 3.5 }), rings[j]));
  svg.append(...marks.slice(labels), ...marks.slice(0, labels));

  const draw = () => {
    const anchors = points.slice(0, labels), unlabelled = points.slice(labels);
    const tables = walk(anchors, unlabelled, state.bandwidth, state.sharpness);
    const places = whereabouts(state.start, anchors, tables), now = places[state.step];
    const atLabels = state.step % 3 === 0;
    points.forEach((point, j) => {
      const here = atLabels === j < labels ? now[atLabels ? j : j - labels] : 0;
      discs[j].setAttribute("r", 34 * Math.sqrt(here));
      marks[j].setAttribute("transform", `translate(${toPicture(point)})`);
      rings[j].setAttribute("visibility", j === state.chosen ? "visible" : "hidden");
    });
    tables.forEach((table, k) => paint(canvases[k], table));
    figures.forEach((figure, k) => figure.classList.toggle("now", k === state.step - 1));
    said.textContent = [`step ${state.step}: ${STEPS[state.step]}`,
      `from label ${state.start + 1}, ${percent(homeward(places[3], classes, state.start))} come home to its class`,
      `loss of the chain ${number(chain(anchors, classes, tables), 3)}`].join(" · ");
    next.disabled = state.step === 3;
  };

  // A darker cell is a likelier step; the likeliest of a table is the darkest.
  const paint = (canvas, table) => {
    Object.assign(canvas, { width: table[0].length, height: table.length });
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    const most = Math.max(...table.flat());
    table.flat().forEach((p, cell) => image.data.set([30, 130, 205, 255 * Math.sqrt(p / most)], 4 * cell));
    context.putImageData(image, 0, 0);
  };

  const go = step => { state.step = step; draw(); };
  const next = button("Next step", () => go(state.step + 1));
  handles(svg, {
    count: () => points.length, place: j => toPicture(points[j]),
    move: (j, at) => { points[j] = toPlane(at); draw(); },
    chosen: j => { state.chosen = j; if (j !== null && j < labels) state.start = j; draw(); },
  });
  opened(el, "The chain, step by step",
    element("div", { class: "stage" }, svg,
      element("p", { class: "hint" }, "Stars are labels, dots have none. A violet disc is a place of the walk; its "
        + "area is how likely. Click a star to start there; drag anything. Keys: arrows, N and P.")),
    element("div", { class: "controls" },
      element("div", { class: "buttons" }, next, button("Restart", () => go(0))),
      slider("γ reach", { min: -1.5, max: 1, step: 0.05, power: true, value: state.bandwidth },
        value => { state.bandwidth = value; draw(); }),
      slider("κ sharp", { min: 0.5, max: 20, step: 0.5, digits: 1, value: state.sharpness },
        value => { state.sharpness = value; draw(); }),
      said, element("div", { class: "tables" }, ...figures)));
  draw();
}

export default { render };
