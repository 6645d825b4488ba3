// A matrix of scores whose cells open the confusion behind them.
import { button, choice, element, opened, percent } from "./panel.js";

// Mean recall: what stands on the diagonal.
export const uar = confusion => confusion.reduce((sum, row, c) => sum + row[c], 0) / confusion.length;

const shade = share => `background: rgb(0 114 178 / ${(0.04 + 0.5 * share).toFixed(3)})`;

function render({ model, el }) {
  const { pairs } = model.get("data"), unique = key => [...new Set(pairs.map(pair => pair[key]))];
  const [sources, methods] = ["source", "method"].map(unique);
  const targets = [...new Set([...sources, ...unique("target")])].filter(name => unique("target").includes(name));
  const state = { method: methods[0], source: pairs[0].source, target: pairs[0].target };
  const find = (source, target) =>
    pairs.find(pair => pair.method === state.method && pair.source === source && pair.target === target);
  const matrix = element("div", { class: "scroll" }), behind = element("div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "what was taken for what" });
  const said = element("p", { class: "said", role: "status" });

  const cell = (source, target) => {
    const pair = find(source, target);
    if (!pair) return element("td", {}, "–");
    const score = uar(pair.confusion), opens = button(Math.round(100 * score), () => open(source, target));
    const name = `${source} to ${target}: ${percent(score)}; show what was taken for what`;
    opens.setAttribute("aria-label", name);
    opens.setAttribute("style", shade(score));
    opens.setAttribute("aria-pressed", source === state.source && target === state.target);
    return element("td", {}, opens);
  };
  const head = (...names) => element("tr", {}, ...names.map(name => element("th", { scope: "col" }, element("span", {}, name))));

  const draw = () => {
    matrix.replaceChildren(element("table", { class: "narrow" },
      element("caption", {}, "UAR, %. Rows: the corpus with labels. Columns: the one without."), head("", ...targets),
      ...sources.map(source => element("tr", {}, element("th", { scope: "row" }, source),
        ...targets.map(target => cell(source, target))))));
    const pair = find(state.source, state.target), { names, confusion } = pair;
    behind.replaceChildren(element("table", { class: "narrow" },
      element("caption", {}, `${pair.source} → ${pair.target}, %. Rows: spoken. Columns: recognised.`),
      head("", ...names), ...confusion.map((row, r) => element("tr", {}, element("th", { scope: "row" }, names[r]),
        ...row.map((share, c) => element("td", { style: shade(share), class: r === c ? "own" : "" },
          Math.round(100 * share)))))));
    const missed = confusion.flatMap((row, r) => row.map((share, c) => [r === c ? 0 : share, names[r], names[c]]));
    const [share, spoken, taken] = missed.reduce((most, one) => (one[0] > most[0] ? one : most));
    said.textContent = `Mean of the diagonal ${percent(uar(confusion))}. `
      + `Most often mistaken: ${spoken} for ${taken}, ${percent(share)} of the time.`;
  };
  // The table is made anew: what had the focus gets it again.
  const open = (source, target) => {
    Object.assign(state, { source, target });
    draw();
    matrix.querySelector('[aria-pressed="true"]').focus();
  };
  opened(el, "A matrix whose cells open their confusion",
    element("div", { class: "controls" },
      ...(methods.length > 1
        ? [choice("method", methods, place => { state.method = methods[place]; draw(); })] : []), matrix),
    element("div", { class: "controls" }, behind, said));
  draw();
}

export default { render };
