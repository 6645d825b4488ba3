// Recordings and the answers to them: asked one after the other, or all of them in a table.
import { answerSheet } from "./given.js";
import { drawAsk } from "./ask.js";
import { drawSheet } from "./sheet.js";

function render({ model, el }) {
  const told = model.get("data"), inPage = !model.save_changes;
  const tell = answers => { // a notebook's Python reads them; a page has no Python
    if (inPage) return;
    model.set("said", answers);
    model.save_changes();
  };
  const sheet = answerSheet(told, tell);
  if (told.alone) { // a page of its own: it takes every key, and warns before answers are lost
    window.addEventListener("beforeunload", event => {
      if (sheet.unsaved()) event.preventDefault();
    });
  }
  (told.kind === "ask" ? drawAsk : drawSheet)({ el, told, sheet, inPage });
}

export default { render };
