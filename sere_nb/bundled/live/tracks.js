// An utterance in time: pitch, loudness and change, with a cursor that runs while it plays and goes where you point.
import { element, number, opened } from "./panel.js";

const HEIGHT = 300, LEFT = 84, STRIP = 92, BLUE = "#2b8cd6";
const STRIPS = [["pitch", "Hz", 0], ["loudness", "dB", 0], ["flux", "", 2]];
const TITLES = { pitch: "pitch", loudness: "loudness", flux: "change" };

// The frame whose centre is nearest to a time.
export const frameAt = (seconds, { first, hop, pitch }) =>
  Math.min(Math.max(Math.round((seconds - first) / hop), 0), pitch.length - 1);

// Stretches of frames for which something holds, as [begin, end).
export function stretches(holds) {
  const edges = holds.flatMap((one, k) => (one !== (holds[k - 1] ?? false) ? [k] : []));
  if (holds.at(-1)) edges.push(holds.length);
  return edges.flatMap((begin, k) => (k % 2 ? [] : [[begin, edges[k + 1]]]));
}

function render({ model, el }) {
  const told = model.get("data"), { first, hop, active, weights } = told, frames = active.length;
  const width = el.clientWidth && el.clientWidth < 500 ? 400 : 640, right = width - 16; // a phone, or a desk
  const end = told.seconds, across = seconds => LEFT + ((right - LEFT) * seconds) / end;
  const centre = frame => across(first + frame * hop);

  const strip = ([name, unit], place) => {
    const values = told[name], there = values.filter(value => value !== null), top = 8 + place * STRIP;
    const low = Math.min(...there), high = Math.max(...there);
    const height = value => top + 74 - (68 * (value - low)) / (high - low || 1);
    const lines = stretches(values.map(value => value !== null)).map(([a, b]) => element("polyline", {
      points: values.slice(a, b).map((value, k) => [centre(a + k), height(value)]).join(" "),
      fill: "none", stroke: BLUE, "stroke-width": 2 }));
    const dots = values.flatMap((value, k) =>
      (value === null ? [] : [element("circle", { cx: centre(k), cy: height(value), r: 2.2, fill: BLUE })]));
    const say = (value, y) => element("text", { x: LEFT - 8, y, "text-anchor": "end", "font-size": 13 },
      `${number(value, name === "flux" ? 1 : 0)} ${unit}`);
    return element("g", {},
      ...stretches(active).map(([a, b]) => element("rect", { x: across(first + (a - 0.5) * hop), y: top,
        width: across((b - a) * hop) - LEFT, height: 78, fill: BLUE, "fill-opacity": 0.13 })),
      ...(name === "flux" && weights ? bars(top) : []), ...lines, ...dots, say(high, top + 12), say(low, top + 76),
      element("text", { x: LEFT - 8, y: top + 44, "text-anchor": "end", "font-size": 14, "font-weight": 600 },
        TITLES[name]));
  };
  const bars = top => weights.map((weight, k) => element("rect", { x: centre(k) - 2, y: top + 78 - 74 * weight,
    width: 4, height: 74 * weight, fill: "#e69f00", "fill-opacity": 0.6 }));

  const cursor = element("line", { y1: 4, y2: 8 + 3 * STRIP - 10, stroke: "#d55e00", "stroke-width": 2.5 });
  const ticks = Array.from({ length: Math.floor(end / 0.5) + 1 }, (_, k) => element("text",
    { x: across(k / 2), y: HEIGHT - 6, "text-anchor": "middle", "font-size": 13 }, `${(k / 2).toFixed(1)} s`));
  const svg = element("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, tabindex: 0, role: "slider", class: "grab",
    "aria-label": "Moment of the utterance", "aria-valuemin": 0, "aria-valuemax": end.toFixed(2) },
  ...STRIPS.map(strip), ...ticks, cursor);
  const sound = element("audio", { controls: true, preload: "auto", src: told.sound, "aria-label": "utterance" });
  const said = element("p", { class: "said" });

  // Where the cursor is, is what the player says; what stands below is what the tracks say there.
  const tell = () => {
    const now = sound.currentTime, frame = frameAt(now, told), pitch = told.pitch[frame];
    cursor.setAttribute("x1", across(now));
    cursor.setAttribute("x2", across(now));
    said.textContent = [`${now.toFixed(2)} s`, active[frame] ? "speech" : "pause",
      pitch === null ? "no pitch" : `pitch ${number(pitch, 0)} Hz`,
      `loudness ${number(told.loudness[frame], 1)} dB`, `change ${number(told.flux[frame], 2)}`,
      ...(weights ? [`weight ${number(weights[frame], 2)} of the highest`] : [])].join(" · ");
    svg.setAttribute("aria-valuenow", now.toFixed(2));
    svg.setAttribute("aria-valuetext", said.textContent);
    if (!sound.paused) requestAnimationFrame(tell);
  };
  const go = seconds => { sound.currentTime = Math.min(Math.max(seconds, 0), end); tell(); };
  const point = event => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    go((end * (at.x - LEFT)) / (right - LEFT));
  };
  svg.addEventListener("pointerdown", event => { svg.setPointerCapture(event.pointerId); point(event); });
  svg.addEventListener("pointermove", event => { if (event.buttons) point(event); });
  svg.addEventListener("keydown", event => {
    const step = { ArrowLeft: -hop, ArrowDown: -hop, ArrowRight: hop, ArrowUp: hop, Home: -end, End: end }[event.key];
    if (step) go(sound.currentTime + step);
    else if (event.key === " ") sound.paused ? sound.play() : sound.pause();
    else return;
    event.preventDefault();
  });
  for (const name of ["play", "seeked", "timeupdate", "loadedmetadata"]) sound.addEventListener(name, tell);
  opened(el, "An utterance in time", element("div", { class: "stage" }, svg,
    sound, said, element("p", { class: "hint" }, "Shaded: somebody speaks. "
      + (weights ? "Orange: how much a moment weighs. " : "")
      + "Click or drag to go there. Keys: arrows move by one frame, space plays.")));
  tell();
}

export default { render };
