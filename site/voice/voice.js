// The page "Try your voice": record or choose a file, and see what the ready model makes of it, here in the browser.
import { RATE } from "./frames.js";
import { NO_SPEECH, answers, loaded } from "./model.js";
import { button, element, number, opened, percent } from "./panel.js";
import { decoded, resampled } from "./sound.js";

const FOLDER = new URL("./", import.meta.url).href, MOST = 120; // seconds of a recording
const HEIGHT = 170, FLOOR = 134, STRIP = 10, FOR = "#d55e00", AGAINST = "#0072b2";
const LOOK = `
  .panel { display: grid; grid-template-columns: minmax(0, 1fr); }
  .said { font-size: 1.15em; font-weight: 600; min-height: 1.5em; }
  .shares td:last-child { width: 100%; } .shares div { height: 0.9rem; border-radius: 3px; }
  .shares :is(td, th), .scroll button { white-space: nowrap; } .scroll td { text-align: left; }`;
const REFUSED = "The microphone is not to be had: allow it for this page, or choose a file.";

// What a microphone hears until `stop` is called, 16 kHz; nothing in it is levelled or cleaned by the browser.
async function recording(told) {
  const as = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  const context = new AudioContext(), pieces = [];
  let stream = null;
  try {
    await context.audioWorklet.addModule(`${FOLDER}recorder.js`);
    stream = await navigator.mediaDevices.getUserMedia({ audio: as });
  } catch (error) {
    await context.close();
    throw error;
  }
  await context.resume();
  const recorder = new AudioWorkletNode(context, "recorder");
  let length = 0;
  recorder.port.onmessage = ({ data }) => {
    pieces.push(data);
    length += data.length;
    told(length / context.sampleRate);
  };
  context.createMediaStreamSource(stream).connect(recorder);
  return async () => {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
    const whole = new Float32Array(length);
    pieces.reduce((place, piece) => { whole.set(piece, place); return place + piece.length; }, 0);
    return resampled(whole, context.sampleRate);
  };
}

// A waveform as a WAV file of 32-bit numbers.
function asWav(waveform) {
  const head = new DataView(new ArrayBuffer(44)), size = 4 * waveform.length;
  const text = (place, word) => [...word].forEach((letter, k) => head.setUint8(place + k, letter.charCodeAt(0)));
  text(0, "RIFF");
  text(8, "WAVEfmt ");
  text(36, "data");
  for (const [place, value] of [[4, 36 + size], [16, 16], [24, RATE], [28, 4 * RATE], [40, size]]) {
    head.setUint32(place, value, true);
  }
  for (const [place, value] of [[20, 3], [22, 1], [32, 4], [34, 32]]) head.setUint16(place, value, true);
  return new Blob([head, waveform], { type: "audio/wav" });
}

// The waveform; over it the stretches, as high as their confidence; below, the moments of the chosen one.
function picture(svg, waveform, found, chosen, colour) {
  const width = svg.clientWidth && svg.clientWidth < 500 ? 400 : 640, seconds = Math.max(waveform.length / RATE, 0.001);
  const across = time => (width * time) / seconds, columns = width / 2, part = Math.ceil(waveform.length / columns);
  const loudest = Array.from({ length: columns }, (_, k) =>
    waveform.subarray(k * part, (k + 1) * part).reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  const scale = (FLOOR / 2 - 4) / Math.max(...loudest, 1e-9), middle = FLOOR / 2;
  const side = sign => loudest.map((value, k) => `${2 * k},${middle + sign * scale * value}`);
  const bars = found.map((one, k) => element("rect", { x: across(one.start), width: across(one.end - one.start),
    y: FLOOR * (1 - one.confidence), height: FLOOR * one.confidence, fill: colour(one),
    "fill-opacity": k === chosen ? 0.7 : 0.4 }));
  const moments = chosen < 0 ? [] : found[chosen].moments;
  const most = Math.max(...moments.map(one => Math.abs(one.evidence)), 1e-9);
  const marks = moments.map(({ from, to, evidence }) => element("rect", { x: across(found[chosen].start + from),
    width: across(to - from), y: FLOOR + 4, height: STRIP, fill: evidence > 0 ? FOR : AGAINST,
    "fill-opacity": Math.abs(evidence) / most }));
  const step = [0.5, 1, 2, 5, 10, 30, 60, 300].find(size => seconds / size <= 8) ?? 600;
  const ticks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, k) => element("text", { x: across(k * step),
    y: HEIGHT - 4, "font-size": 13, "text-anchor": k ? "middle" : "start" }, `${k * step} s`));
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.replaceChildren(...bars, element("path", { d: `M${[...side(-1), ...side(1).reverse()].join("L")}Z`,
    "fill-opacity": 0.75 }), element("line", { x1: 0, x2: width, y1: FLOOR, y2: FLOOR, stroke: "currentColor" }),
  ...marks, ...ticks.filter((_, k) => across(k * step) < width - 12 || !k));
}

