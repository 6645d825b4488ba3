// What the live pictures share: elements, controls, a stage to drag things on, and how a page starts them.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "g", "path", "circle", "line", "polyline", "rect", "text"]);

export const STAR = "M0,-13l3.6,8.3l9,0.8l-6.8,5.9l2,8.8l-7.8,-4.7l-7.8,4.7l2,-8.8l-6.8,-5.9l9,-0.8z";

export const STYLE = `
:host { display: block; margin: 1rem 0; color: inherit; font-size: 0.9rem; line-height: 1.4; }
* { box-sizing: border-box; }
.panel { display: flex; flex-wrap: wrap; gap: 0.9rem 1.2rem; align-items: flex-start; border-radius: 6px;
  padding: 0.8rem; border: 1px solid color-mix(in srgb, currentColor 30%, transparent); }
.picture { position: relative; } .stage { flex: 1.4 1 20rem; min-width: 0; }
.picture canvas { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 4px; }
.controls { flex: 1 1 13.5rem; min-width: 0; display: grid; gap: 0.45rem; }
svg { display: block; position: relative; width: 100%; height: auto; overflow: visible; fill: currentColor; }
label { display: grid; grid-template-columns: 4.9rem 1fr 3.1rem; gap: 0.4rem; align-items: center; }
label output { text-align: right; font-variant-numeric: tabular-nums; }
input { width: 100%; min-width: 0; accent-color: #0072b2; height: 1.5rem; margin: 0; }
select, button { font: inherit; color: inherit; padding: 0.3rem 0.45rem; border-radius: 4px; cursor: pointer;
  background: color-mix(in srgb, currentColor 9%, transparent); min-height: 2rem;
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent); }
select { grid-column: 2 / 4; min-width: 0; } option { color: #111; background: #fff; }
button[aria-pressed="true"] { background: color-mix(in srgb, currentColor 26%, transparent); }
button:disabled { opacity: 0.75; cursor: default; }
.buttons, .legend { display: flex; flex-wrap: wrap; gap: 0.3rem; align-items: center; }
.legend { margin: 0.5rem 0; column-gap: 0.9rem; }
.legend svg { width: 1rem; height: 1rem; display: inline-block; vertical-align: -0.15rem; margin-right: 0.3rem; }
:is(svg, button, select, input, [tabindex]):focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
p { margin: 0; } .said { font-variant-numeric: tabular-nums; } .hint { font-size: 0.85em; }
.scroll { overflow-x: auto; max-width: 100%; } table { border-collapse: collapse; } caption { text-align: left; }
th { font-weight: 500; padding: 0.15rem 0.35rem; text-align: right; }
td { text-align: center; padding: 1px; min-width: 2.4rem; } td button { width: 100%; padding: 0.3rem 0.2rem; }
td.own { outline: 1px solid currentColor; outline-offset: -1px; font-weight: 600; }
td button[aria-pressed="true"] { outline: 3px solid currentColor; outline-offset: -3px; }
table.narrow [scope=col] { vertical-align: bottom; text-align: center; }
table.narrow [scope=col] span { writing-mode: vertical-rl; transform: rotate(180deg); }
audio { width: 100%; margin: 0.4rem 0; }
figure { margin: 0; } figure canvas { width: 100%; display: block; image-rendering: pixelated;
  border: 1px solid color-mix(in srgb, currentColor 45%, transparent); }
figure.now canvas { outline: 2px solid currentColor; } figcaption { font-size: 0.85em; white-space: nowrap; }
.tables { display: grid; grid-template-columns: 3fr 3fr 1fr; gap: 0.5rem; align-items: end; }
.grab { cursor: grab; touch-action: none; }
`;

