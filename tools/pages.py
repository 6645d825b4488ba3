"Pages of the site that are made from the book's own sources: the reference, the results, and what the paper says."
import importlib
import inspect
import json
import re

import nbformat
import pandas as pd
from nbdev.showdoc import BasicMarkdownRenderer, show_doc

CALLOUT = re.compile(r"::: \{\.callout-note\}\n## Paper says / we do\n(.*?)\n:::", re.S)
TASK = ["source", "target"]
LONGEST_TABLE = 40  # rows
DECIMALS = re.compile(r"\d\.\d{3,}")


def page(title, description, body, **front):
    "A Markdown page with its front matter."
    head = {"title": title, "description": description, **front}
    return "\n".join(["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()), "---", "", body.strip(), ""])


# --- what the paper says -----------------------------------------------------------------------------------------------

def callouts(chapters):
    "The *Paper says / we do* of every chapter under its name."
    for path in chapters:
        notebook = nbformat.read(path, as_version=4)
        said = [text for cell in notebook.cells if cell.cell_type == "markdown" for text in CALLOUT.findall(cell.source)]
        if said:
            yield f"### [{path.stem.replace('_', ' ')}]({path.name})\n\n" + "\n\n".join(said)


# --- reference ---------------------------------------------------------------------------------------------------------

def public(module, path):
    "Names that a chapter exports, in its order of telling. Constants have no signature and are told in the chapter."
    exported = [getattr(module, name) for name in module.__all__]
    return [thing for thing in exported if callable(thing) and getattr(thing, "__module__", "") == module.__name__ and thing.__doc__]


def methods(thing):
    "Public methods of a class that say what they do."
    own = [member for name, member in vars(thing).items() if not name.startswith("_") or name == "__format__"]
    return [member for member in own if inspect.isfunction(member) and member.__doc__]


def told(thing, level, name=None):
    "Heading, signature with its comments, docstring."
    text = show_doc(thing, renderer=BasicMarkdownRenderer)._repr_markdown_()
    text = re.sub(r"^---\n+#+ [^\n]*\n", "", text)
    return f"{'#' * level} {name or thing.__name__}\n{text}".rstrip()


def first_line(thing):
    return inspect.getdoc(thing).splitlines()[0]


def module_of(chapter):
    "The module that a chapter exports."
    for cell in nbformat.read(chapter, as_version=4).cells:
        name = re.search(r"(?m)^#\|\s*default_exp (\w+)", cell.source)
        if name:
            return importlib.import_module(f"sere_nb.{name.group(1)}")


def reference(chapters, folder):
    "Write a page per module into `folder`; the text that lists them all."
    folder.mkdir()
    index = []
    for order, chapter in enumerate(chapters):
        module = module_of(chapter)
        name, things = module.__name__.split(".")[1], public(module, chapter)
        parts = [f"Chapter: [{chapter.stem.replace('_', ' ')}](../{chapter.name})."]
        for thing in things:
            parts.append(told(thing, 2))
            parts += [told(method, 3, f"{thing.__name__}.{method.__name__}") for method in (methods(thing) if inspect.isclass(thing) else [])]
        promise = module.__doc__.strip()
        (folder / f"{name}.md").write_text(page(name, promise, "\n\n".join(parts), order=order), encoding="utf-8")
        rows = [f"| [`{thing.__name__}`](reference/{name}.md#{thing.__name__.lower()}) | {first_line(thing)} |" for thing in things]
        index.append("\n".join([f"## [{name}](reference/{name}.md)\n\n{promise}\n", "| name | |", "|---|---|", *rows]))
    return "\n\n".join(index)


# --- results -----------------------------------------------------------------------------------------------------------

def markdown(frame):
    "A table in Markdown; numbers with at most two decimals."
    cell = lambda value: "" if pd.isna(value) else f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    rows = [[cell(value) for value in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(map(str, frame.columns)), ["---"] * frame.shape[1], *rows])


def by_method(frame):
    "Mean UAR over tasks with its interval over draws, one row per method."
    from sere_nb.metrics import bootstrap_mean, score_array
    if "shots" in frame and frame.shots.nunique() > 1:  # a curve over labels: a row for each of its points
        frame = frame.assign(method=frame.method + ", " + frame.shots.astype(str) + " shots")
    methods = frame.assign(labels_used=frame.get("labels_used", "")).drop_duplicates("method").set_index("method").labels_used
    rows = [(method, used, len(frame[frame.method == method].draw.unique()), str(bootstrap_mean(score_array(frame, method)))) for method, used in methods.items()]
    return pd.DataFrame(rows, columns=["method", "labels used", "draws", "mean UAR, % [95 %]"]), f"Mean over {len(frame.groupby(TASK))} tasks."


def shown(frame):
    "(table, what was done to fit it on a page)"
    frame = frame.rename(columns={"draws": "draws per task"})
    if {"draw", "method", "uar"} <= set(frame.columns):
        return by_method(frame)
    names = [column for column in frame.columns if frame[column].dtype.kind not in "fi" and column not in TASK]
    if set(TASK) <= set(frame.columns):
        shares = [column for column in ("uar", "std_over_draws") if column in frame]
        frame = frame.assign(**100 * frame[shares]).rename(columns={name: f"{name}, %" for name in shares})
        return frame.groupby(names, sort=False).mean(numeric_only=True).reset_index(), f"Mean over {len(frame.groupby(TASK))} tasks."
    step = -(-len(frame) // LONGEST_TABLE)
    return frame[::step], f"Every {step}th of {len(frame)} rows." if step > 1 else ""


def origin(path):
    "The provenance beside a result, in a line."
    parts = path.stem.split("_")  # matrix_both_ranks.csv was written together with matrix_both.csv
    stems = ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]
    found = [other for stem in stems for other in (path.with_name(f"{stem}.json"), path.with_name(f"{stem}.provenance.json")) if other.exists()]
    told = json.loads(found[0].read_text(encoding="utf-8"))
    options = {key: value for key, value in told["options"].items() if key != "script" and not isinstance(value, (dict, list))}
    listed = ", ".join(f"{key} {value}" for key, value in options.items())
    return (f"*{told['options'].get('script', 'benchmarks')}, commit {told['commit']}, {told['date'][:10]}, {told['device']}{'; ' + listed if listed else ''}. "
            f"[{path.name}](results/{path.name}), [{found[0].name}](results/{found[0].name})*")


def results(folder):
    "A section per measured table."
    first = ["matrix_both", "matrix", "loop", "shots", "neighbours", "sere"]
    for path in sorted(folder.glob("*.csv"), key=lambda path: (*(not path.stem.startswith(name) for name in first), path.stem)):
        frame = pd.read_csv(path)
        table, remark = (frame[:3], f"The first 3 of {len(frame)} points of a map.") if path.stem.endswith(("_map", "_maps")) else shown(frame)
        yield f"## {path.stem.replace('_', ' ')}\n\n{markdown(table)}\n\n{remark}\n\n{origin(path)}"