export function render(el) {
  let model = null, stop = null, waveform = null, found = [], chosen = -1;
  const said = element("p", { class: "said", role: "status" }), clock = element("span", { "aria-hidden": true });
  const svg = element("svg", { role: "img", "aria-label": "Waveform", viewBox: `0 0 640 ${HEIGHT}` });
  const sound = element("audio", { controls: true, "aria-label": "What was heard" });
  const file = element("input", { type: "file", accept: "audio/*,video/*", hidden: true, change: () => take() });
  const record = button("Record", () => toggle()), choose = button("Choose a file", () => file.click());
  const shares = element("table", { class: "shares" }), parts = element("div", { class: "scroll" });
  const shown = element("div", { hidden: true }, svg, sound, shares, parts,
    element("p", { class: "hint" }, "Bars: the higher, the surer. Strip below: orange moments speak for the answer, "
      + "blue ones against it. An answer says what a voice sounds like to a model that learned from actors. "
      + "It does not say what anybody feels."));
  const tell = text => { said.textContent = text; };
  const colour = one => model.head.colours[model.head.classes.indexOf(one.emotion)] ?? "none";
  const time = one => `${number(one.start, 1)}–${number(one.end, 1)} s`;
  const told = one => (one.emotion === NO_SPEECH ? `No speech: the sign of it is ${percent(one.sign)}`
    : (one.confidence < model.head.unsure ? `Unsure: most like ${one.emotion}, ` : `${one.emotion}, `)
    + percent(one.confidence));
  const why = one => one.doubt.split("; ").filter(reason => reason && !reason.startsWith("unsure"));

  const show = () => {
    const one = found[chosen];
    picture(svg, waveform, found, chosen, colour);
    shares.replaceChildren(...(one?.moments.length ? model.head.classes.map((name, c) => element("tr", {},
      element("th", { scope: "row" }, name), element("td", {}, percent(one.probabilities[c])),
      element("td", {}, element("div", { style: `background: ${model.head.colours[c]};`
        + `width: ${100 * one.probabilities[c]}%` })))) : []));
    const rows = found.map((part, k) => element("tr", {},
      element("td", {}, element("button", { type: "button", "aria-pressed": String(k === chosen),
        click: () => pick(k) }, time(part))),
      element("td", {}, [told(part), ...why(part)].join(" · "))));
    parts.replaceChildren(...(found.length > 1 ? [element("table", {}, element("caption", {}, "Stretches of speech"),
      ...rows)] : []));
    parts.tabIndex = parts.scrollWidth > parts.clientWidth ? 0 : -1;
    svg.setAttribute("aria-label", `Waveform. ${found.map(part => `${time(part)}: ${told(part)}`).join("; ")}`);
  };
  const pick = k => {
    chosen = k;
    show();
    parts.querySelectorAll("button")[k]?.focus();
  };

  // Ask the model about a sound; `listen` brings it, 16 kHz.
  const ask = async listen => {
    record.disabled = choose.disabled = true;
    [found, chosen] = [[], -1];
    try {
      tell("Reading the sound …");
      waveform = await listen();
      shown.hidden = false;
      URL.revokeObjectURL(sound.src);
      sound.src = URL.createObjectURL(asWav(waveform));
      show();
      model ??= await loaded(FOLDER, tell);
      for await (const one of answers(model, waveform)) {
        found.push(one);
        chosen = 0;
        tell(one.count > 1 ? `Stretch ${one.number + 1} of ${one.count} …` : "");
        show();
      }
      const [first] = found;
      tell(found.length > 1 ? `${found.length} stretches of speech`
        : [told(first), ...why(first)].join(" · "));
    } catch (error) {
      tell(error.name === "EncodingError" ? "This browser cannot read that file as sound." : error.message);
    }
    record.disabled = choose.disabled = false;
  };
  const take = () => {
    const [one] = file.files;
    file.value = "";
    if (one) ask(async () => decoded(await one.arrayBuffer()));
  };
  const toggle = async () => {
    if (stop) {
      const end = stop;
      [stop, record.textContent, clock.textContent, choose.disabled] = [null, "Record", "", false];
      return ask(end);
    }
    try {
      choose.disabled = record.disabled = true;
      stop = await recording(seconds => {
        clock.textContent = `${seconds.toFixed(0)} s`;
        if (stop && seconds > MOST) toggle();
      });
      [record.textContent, record.disabled] = ["Stop", false];
      tell("Recording. Press Stop when you have spoken.");
    } catch {
      [choose.disabled, record.disabled] = [false, false];
      tell(REFUSED);
    }
  };

  opened(el, "Try your voice", element("style", {}, LOOK),
    element("div", { class: "buttons" }, record, choose, clock, file), said, shown);
}

for (const el of document.querySelectorAll(".sere-voice")) render(el);
