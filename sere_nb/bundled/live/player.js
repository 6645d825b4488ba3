// One player for all recordings of a page. A stretch of a long file plays from its start to its end.
import { element } from "./panel.js";

export function onePlayer(moved = () => {}) {
  const sound = element("audio", { controls: true, preload: "auto" });
  const fault = element("p", { class: "hint", hidden: true });
  const box = element("div", { class: "player" }, sound, fault);
  let row = null, gesture = false, wanted = null, ended = () => {}; // wanted: where to go once the sound is there
  const inFile = () => row && row.part && !row.cut; // else the sound holds nothing but this row
  const shift = () => (row && row.part && row.cut ? row.start : 0); // from the sound's time to the file's
  const finished = () => { sound.pause(); moved(); ended(row); };
  const watch = () => {
    if (wanted === null && inFile() && !sound.paused && sound.currentTime >= row.end - 0.01) finished();
    else moved();
  };
  const run = () => { if (!sound.paused) { watch(); requestAnimationFrame(run); } };
  const play = () => { gesture = true; sound.play().catch(() => {}); };
  const fail = () => {
    fault.textContent = row?.audio ? "This browser cannot play the file, or it is not where it was: play it in another program."
      : row?.mute ?? "Its sound is not in this page.";
    fault.hidden = false;
    sound.hidden = true;
  };
  // Go to a row, and to a time of its file; `then` is told when the row's end is reached.
  const load = (next, time = next.part ? next.start : 0, then = () => {}) => {
    const source = next.audio;
    sound.pause();
    ended = then;
    row = next;
    sound.hidden = false;
    fault.hidden = true;
    sound.setAttribute("aria-label", next.path);
    if (!source) { sound.removeAttribute("src"); fail(); return; }
    if (sound.getAttribute("src") !== source) sound.setAttribute("src", source);
    wanted = Math.max(0, time - shift());
    if (sound.readyState > 0) arrive();
  };
  const arrive = () => {
    if (wanted !== null) sound.currentTime = wanted;
    wanted = null;
  };
  sound.addEventListener("loadedmetadata", arrive);
  sound.addEventListener("error", () => { if (sound.getAttribute("src")) fail(); });
  sound.addEventListener("ended", () => { if (!inFile()) finished(); });
  sound.addEventListener("play", () => {
    gesture = true;
    if (wanted === null && inFile() && (sound.currentTime >= row.end - 0.02 || sound.currentTime < row.start - 0.05)) sound.currentTime = row.start;
    run();
  });
  for (const name of ["pause", "seeked", "timeupdate"]) sound.addEventListener(name, watch);
  return {
    box, load, play,
    row: () => row,
    time: () => shift() + (wanted ?? sound.currentTime), // in the file, seconds
    playing: () => !sound.paused,
    again() { if (row) { sound.currentTime = inFile() ? row.start : 0; play(); } },
    toggle: () => (sound.paused ? play() : sound.pause()),
    stop: () => sound.pause(),
    allowed: () => gesture, // browsers start no sound before a person has done something
    touched() { gesture = true; },
  };
}