// An element of HTML or SVG; a function is what to do at an event of that name.
export function element(tag, attributes = {}, ...children) {
  const made = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// The root of a view, which no style of the page around it reaches.
export function opened(el, name, ...children) {
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  const panel = element("div", { class: "panel", role: "group", "aria-label": name }, ...children);
  root.replaceChildren(element("style", {}, STYLE), panel);
  root.addEventListener("keydown", event => event.stopPropagation()); // a notebook has its own use for arrows and N
}

// A slider. With `power`, its value is ten to the power of where it stands. Its steps pass where it starts.
export function slider(name, { min, max, step, value, power = false, digits = 2 }, moved) {
  const read = () => (power ? 10 ** Number(input.value) : Number(input.value));
  const start = power ? Math.log10(value) : value, first = start - Math.round((start - min) / step) * step;
  const input = element("input", { type: "range", min: first, max, step, "aria-label": name, input: () => tell(true) });
  const said = element("output");
  const tell = byHand => {
    said.textContent = power ? String(Number(read().toPrecision(digits))) : read().toFixed(digits);
    input.setAttribute("aria-valuetext", said.textContent);
    if (byHand) moved(read());
  };
  input.value = start;
  tell(false);
  return element("label", {}, element("span", {}, name), input, said);
}

export function choice(name, options, chosen) {
  const list = options.map((text, place) => element("option", { value: place }, text));
  const select = element("select", { "aria-label": name, change: () => chosen(Number(select.value)) }, ...list);
  return element("label", {}, element("span", {}, name), select);
}

export const button = (text, act) => element("button", { type: "button", click: act }, text);

// Percent, and numbers with a true minus.
export const percent = share => `${Math.round(100 * share)}\u00a0%`;
export const number = (value, digits) => value.toFixed(digits).replace("-", "−");

// Colours, "#rrggbb", mixed as the weights say.
export function mixed(weights, colours) {
  const part = at => weights.reduce((sum, w, c) => sum + w * parseInt(colours[c].slice(at, at + 2), 16), 0);
  return [1, 3, 5].map(at => Math.round(part(at)));
}

// From points of a plane to places in a picture that holds them all, and back.
export function fitted(points, width, height, margin = 34) {
  const [low, high] = [Math.min, Math.max].map(end => [0, 1].map(a => end(...points.map(row => row[a]))));
  const across = [width, height].map((size, a) => (size - 2 * margin) / (high[a] - low[a] || 1));
  const scale = Math.min(...across), centre = [0, 1].map(a => (low[a] + high[a]) / 2);
  return {
    toPicture: ([x, y]) => [width / 2 + scale * (x - centre[0]), height / 2 - scale * (y - centre[1])],
    toPlane: ([x, y]) => [centre[0] + (x - width / 2) / scale, centre[1] - (y - height / 2) / scale],
  };
}

// Points of an SVG that a pointer or the keyboard moves: arrows move the chosen one, N and P choose another.
export function handles(svg, { count, place, move, chosen, key = () => false }) {
  let current = 0, dragged = null;
  const inside = place => [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height].map((size, a) =>
    Math.min(Math.max(place[a], 8), size - 8));
  const at = event => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return inside([point.x, point.y]);
  };
  const choose = one => { current = (one + count()) % count(); chosen(current); };
  svg.addEventListener("pointerdown", event => {
    const near = event.target.closest("[data-point]");
    if (!near) return;
    dragged = Number(near.dataset.point);
    svg.setPointerCapture(event.pointerId);
    svg.focus();
    choose(dragged);
    event.preventDefault();
  });
  svg.addEventListener("pointermove", event => { if (dragged !== null) move(dragged, at(event)); });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { dragged = null; });
  svg.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) move(current, inside(place(current).map((value, axis) => value + 8 * step[axis])));
    else if ("nN".includes(event.key)) choose(current + 1);
    else if ("pP".includes(event.key)) choose(current - 1);
    else if (!key(event, current)) return;
    event.preventDefault();
  });
  svg.addEventListener("focus", () => choose(current));
  svg.addEventListener("blur", () => chosen(null));
}

// In a page without Python: every place that waits for this view gets it, with the data it brings.
export function start(name, render) {
  for (const el of document.querySelectorAll(`[data-live="${name}"]`)) {
    const data = JSON.parse(el.dataset.with);
    render({ model: { get: () => data }, el });
  }
}
